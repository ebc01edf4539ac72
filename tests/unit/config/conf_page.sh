#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# reeve.conf(5) says what the table of settings says, and is good mdoc.
echo 1..2
page=$top_srcdir/node/man/reeve.conf.5
failed=0
if difference=$("$top_builddir/tests/unit/config/conf_page" | diff "$page" -); then
	echo "ok 1 - the page is that of the table"
else
	printf '%s\n' "$difference" | head -n 20 | sed 's/^/# /'
	echo "# make it anew: tests/unit/config/conf_page > node/man/reeve.conf.5"
	echo "not ok 1 - the page is that of the table"
	failed=1
fi
if faults=$(mandoc -Tlint -W warning "$page"); then
	echo "ok 2 - mandoc has nothing to say"
else
	printf '%s\n' "$faults" | sed 's/^/# /'
	echo "not ok 2 - mandoc has nothing to say"
	failed=1
fi
exit $failed
