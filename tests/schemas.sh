#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The schemas against their samples: what is valid must validate, what is invalid must fail at one
# node, the one that the manifest names. Prints TAP.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
schemas=$top/schemas
xsd=$schemas/xsd/1/message.xsd
trust=$schemas/xsd/trust/1/trust-list.xsd
XMLLINT=${XMLLINT:-xmllint}
XSLTPROC=${XSLTPROC:-xsltproc}
PYTHON3=${PYTHON3:-/usr/bin/python3}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# result STATUS NAME [DIAGNOSTICS]
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "not ok $n - $2"
		[ -z "${3-}" ] || printf '%s\n' "$3" | sed 's/^/# /'
	fi
}

# validates SCHEMA FILE...: one xmllint for all, one result for each
validates() {
	schema=$1
	shift
	"$XMLLINT" --noout --nonet --schema "$schema" "$@" 2>"$tmp/out"
	for f in "$@"; do
		grep -qxF "$f validates" "$tmp/out"
		result $? "valid: ${f#"$schemas"/}" "$(grep -F "$f:" "$tmp/out")"
	done
}

validates "$xsd" "$schemas"/samples/valid/*.xml
validates "$xsd" "$schemas"/samples/warning/*.xml
validates "$xsd" "$schemas"/templates/*.xml
validates "$trust" "$schemas"/samples/trust/valid/*.xml

# Business faults are found by the rules, after the schema: the schema itself has nothing against them.
for f in "$schemas"/samples/invalid/rule-*.xml; do
	[ -e "$f" ] && validates "$xsd" "$f"
done

# invalid SCHEMA FOLDER: each xsd-*.xml fails at one node, in the line that the manifest has
invalid() {
	for f in "$2"/xsd-*.xml; do
		name=${f##*/}
		"$XMLLINT" --noout --nonet --schema "$1" "$f" 2>"$tmp/out"
		status=$?
		nodes=$(sed -n 's/^.*:\([0-9]*\): element \([^ :]*\): Schemas validity error : .*$/\1 \2/p' \
			"$tmp/out" | sort -u)
		want=$(sed -n "s/^$name,XSD-[A-Z-]*,\([0-9]*\)\$/\1/p" "$2/MANIFEST.csv")
		# 3 is xmllint's status for a document that fails to validate.
		[ "$status" -eq 3 ] && [ -n "$want" ] && [ "${nodes%% *}" = "$want" ] &&
			[ "$(printf '%s\n' "$nodes" | wc -l)" -eq 1 ]
		result $? "invalid: ${f#"$schemas"/}, line $want" "$(cat "$tmp/out")"
	done

	{ echo file,code,line; tail -n +2 "$2/MANIFEST.csv" | LC_ALL=C sort; } | cmp -s - "$2/MANIFEST.csv"
	result $? "sorted: ${2#"$schemas"/}/MANIFEST.csv"

	tail -n +2 "$2/MANIFEST.csv" | cut -d, -f1 | LC_ALL=C sort -u >"$tmp/listed"
	(cd "$2" && ls -- *.xml) | LC_ALL=C sort >"$tmp/there"
	out=$(diff "$tmp/listed" "$tmp/there")
	result $? "complete: ${2#"$schemas"/}/MANIFEST.csv" "$out"
}

invalid "$xsd" "$schemas/samples/invalid"
invalid "$trust" "$schemas/samples/trust/invalid"

large=$(find "$schemas/samples/valid" -name '*.xml' -size +511k)
[ -z "$large" ]
result $? "no valid sample is over 512 KiB" "$large"

out=$("$PYTHON3" "$schemas/codes/enumerations.py" --check)
result $? "closed code lists match the schema" "$out"

# A list is cut at its commas: the same number of fields in each line, no quotes, codes once.
for f in "$schemas"/codes/*.csv; do
	out=$(awk -F, '
		FNR == 1 { fields = NF; if ($1 != "code" || $2 != "name") print "header: " $0; next }
		NF != fields || /["\r]/ || $1 == "" || seen[$1]++ { print "line " FNR ": " $0 }' "$f")
	[ -z "$out" ]
	result $? "code list: ${f##*/}" "$out"
done

# Every list that a schema names is there (the four ISO lists come from iso-codes).
lists=$(sed -n 's/.*source="urn:reeve:codes">\([^<]*\)<.*/\1/p' "$schemas"/xsd/1/*.xsd | sort -u)
for list in $lists; do
	case $list in
	countries | subdivisions | currencies | languages)
		"$PYTHON3" "$schemas/codes/iso-codes.py" "$list" >"$tmp/out" && [ "$(wc -l <"$tmp/out")" -gt 100 ]
		;;
	*)
		[ -s "$schemas/codes/$list.csv" ]
		;;
	esac
	result $? "list named by the schema: $list"
done

# The reference has every element, and every link in it leads somewhere.
"$XSLTPROC" --nonet -o "$tmp/reference.html" "$schemas/reference.xsl" "$xsd"
result $? "the reference is made"
out=$(sed -n 's/.*<xs:element name="\([^"]*\)".*/\1/p' "$schemas"/xsd/1/[!x]*.xsd "$trust" | sort -u |
	while read -r name; do
		grep -q "<code>$name</code>" "$tmp/reference.html" || echo "$name"
	done | grep -vx -e Message -e TrustList -e List)
[ -z "$out" ]
result $? "every element is in the reference" "$out"
sed 's/href="#/\n&/g' "$tmp/reference.html" | sed -n 's/^href="#\([^"]*\)".*/\1/p' | sort -u >"$tmp/links"
sed 's/ id="/\n&/g' "$tmp/reference.html" | sed -n 's/^ id="\([^"]*\)".*/\1/p' | sort >"$tmp/ids"
out=$(sort -u "$tmp/ids" | comm -23 "$tmp/links" -; uniq -d "$tmp/ids")
[ -s "$tmp/links" ] && [ -z "$out" ]
result $? "every link of the reference leads somewhere" "$out"

echo "1..$n"
echo "# $((n - failed)) of $n passed"
[ "$failed" -eq 0 ]
