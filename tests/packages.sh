#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing on Debian 12. "build": to build and run the demo; "test": for every test as well.
set -eu
build="gcc make autoconf automake libtool pkg-config git ca-certificates
libzmq3-dev libxml2-dev libxmlsec1-dev libxmlsec1-openssl libssl-dev libsqlite3-dev libcurl4-openssl-dev libjansson-dev
libconfig-dev libmicrohttpd-dev libsystemd-dev libseccomp-dev libp11-kit-dev libcmocka-dev
xmlsec1 libxml2-utils xsltproc openssl mandoc python3 iso-codes"
test="clang libclang-rt-14-dev python3-zmq python3-lxml python3-cryptography python3-jsonschema xz-utils gawk bash-completion zsh procps softhsm2"
case "${1:-build}" in
build) wanted=$build ;;
test) wanted="$build $test" ;;
*) echo "usage: $0 [build|test]" >&2; exit 2 ;;
esac
missing=
for package in $wanted; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "Installing:$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "Run as root, or install:$missing" >&2; exit 1; }
	as_root=sudo
fi
# shellcheck disable=SC2086  # a list of words
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
