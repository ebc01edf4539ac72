# SPDX-License-Identifier: Apache-2.0
# What the shell tests of the command line share: sourced. Counts in n and failed; a temporary folder is the working one.
top=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)
build=$(cd "${top_builddir:-$top/build}" && pwd)
reeve=$build/reeve
PYTHON3=${PYTHON3:-/usr/bin/python3}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
NO_COLOR=1
export NO_COLOR
unset REEVE_CONF
n=0
failed=0

# result STATUS NAME: with what the last command said, if it failed
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "not ok $n - $2"
		sed 's/^/# /' out err
	fi
}

# yes NAME COMMAND...: it succeeds.  no NAME STATUS TEXT COMMAND...: it ends with that status and says that.
yes() {
	name=$1
	shift
	"$@" >out 2>err </dev/null
	result $? "$name"
}
no() {
	name=$1 want=$2 text=$3
	shift 3
	"$@" >out 2>err </dev/null
	[ $? -eq "$want" ] && grep -q -e "$text" err
	result $? "$name"
}
says() {
	grep -q -e "$2" out
	result $? "$1"
}
mode() {
	[ "$(stat -c %a "$1")" = "$2" ]
	result $? "mode $2: $1"
}

# The plan and the outcome, at the very end.
finish() {
	echo "1..$n"
	echo "# $((n - failed)) of $n passed"
	[ "$failed" -eq 0 ]
}
