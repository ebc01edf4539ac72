#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Print a list of Debian's package iso-codes as CSV in the form of the other code lists.

Usage: iso-codes.py countries|subdivisions|currencies|languages [FOLDER]

FOLDER is where the JSON files are; /usr/share/iso-codes/json if not given.
"""
import json
import os
import sys

# The part of the standard, and the keys of an entry under which it has a code.
LISTS = {
    'countries': ('3166-1', ('alpha_2',)),
    'subdivisions': ('3166-2', ('code',)),
    'currencies': ('4217', ('alpha_3',)),
    'languages': ('639-3', ('alpha_2', 'alpha_3')),
}


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in LISTS:
        sys.exit(__doc__)
    part, keys = LISTS[sys.argv[1]]
    folder = sys.argv[2] if len(sys.argv) == 3 else '/usr/share/iso-codes/json'
    with open(os.path.join(folder, f'iso_{part}.json'), encoding='utf-8') as f:
        entries = json.load(f)[part]
    rows = []
    for entry in entries:
        name = entry.get('common_name', entry['name']).replace(',', ';').replace('"', "'")
        rows += [f'{entry[key]},{name}' for key in keys if key in entry]
    print('\n'.join(['code,name'] + sorted(rows)))


if __name__ == '__main__':
    main()
