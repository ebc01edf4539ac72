#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and passes every test: gcc and clang with warnings as errors, the whole suite, the
# suite again under ASan and UBSan, threads under TSan, and a distribution built from its own archive.
# Ends with the line "N passed, N failed"; fails when anything failed.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
out=${REEVE_TEST_DIR:-$top/build-tests}
sh "$top/tests/packages.sh" test || exit 1
passed=0
failed=0
steps=0

# a step: name, command...; its output goes to a file that is shown if it fails
step() {
	local name=$1 log="$out/$1.log" began=$SECONDS
	shift
	if "$@" >"$log" 2>&1; then
		printf 'ok    %-24s %4d s\n' "$name" $((SECONDS - began))
		passed=$((passed + 1))
	else
		printf 'FAILED %-23s %4d s\n' "$name" $((SECONDS - began))
		failed=$((failed + 1))
		tail -n 60 "$log"
	fi
	steps=$((steps + 1))
}

configure_in() { # folder, arguments of configure
	local dir=$1
	shift
	mkdir -p "$out/$dir" && cd "$out/$dir" && "$top/configure" --enable-werror "$@"
}

build_in() {
	cd "$out/$1" && make -j"$(nproc)" && make -j"$(nproc)" check TESTS=
}

# the suite in a folder: counts the single tests that automake reports
suite_in() { # folder, further arguments of make
	local dir=$1 began=$SECONDS log="$out/check-$1.log"
	shift
	(cd "$out/$dir" && make check "$@") >"$log" 2>&1
	local status=$? p f
	p=$(sed -n 's/^# PASS: *//p' "$log" | awk '{n += $1} END {print n + 0}')
	f=$(sed -n 's/^# \(FAIL\|XPASS\|ERROR\): *//p' "$log" | awk '{n += $1} END {print n + 0}')
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	if [ "$p" -eq 0 ]; then # a suite that ran nothing has not passed
		f=$((f + 1))
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	if [ "$f" -ne 0 ]; then
		printf 'FAILED %-23s %4d s  %d passed, %d failed\n' "suite $dir" $((SECONDS - began)) "$p" "$f"
		grep -E '^(FAIL|ERROR|XPASS):' "$log" | head -n 40
		cat "$out/$dir"/tests/*/*.log "$out/$dir"/tests/*/*/*.log 2>/dev/null | grep -B 30 -E '^not ok|Sanitizer|runtime error' | tail -n 150
	else
		printf 'ok    %-24s %4d s  %d passed\n' "suite $dir" $((SECONDS - began)) "$p"
	fi
}

rm -rf "$out"
mkdir -p "$out"
step autogen "$top/autogen.sh"
step configure-gcc configure_in gcc
step build-gcc build_in gcc
suite_in gcc -j2
step configure-clang configure_in clang CC=clang
step build-clang build_in clang
step configure-asan configure_in asan --enable-sanitizers=address,undefined CFLAGS='-g -O1'
step build-asan build_in asan
ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 suite_in asan -j2
step configure-tsan configure_in tsan --enable-sanitizers=thread CFLAGS='-g -O1'
step build-tsan build_in tsan
TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 suppressions=$top/tests/tsan.supp" suite_in tsan -j2
distcheck() { cd "$out/gcc" && make distcheck DISTCHECK_CONFIGURE_FLAGS=--enable-werror; }
step distcheck distcheck
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
