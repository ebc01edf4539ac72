#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The authority's work beyond the list itself, by the command line alone: several coordinators who sign; certificates, their
# revocation, CRL and OCSP, judged by openssl; members of national authorities; a key in a token (SoftHSM 2). Prints TAP.
set -u
. "$(dirname "$0")/tap.sh"

# ---- several coordinators ----
for c in OCU RILO WCO; do
	yes "authority new: $c" "$reeve" authority new $c --name "Coordinator $c" --code $c --days 400
done
yes "a relay" "$reeve" init RILO-NODE --code RILO-N --name "RILO node" --role relay --listen tcp://127.0.0.1:4510 \
	--endpoint tcp://relay.example.org:4510
yes "a member" "$reeve" init KE --code KE --name "Kenya Revenue Authority" --role administration --dial RILO-N
yes "another" "$reeve" init FR --code FR --name "Douane" --role administration --dial RILO-N
for m in RILO-NODE KE; do yes "admit $m" "$reeve" authority admit OCU $m/join.xml; done
yes "OCU alone" "$reeve" authority publish OCU --out list1.xml
yes "install it" "$reeve" trust install -c KE/reeve.conf list1.xml --authority OCU/authority.pem

no "neither add nor remove" 2 "neither" "$reeve" authority co-signer OCU ad RILO/own.pem
no "no certificate" 1 "cannot be opened" "$reeve" authority co-signer OCU add none.pem
no "more than there are" 1 "1 to 1" "$reeve" authority quorum OCU 2
no "a quorum that is none" 2 "number" "$reeve" authority quorum OCU many
for c in RILO WCO; do yes "co-signer $c" "$reeve" authority co-signer OCU add $c/own.pem; done
yes "quorum of 2" "$reeve" authority quorum OCU 2
yes "publish a proposal" "$reeve" authority publish OCU --out proposal.xml
says "it says that it is one" "proposal.*1 of the 2"
says "and who must sign" "RILO, WCO"
no "no node takes it" 1 "TRUST-QUORUM" "$reeve" trust install -c KE/reeve.conf proposal.xml
no "it is not signed unasked" 1 "give --yes" "$reeve" authority sign RILO proposal.xml
says "what it changes is shown" "+ member KE"
says "...who signs too" "signatures needed: 2"
[ ! -e RILO/signed ] && [ ! -e RILO/trust.xml ]
result $? "nothing was signed"
yes "RILO signs" "$reeve" authority sign RILO proposal.xml --yes --out list2.xml
says "it is complete" "Trust list 2 is in list2.xml"
yes "OCU takes it" "$reeve" authority sign OCU list2.xml
yes "WCO takes it, and adds a signature" "$reeve" authority sign WCO list2.xml --yes
cmp OCU/authority.pem WCO/authority.pem >out 2>&1 && grep -q '^Reeve-Quorum: 2$' OCU/authority.pem
result $? "all hand out the same authority.pem"
yes "the node follows" "$reeve" trust install -c KE/reeve.conf list2.xml
yes "verified by the three" "$reeve" trust verify list2.xml --authority OCU/authority.pem
says "it has two signatures" "by 2 keys"
xmllint --noout --nonet --schema "$top/schemas/xsd/trust/1/trust-list.xsd" list2.xml >out 2>&1
result $? "the list is valid by the schema"

# nobody alone
yes "OCU lowers the quorum in its own draft" "$reeve" authority quorum OCU 1
yes "and publishes" "$reeve" authority publish OCU --out forged.xml
says "it is a proposal all the same" "proposal"
no "no node takes it" 1 "TRUST-QUORUM\|INSTALL-AUTHORITY" "$reeve" trust install -c KE/reeve.conf forged.xml --authority OCU/authority.pem
no "nor with the authority's own certificate alone" 1 "INSTALL-AUTHORITY" "$reeve" trust install -c KE/reeve.conf forged.xml \
	--authority OCU/own.pem

# a change by another coordinator
yes "WCO admits FR" "$reeve" authority admit WCO FR/join.xml
yes "WCO proposes" "$reeve" authority publish WCO --number 4 --out proposal4.xml
yes "RILO signs" "$reeve" authority sign RILO proposal4.xml --yes --out list4.xml
says "what changes is shown" "+ member FR"
grep -q "member KE" out
[ $? -eq 1 ]
result $? "and what does not is not"
sed 's/Douane/Daouane/' proposal4.xml >altered.xml
no "an altered proposal" 1 "TRUST-DIGEST" "$reeve" authority sign RILO altered.xml --yes
no "OCU has signed a list of that number" 1 "AUTHORITY-NUMBER" "$reeve" authority sign RILO forged.xml --yes

# ---- looking back ----
yes "trust diff" "$reeve" trust diff list2.xml list4.xml --authority OCU/authority.pem
says "it says what came" "+ member FR"
"$reeve" trust diff list2.xml list4.xml --json >diff.json 2>err && "$PYTHON3" -c '
import json
d = json.load(open("diff.json"))
assert d["from"] == 2 and d["to"] == 4, d
assert d["changes"][0] == {"change": "added", "area": "member", "subject": "FR"}, d
' >out 2>err
result $? "trust diff --json"
# lists as a node keeps those that it took
kept=KE/trust
mkdir -p "$kept"
cp list1.xml "$kept/1.xml" && cp OCU/own.pem "$kept/1.pem"
for i in 2 4; do cp list$i.xml "$kept/$i.xml" && cp OCU/authority.pem "$kept/$i.pem"; done
yes "trust history" "$reeve" trust history -c KE/reeve.conf
says "each list is in it" "^ *4 .* 1 member added"
yes "trust history of one" "$reeve" trust history 4 -c KE/reeve.conf
says "against the one before" "list 4, against 2"
no "one that was never taken" 1 "never taken" "$reeve" trust history 3 -c KE/reeve.conf
sed -i 's/Douane/Daouane/' "$kept/4.xml"
yes "one that was altered" "$reeve" trust history -c KE/reeve.conf
says "is told" "^ *4 .*cannot be read"

# ---- certificates ----
yes "an authority with addresses" "$reeve" authority new CA --name "Certifying Coordination Unit" --code CCU --days 400 \
	--crl-url "http://127.0.0.1:1/{key}.crl" --ocsp-url "http://127.0.0.1:1/ocsp"
no "an address that is none" 1 "http://" "$reeve" authority new CB --name X --crl-url "ftp://x"
[ ! -e CB ]
result $? "nothing is left of what was refused"
for m in KE FR; do yes "admit $m" "$reeve" authority admit CA $m/join.xml; done
key=$(echo CA/authority-*.key | sed 's/.*-\(.*\)\.key/\1/')
serial() { # of a member's latest certificate
	awk -v code="$1" '$5 == code { s = $1 } END { print s }' CA/issued/index
}
cert() { echo "CA/issued/$(serial "$1").pem"; }
openssl x509 -in "$(cert KE)" -noout -ext crlDistributionPoints,authorityInfoAccess >out 2>err &&
	grep -q "URI:http://127.0.0.1:1/$key.crl" out && grep -q "OCSP - URI:http://127.0.0.1:1/ocsp" out
result $? "the addresses are in the certificate"
[ "$(openssl x509 -in "$(cert KE)" -noout -serial | tr A-F a-f)" = "serial=$(serial KE)" ]
result $? "the serial number is that of the index"
"$reeve" authority issued CA --json >issued.json 2>err && "$PYTHON3" -c '
import json
x = json.load(open("issued.json"))
assert [c["code"] for c in x] == ["KE", "FR"] and "revoked" not in x[0], x
' >out 2>err
result $? "authority issued --json"
yes "a certificate alone" "$reeve" authority issue CA FR/keys/sign.csr --days 20 --out alone.crt
openssl verify -x509_strict -CAfile CA/own.pem alone.crt >out 2>&1
result $? "openssl accepts it"
yes "of a request to join too" "$reeve" authority issue CA KE/join.xml --days 20
no "of what is no request" 1 "cannot be read" "$reeve" authority issue CA CA/own.pem
yes "renew" "$reeve" authority renew CA KE --days 300
no "renew of a stranger" 1 "not listed" "$reeve" authority renew CA US
yes "the list has both" "$reeve" authority publish CA --out ca1.xml
xmllint --noout --nonet --schema "$top/schemas/xsd/trust/1/trust-list.xsd" ca1.xml >out 2>&1
result $? "the list is valid by the schema"
yes "install it" "$reeve" init KE3 --code KE --name "Kenya Revenue Authority" --role administration --dial RILO-N
no "another key is not KE's" 1 "INSTALL-MEMBER" "$reeve" trust install -c KE3/reeve.conf ca1.xml --authority CA/authority.pem
yes "the node takes the renewed certificate" "$reeve" trust install -c KE/reeve.conf ca1.xml --authority CA/authority.pem \
	--replace-authority
cmp KE/keys/sign.crt "$(cert KE)" >out 2>&1
result $? "it is the one of the index"

# ---- CRL ----
yes "a CRL" "$reeve" authority crl CA --out ca.crl
openssl crl -in ca.crl -inform DER -noout -CAfile CA/own.pem >out 2>&1 && grep -q "verify OK" out
result $? "openssl verifies it"
openssl crl -in ca.crl -inform DER -out ca.pem 2>err
openssl verify -crl_check -CAfile CA/own.pem -CRLfile ca.pem "$(cert FR)" >out 2>&1
result $? "nobody is revoked"
no "a reason is needed" 2 "reason" "$reeve" authority revoke CA FR
no "a known one" 2 "there are" "$reeve" authority revoke CA FR --reason boredom
no "a moment that has come" 1 "to come" "$reeve" authority revoke CA FR --reason superseded --since 2099-01-01
yes "revoke" "$reeve" authority revoke CA FR --reason key-compromise --since 2026-01-02T03:04:05Z
says "the links are cut" "CURVE key ends now"
says "it says: publish" "Publish now"
yes "another CRL" "$reeve" authority crl CA --out ca.crl
says "its number grows" "CRL 2 with 2 revoked"
openssl crl -in ca.crl -inform DER -noout -text >crl.txt 2>&1
for text in "X509v3 CRL Number: *" "Key Compromise" "Jan  2 03:04:05 2026 GMT" "X509v3 Authority Key Identifier"; do
	tr -s ' \n' ' ' <crl.txt | grep -q "$(echo "$text" | tr -s ' ')"
	result $? "the CRL has: $text"
done
openssl crl -in ca.crl -inform DER -out ca.pem 2>err
openssl verify -crl_check -CAfile CA/own.pem -CRLfile ca.pem "$(cert FR)" >out 2>&1
[ $? -ne 0 ] && grep -q "certificate revoked" out
result $? "openssl refuses what is revoked"
openssl verify -crl_check -CAfile CA/own.pem -CRLfile ca.pem "$(cert KE)" >out 2>&1
result $? "...and accepts the other"
yes "publish" "$reeve" authority publish CA --out ca2.xml
grep -q '<Certificate Reason="key-compromise" Revoked="2026-01-02T03:04:05Z"' ca2.xml
result $? "the list says it"
no "a revoked certificate is no node's own" 1 "INSTALL-MEMBER" "$reeve" trust install -c FR/reeve.conf ca2.xml \
	--authority CA/authority.pem
no "the key is not certified again" 1 "AUTHORITY-KEY" "$reeve" authority admit CA FR/join.xml --renew
no "not even alone" 1 "AUTHORITY-KEY" "$reeve" authority issue CA FR/keys/sign.csr

# ---- OCSP ----
no "either or" 2 "needs --certify" "$reeve" authority ocsp CA
no "no key yet" 1 "--certify" "$reeve" authority ocsp CA --listen 127.0.0.1:0
yes "certify the responder" "$reeve" authority ocsp CA --certify
no "no address" 1 "no address" "$reeve" authority ocsp CA --listen localhost
mode "CA/ocsp/$key.pem" 600
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out r.key 2>err
openssl req -new -config "$top/certs/responder.cnf" -key r.key -sha256 -utf8 -subj "/O=CCU/CN=OCSP" -out r.csr >out 2>&1
openssl x509 -req -in r.csr -CA CA/own.pem -CAkey "CA/authority-$key.key" -sha256 -days 30 \
	-extfile "$top/certs/responder.cnf" -out theirs.crt >out 2>&1
fields=basicConstraints,keyUsage,extendedKeyUsage,authorityKeyIdentifier,noCheck
openssl x509 -in theirs.crt -noout -subject -ext $fields >a 2>&1
openssl x509 -in "CA/ocsp/$key.pem" -noout -subject -ext $fields >b 2>&1
[ -s a ] && diff a b >out 2>&1
result $? "it is as openssl issues it by certs/responder.cnf"
"$reeve" authority ocsp CA --listen 127.0.0.1:0 >ocsp.out 2>ocsp.err &
pid=$!
trap 'kill $pid 2>/dev/null; rm -rf "$tmp"' EXIT
i=0
until grep -q "http://" ocsp.out || [ $i -ge 200 ]; do
	sleep 0.1
	i=$((i + 1))
done
url=$(sed -n 's/.*\(http:.*\)/\1/p' ocsp.out)
# that process never had the authority's key
ls -l /proc/$pid/fd >out 2>&1
grep -q "authority-" out
[ $? -eq 1 ]
result $? "the authority's key is not open in it"
ask() { # certificate, more options
	c=$1
	shift
	openssl ocsp "$@" -issuer CA/own.pem -cert "$c" -url "$url" -CAfile CA/own.pem >out 2>err
}
ask "$(cert KE)" && grep -q "Response verify OK" err && grep -q ": good" out
result $? "openssl ocsp: good"
! grep -qi "nonce" err
result $? "the nonce came back"
ask "$(cert FR)" -sha256 && grep -q ": revoked" out && grep -q "Reason: keyCompromise" out
result $? "openssl ocsp: revoked, with the reason"
ask "$(cert FR)" -no_nonce && grep -q ": revoked" out
result $? "without a nonce too"
openssl ocsp -issuer CA/own.pem -serial 0x1234567890abcdef -url "$url" -CAfile CA/own.pem >out 2>err
grep -q ": unknown" out
result $? "what was never issued is unknown"
openssl ocsp -issuer OCU/own.pem -cert OCU/own.pem -url "$url" -CAfile OCU/own.pem >out 2>&1
grep -q "unauthorized" out
result $? "another authority's is not its business"
openssl ocsp -issuer CA/own.pem -cert "$(cert KE)" -no_nonce -reqout get.der >out 2>&1
b64=$(openssl base64 -A -in get.der | sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g')
curl -sS -o get.resp "${url}some/prefix/$b64" >out 2>err &&
	openssl ocsp -respin get.resp -issuer CA/own.pem -cert "$(cert KE)" -CAfile CA/own.pem -no_nonce >out 2>err &&
	grep -q ": good" out
result $? "by GET, behind a prefix"
code() { curl -sS -o resp -w '%{http_code}' "$@" 2>err; }
[ "$(code -X PUT --data x "$url")" = 405 ]
result $? "no other method"
[ "$(code --data x "$url")" = 415 ]
result $? "no other type"
head -c 5000 /dev/zero >big
[ "$(code -H 'Content-Type: application/ocsp-request' --data-binary @big "$url")" = 413 ]
result $? "nothing large"
[ "$(code -H 'Content-Type: application/ocsp-request' -H 'Transfer-Encoding: chunked' --data-binary @big "$url")" = 413 ]
result $? "nor in pieces"
[ "$(code "$url")" = 400 ]
result $? "nor nothing"
[ "$(code -H 'Content-Type: application/ocsp-request' --data garbage "$url")" = 200 ] &&
	openssl ocsp -respin resp -issuer CA/own.pem -cert "$(cert KE)" >out 2>&1
grep -q "malformedrequest" out
result $? "what is no request gets an answer of RFC 6960"
yes "revoke while it runs" "$reeve" authority revoke CA "$(serial KE)" --reason superseded
ask "$(cert KE)" && grep -q ": revoked" out && grep -q "superseded" out
result $? "the next answer says so"
yes "a new responder's key while it runs" "$reeve" authority ocsp CA --certify --days 5
ask "$(cert KE)" && grep -q "Response verify OK" err
result $? "it is taken"
kill -TERM $pid
wait $pid
result $? "it ends on SIGTERM"
trap 'rm -rf "$tmp"' EXIT

# ---- a national authority ----
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out n.key 2>err
openssl req -new -x509 -key n.key -days 300 -sha384 -subj "/C=FR/O=National PKI/CN=Root" \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out n.pem >out 2>&1
yes "FR makes new keys" "$reeve" init FR2 --code FR --name "Douane" --role administration --dial RILO-N
openssl x509 -req -in FR2/keys/sign.csr -CA n.pem -CAkey n.key -sha384 -days 200 -extfile "$top/certs/member.cnf" -out fr.crt >out 2>&1
no "its issuer is not listed" 1 "CHAIN-ISSUER" "$reeve" authority admit CA FR2/join.xml --renew --certificate fr.crt
no "a member's certificate is no issuer" 1 "CHAIN-CA" "$reeve" authority issuer CA add alone.crt
yes "admit with the issuer" "$reeve" authority admit CA FR2/join.xml --renew --overlap 0 --certificate fr.crt --issuer n.pem \
	--crl-url http://pki.example.fr/root.crl
says "it says whose certificate" "of its own authority"
no "a certificate for another key" 1 "AUTHORITY-REQUEST" "$reeve" authority admit CA KE/join.xml --renew --certificate fr.crt
no "addresses without an issuer" 2 "go with --issuer" "$reeve" authority admit CA FR2/join.xml --certificate fr.crt --crl-url http://x/
yes "checking" "$reeve" authority checking CA administration hard --max-age-hours 24
no "of no role" 2 "no role" "$reeve" authority checking CA king hard
no "in no mode" 2 "none of" "$reeve" authority checking CA relay maybe
yes "publish" "$reeve" authority publish CA --out ca3.xml
grep -q '<CrlUrl>http://pki.example.fr/root.crl</CrlUrl><For>FR</For>' ca3.xml &&
	grep -q '<Checking MaxAgeHours="24" Revocation="hard" Role="administration">' ca3.xml
result $? "the list has issuer and policy"
yes "the node takes its national certificate from the list" "$reeve" trust install -c FR2/reeve.conf ca3.xml \
	--authority CA/authority.pem
cmp fr.crt FR2/keys/sign.crt >out 2>&1
result $? "it is that one"
digest=$(openssl x509 -in n.pem -outform DER | sha256sum | cut -c1-16)
no "an issuer that is needed" 1 "AUTHORITY-ISSUER" "$reeve" authority issuer CA remove "$digest"
yes "revoke what another authority issued" "$reeve" authority revoke CA FR --reason affiliation
yes "take the issuer out" "$reeve" authority issuer CA remove "$digest"
yes "another issuer, for two" "$reeve" authority issuer CA add n.pem --for KE --for FR --ocsp-url http://ocsp.example.fr/
yes "show" "$reeve" authority show CA

# ---- a key in a token ----
module=/usr/lib/softhsm/libsofthsm2.so
SOFTHSM2_CONF=$tmp/softhsm2.conf
export SOFTHSM2_CONF
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$tmp" >softhsm2.conf
softhsm2-util --init-token --free --label Authority --so-pin so-1234 --pin pin-7731 >out 2>&1
result $? "a token"
(umask 077 && echo pin-7731 >pin)
echo pin-0000 >wrong && chmod 600 wrong
hsm="--pkcs11 pkcs11:token=Authority;object=ccu --pkcs11-module $module"
no "a wrong PIN" 1 "TOKEN-PIN" "$reeve" authority new H --name Guarded --code HSM $hsm --pin-file wrong
[ ! -e H ]
result $? "nothing is left of what was refused"
no "no passphrase for it" 2 "PIN" "$reeve" authority new H --name Guarded --code HSM $hsm --pin-file pin --passphrase
yes "authority new in a token" "$reeve" authority new H --name Guarded --code HSM $hsm --pin-file pin --crl-url "http://x/{key}.crl"
grep -q "^pkcs11:" H/authority-*.key && ! grep -q "PRIVATE\|pin-7731" H/authority-*.key
result $? "the folder has no key and no PIN"
yes "admit" "$reeve" authority admit H KE/join.xml
yes "publish" "$reeve" authority publish H
yes "verify" "$reeve" trust verify H/trust.xml --authority H/authority.pem
openssl verify -x509_strict -CAfile H/own.pem H/issued/*.pem >out 2>&1
result $? "openssl accepts what the token signed"
yes "a CRL" "$reeve" authority crl H --out h.crl
openssl crl -in h.crl -inform DER -noout -CAfile H/own.pem >out 2>&1 && grep -q "verify OK" out
result $? "openssl verifies it"
yes "certify the responder" "$reeve" authority ocsp H --certify
yes "rotate to another key in the token" "$reeve" authority rekey H --pkcs11 "pkcs11:token=Authority;object=ccu2" \
	--pkcs11-module $module --pin-file pin
yes "publish with both" "$reeve" authority publish H
rm pin
no "without the PIN nothing is signed" 1 "PIN" "$reeve" authority publish H

finish
