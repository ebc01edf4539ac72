#!/bin/sh
# Makes configure and the Makefile templates; their helper files go to .autotools, which git ignores.
set -e
cd "$(dirname "$0")"
mkdir -p .autotools/m4
exec autoreconf --install --force --warnings=all,no-obsolete
