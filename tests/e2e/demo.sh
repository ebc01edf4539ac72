#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The README's first command, without installing and building: the demo plays to its end and stops its nodes.
echo 1..1
if out=$(/usr/bin/python3 "$top_srcdir/node/demo/play.py" --build "$top_builddir" --once 2>&1); then
	echo "ok 1 - the demo plays a joint operation to its end"
else
	printf '%s\n' "$out" | tail -n 20 | sed 's/^/# /'
	echo "not ok 1 - the demo plays a joint operation to its end"
	exit 1
fi
