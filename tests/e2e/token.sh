#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A node whose signing key is in a token, made by the command line alone: the real SoftHSM 2. Prints TAP.
set -u
top=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)
build=$(cd "${top_builddir:-$top/build}" && pwd)
reeve=$build/reeve
module=/usr/lib/softhsm/libsofthsm2.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
NO_COLOR=1
SOFTHSM2_CONF=$tmp/softhsm2.conf
export NO_COLOR SOFTHSM2_CONF
unset REEVE_CONF
n=0
failed=0
pin=pin-8835-xyzzy

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
absent() {
	[ ! -e "$1" ]
	result $? "$2"
}
init() { # folder, further options
	dir=$1
	shift
	"$reeve" init "$dir" --code KE --name "Kenya Revenue Authority" --role administration "$@"
}
objects() { # how many of the tokens' objects
	find tokens -name '*.object' ! -name token.object | wc -l
}

mkdir tokens
printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$tmp" >softhsm2.conf
softhsm2-util --init-token --free --label Customs --so-pin so-pin-1 --pin "$pin" >out 2>err || {
	echo "Bail out! softhsm2-util does not work (package softhsm2)"
	exit 1
}
printf '%s\n' "$pin" >pin
chmod 600 pin
uri="pkcs11:token=Customs;object=reeve"

no "--pin-file alone is no key" 2 "go with --pkcs11" init A --pin-file pin
no "a module is needed" 1 "no PKCS#11 module" init A --pkcs11 "$uri" --pin-file pin
no "a PIN is needed" 1 "wants a PIN" init A --pkcs11 "$uri" --pkcs11-module $module
no "a PIN in the URI is refused" 1 "has a pin-value" init A --pkcs11 "$uri?pin-value=$pin" --pkcs11-module $module
! grep -q "$pin" out err
result $? "and not repeated"
chmod 644 pin
no "a PIN that others may read is refused" 1 "others may read the PIN" init A --pkcs11 "$uri" --pkcs11-module $module --pin-file pin
chmod 600 pin
no "a token that is not there" 1 "no token fits the URI" init A --pkcs11 "pkcs11:token=Other;object=reeve" --pkcs11-module $module --pin-file pin
absent A "nothing is left of what failed"

yes "init makes the key in the token" init A --pkcs11 "$uri" --pkcs11-module $module --pin-file pin
says "and says so" "made in the token"
absent A/keys/sign.key "no file has the key"
[ "$(objects)" -eq 2 ]
result $? "the token has a pair"
grep -q '^signing_key = "pkcs11:token=Customs;object=reeve";$' A/reeve.conf && grep -q "^pkcs11_module = \"$module\";\$\|^pkcs11_module = \"/usr/lib/.*libsofthsm2.so\";\$" A/reeve.conf &&
	grep -q "^signing_pin_file = \"$tmp/pin\";\$" A/reeve.conf
result $? "reeve.conf names key, module and PIN file"
! grep -rq "$pin" A
result $? "the PIN is in no file of the node"
yes "the request is signed by the key" openssl req -in A/keys/sign.csr -noout -verify
yes "the coordinator's folder" "$reeve" authority new C --name "Coordination Unit" --days 100
yes "takes it" "$reeve" authority admit C A/join.xml
yes "a list" "$reeve" authority publish C --out list.xml
yes "is installed, and the certificate found" "$reeve" trust install -c A/reeve.conf list.xml --authority C/authority.pem
openssl req -in A/keys/sign.csr -noout -pubkey >a.pub && openssl x509 -in A/keys/sign.crt -noout -pubkey | cmp -s - a.pub
result $? "it is the key of the token"

yes "a second node uses the key that is there" init B --pkcs11 "$uri" --pkcs11-module $module --pin-file pin
says "and says so" "in the token is used"
[ "$(objects)" -eq 2 ]
result $? "no other pair is made"
openssl req -in B/keys/sign.csr -noout -pubkey | cmp -s - a.pub
result $? "it is the same"

mkdir full && touch full/x
no "a folder in use is left alone" 1 "" init full --pkcs11 "pkcs11:token=Customs;object=late" --pkcs11-module $module --pin-file pin
[ "$(objects)" -eq 2 ]
result $? "and nothing stays in the token"
no "a pair of an init that fails later goes again" 1 "" init E --pkcs11 "pkcs11:token=Customs;object=late" --pkcs11-module $module --pin-file pin --listen "tcp://name:1"
[ "$(objects)" -eq 2 ]
result $? "nothing stays in the token"

yes "RSA is made in the token as well" init F --pkcs11 "pkcs11:token=Customs;object=rsa?module-path=$module&pin-source=file:$tmp/pin" --rsa 2048
openssl req -in F/keys/sign.csr -noout -text | grep -q "(2048 bit)"
result $? "of the size that was asked for"
yes "its request is taken" "$reeve" authority admit C F/join.xml --renew


echo "1..$n"
[ "$failed" -eq 0 ]
