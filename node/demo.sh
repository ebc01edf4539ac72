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
	[ -x "$top/configure" ] || "$top/autogen.sh" >"$top/.autotools.log" 2>&1 || { cat "$top/.autotools.log"; exit 1; }
	mkdir -p "$build"
	(cd "$build" && "$top/configure" --quiet && make -j"$(nproc)") >"$build.log" 2>&1 || { tail -n 40 "$build.log"; exit 1; }
fi
exec /usr/bin/python3 "$top/node/demo/play.py" --build "$build" "$@"
