#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The manual page of the rules names every rule as it is. Prints TAP.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
build=${top_builddir:-$top/build}
page=$top/node/man/reeve-rules.7
MANDOC=${MANDOC:-mandoc}
tmp=$(mktemp) || exit 99
trap 'rm -f "$tmp"' EXIT

echo 1..3
if "$build/tests/unit/protocol/rules7" >"$tmp"; then
	echo "ok 1 - every rule has an area"
else
	echo "not ok 1 - every rule has an area"
fi
if cmp -s "$tmp" "$page"; then
	echo "ok 2 - the page is as the rules are"
else
	echo "not ok 2 - the page is as the rules are"
	echo "# run: $build/tests/unit/protocol/rules7 >$page"
	diff "$page" "$tmp" | head -20 | sed 's/^/# /'
fi
out=$("$MANDOC" -T lint -W warning "$page" 2>&1)
if [ -z "$out" ]; then
	echo "ok 3 - mandoc has nothing against the page"
else
	echo "not ok 3 - mandoc has nothing against the page"
	printf '%s\n' "$out" | sed 's/^/# /'
fi
