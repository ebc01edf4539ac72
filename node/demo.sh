#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and plays a short joint operation on three real nodes.
#   sh node/demo.sh           leaves the nodes running and says what to try next
#   sh node/demo.sh --once    stops them at the end
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${REEVE_BUILD_DIR:-$top/build}
sh "$top/tests/packages.sh" build
if [ ! -x "$build/reeve" ] || [ ! -x "$build/reeved" ]; then
	echo "Building in $build (a few minutes)"
	mkdir -p "$build"
	log=$build/demo-build.log
	{ [ -x "$top/configure" ] || "$top/autogen.sh"; } >"$log" 2>&1 && (cd "$build" && "$top/configure" --quiet && make -j"$(nproc)") >>"$log" 2>&1 ||
		{ tail -n 40 "$log"; exit 1; }
fi
exec /usr/bin/python3 "$top/node/demo/play.py" --build "$build" "$@"
