#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write the closed code lists of the schemas as CSV files, so that programs find their words.

Usage: enumerations.py [--check]

The XSD is the master: for every simple type with enumerations and an appinfo that names a list,
NAME.csv is written beside this script. With --check nothing is written; files that differ are
named and the exit status is 1.
"""
import glob
import os
import sys
import xml.etree.ElementTree as ET

XS = '{http://www.w3.org/2001/XMLSchema}'
HERE = os.path.dirname(os.path.abspath(__file__))


def words(element):
    """The documentation of an element as one line without the characters that CSV would quote."""
    text = ' '.join(element.findtext(f'{XS}annotation/{XS}documentation').split())
    return text.rstrip('.').replace(',', ';').replace('"', "'")


def lists():
    for path in sorted(glob.glob(os.path.join(HERE, '..', 'xsd', '1', '*.xsd'))):
        for simple in ET.parse(path).getroot().iter(f'{XS}simpleType'):
            values = simple.findall(f'{XS}restriction/{XS}enumeration')
            name = simple.findtext(f'{XS}annotation/{XS}appinfo')
            if values and name:
                lines = [f'{v.get("value")},{words(v)}' for v in values]
                yield name, '\n'.join(['code,name'] + lines) + '\n'


def main():
    check = sys.argv[1:] == ['--check']
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = 0
    for name, text in lists():
        path = os.path.join(HERE, f'{name}.csv')
        old = open(path, encoding='utf-8').read() if os.path.exists(path) else ''
        if old == text:
            continue
        stale += 1
        if check:
            print(f'{name}.csv does not match the schema: run schemas/codes/enumerations.py')
        else:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)
    return 1 if check and stale else 0


if __name__ == '__main__':
    sys.exit(main())
