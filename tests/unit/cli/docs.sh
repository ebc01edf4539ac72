#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Man pages are clean, and the completion scripts are those that the table of commands makes, and complete. TAP.
set -u
top=${top_srcdir:-.}
reeve=${top_builddir:-.}/reeve
n=0
failed=0

ok() # status words
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

skip()
{
	n=$((n + 1))
	echo "ok $n # SKIP $1"
}

for page in "$top"/node/man/*.[1-8]; do
	out=$(mandoc -Tlint -W warning "$page" 2>&1)
	status=$?
	[ -z "$out" ] || echo "$out" | sed 's/^/# /'
	ok $status "mandoc finds no fault in $(basename "$page")"
done

missing=$("$reeve"d --help | grep -o -- '--[a-z]*' | sort -u | while read -r option; do
	grep -q "^\.It.* Fl -${option#--}" "$top/node/man/reeved.8" || echo "$option"
done)
[ -z "$missing" ]
ok $? "reeved.8 has every option of reeved $missing"

"$reeve" completion bash | cmp -s - "$top/node/cli/completion/reeve.bash"
ok $? "reeve.bash is what the table makes (make update-completion)"
"$reeve" completion zsh | cmp -s - "$top/node/cli/completion/_reeve"
ok $? "_reeve is what the table makes (make update-completion)"

complete_bash() # words...: what is offered for the last
{
	bash --norc -c '
		source "$1"; shift
		compopt() { :; }
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_reeve; printf "%s\n" "${COMPREPLY[@]}"' - "$top/node/cli/completion/reeve.bash" "$@" | sort | tr '\n' ' '
}

expect() # got wanted words
{
	[ "$1" = "$2" ]
	local status=$?
	[ $status -eq 0 ] || echo "# got '$1', wanted '$2'"
	ok $status "$3"
}
expect "$(complete_bash reeve comp)" "completion " "bash completes a command"
expect "$(complete_bash reeve completion z)" "zsh " "bash completes an operand"
expect "$(complete_bash reeve -c x.conf help comp)" "completion " "bash skips a value before the command"
expect "$(complete_bash reeve completion --he)" "--help " "bash completes an option"

if command -v zsh >/dev/null; then
	zsh -n "$top/node/cli/completion/_reeve"
	ok $? "zsh can read _reeve"
else
	skip "there is no zsh"
fi
echo "1..$n"
exit $failed
