#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# From nothing to a network's trust list and back, by the command line alone: new, init, admit, operation, publish, install,
# remove, renew, rekey; and what must be refused. Prints TAP.
set -u
. "$(dirname "$0")/tap.sh"
xsd=$top/schemas/xsd/trust/1

# ---- an authority ----
yes "authority new" "$reeve" authority new A --name "Operations Coordination Unit" --code OCU --days 400
mode A 700
mode "$(echo A/authority-*.key)" 600
no "new never overwrites" 1 "is there already" "$reeve" authority new A --name X
no "new needs a name" 2 "name" "$reeve" authority new B
no "a number must be one" 2 "whole number" "$reeve" authority new B --name X --days 0
[ ! -e B ]
result $? "nothing is left of what was refused"
openssl verify -x509_strict -CAfile A/authority.pem A/authority.pem >out 2>&1
result $? "openssl accepts the authority's certificate"

# ---- nodes ----
yes "init of a relay" "$reeve" init RILO --code RILO --name "RILO ESA" --role relay --role coordinator \
	--listen tcp://127.0.0.1:4510 --endpoint tcp://relay.example.org:4510
yes "init of an administration" "$reeve" init KE --code KE --name "Kenya Revenue Authority" \
	--role administration --country KE --via RILO --dial RILO --office Mombasa
yes "init with an RSA key" "$reeve" init FR --code FR --name "Douane & Droits indirects" \
	--role administration --rsa 3072 --dial RILO
mkdir RH
yes "init in an empty folder" "$reeve" init RH --code ACME --name "Acme" --role right-holder --dial RILO
for f in KE KE/keys; do mode $f 700; done
for f in KE/keys/sign.key KE/keys/curve.key KE/reeve.conf; do mode $f 600; done
grep -q 'BEGIN PRIVATE KEY' KE/keys/sign.key
result $? "the signing key is PKCS #8"
grep -q 'PRIVATE\|secret' KE/join.xml
[ $? -eq 1 ] && ! grep -qF "$(sed -n 's/^secret-key = "\(.*\)"/\1/p' KE/keys/curve.key)" KE/join.xml
result $? "the request has no private key"
openssl req -in KE/keys/sign.csr -noout -verify -subject >out 2>&1 && grep -q 'CN = KE' out
result $? "openssl accepts the certificate request"
cp -r KE KE.before
no "init never overwrites" 1 "is there already" "$reeve" init KE --code KE --name X --role relay
diff -r KE KE.before >out 2>&1
result $? "...and changes nothing"
no "init refuses a bad role" 2 "not known" "$reeve" init X --code KE --name X --role king
no "init refuses a bad code" 2 "member code" "$reeve" init X --code ke --name X --role relay
no "init refuses an endpoint that is none" 2 "tcp://" "$reeve" init X --code KE --name X --role relay --endpoint x:1
no "init refuses what the configuration does not take" 1 "listen" "$reeve" init X --code KE --name X --role relay \
	--listen nowhere
no "init needs to know who" 2 "code" "$reeve" init X
[ ! -e X ]
result $? "nothing is left of what was refused"
xmllint --noout --nonet --schema "$xsd/join.xsd" KE/join.xml RILO/join.xml FR/join.xml >out 2>&1
result $? "requests are valid by the schema"

# ---- admission ----
fingerprint=$("$reeve" authority admit A KE/join.xml --fingerprint 0000 2>&1 | sed -n 's/.* is \([a-z-]*\), not .*/\1/p')
[ ${#fingerprint} -eq 29 ]
result $? "a wrong fingerprint is refused"
yes "admit with the right one" "$reeve" authority admit A KE/join.xml --fingerprint "$fingerprint"
no "twice is refused" 1 "renew" "$reeve" authority admit A KE/join.xml
for m in RILO FR RH; do yes "admit $m" "$reeve" authority admit A $m/join.xml; done
sed 's/Kenya/Kenia/' KE/join.xml >altered.xml
no "an altered request" 1 "JOIN-DIGEST" "$reeve" authority admit A altered.xml
sed 's/<Role>/ <Role>/' KE/join.xml >altered.xml
no "a request that is not canonical" 1 "TRUST-SHAPE\|JOIN-DIGEST" "$reeve" authority admit A altered.xml
no "no request at all" 1 "cannot be opened" "$reeve" authority admit A none.xml
no "no authority there" 1 "authority new" "$reeve" authority admit Z KE/join.xml

# ---- an operation ----
printf 'code,name,parent,risk_area\nwildlife,Wildlife,,environment\nivory,Ivory,wildlife,environment\n' >crane.csv
yes "authority operation" "$reeve" authority operation A CRANE-26 --name "Operation Crane" --lead KE --from 2026-01-01 --to 2099-12-31 \
	--risk drugs,environment --kinds warning --kinds seizure --participant KE:participant --participant FR:coordination-unit \
	--participant RILO:relay --participant ACME:right-holder --category crane.csv
says "it has version 1" "version 1"
yes "it changes" "$reeve" authority operation A CRANE-26 --nominal yes
says "its version grows" "version 2"
no "a right-holder is no observer" 1 "TRUST-ROLE" "$reeve" authority operation A CRANE-26 --participant ACME:observer
no "dates in order" 1 "TRUST-DATES" "$reeve" authority operation A CRANE-26 --to 2020-01-01
no "a new one needs all" 1 "needs a name" "$reeve" authority operation A OTHER --lead KE
no "an unknown risk area" 2 "there are" "$reeve" authority operation A OTHER --risk rum
no "an unknown role" 2 "there are" "$reeve" authority operation A OTHER --participant KE:boss
no "a date that is none" 2 "needs a date" "$reeve" authority operation A OTHER --from 2026-02-30
no "a code that is none" 2 "operation code" "$reeve" authority operation A crane

# ---- publication ----
yes "authority publish" "$reeve" authority publish A --out list1.xml --days 10
xmllint --noout --nonet --schema "$xsd/trust-list.xsd" list1.xml >out 2>&1
result $? "the list is valid by the schema"
xmlsec1 --verify --enabled-reference-uris same-doc --id-attr:Id urn:reeve:trust:1:List \
	--pubkey-cert-pem A/authority.pem list1.xml >out 2>&1
result $? "xmlsec1 verifies the list"
yes "trust verify" "$reeve" trust verify list1.xml --authority A/authority.pem
says "it says so" "Trust list 1 of OCU is good"
no "verify needs the authority" 2 "authority" "$reeve" trust verify list1.xml
sed 's/tcp:\/\/relay/tcp:\/\/other/' list1.xml >altered.xml
no "an altered list" 1 "TRUST-DIGEST" "$reeve" trust verify altered.xml --authority A/authority.pem
xmllint --format list1.xml >altered.xml
no "a reformatted list" 1 "TRUST-CANONICAL" "$reeve" trust verify altered.xml --authority A/authority.pem
yes "another authority" "$reeve" authority new B --name "Someone else"
no "is not this one" 1 "TRUST-SIGNATURE" "$reeve" trust verify list1.xml --authority B/authority.pem

# ---- installation ----
for m in KE RILO FR RH; do
	yes "install at $m" "$reeve" trust install -c $m/reeve.conf list1.xml --authority A/authority.pem
	openssl verify -x509_strict -CAfile A/authority.pem $m/keys/sign.crt >out 2>&1
	result $? "openssl accepts the certificate of $m"
	[ "$(openssl x509 -in $m/keys/sign.crt -noout -pubkey)" = "$(openssl pkey -in $m/keys/sign.key -pubout)" ]
	result $? "it is for the key of $m"
done
cmp list1.xml KE/trust.xml >out 2>&1
result $? "the list is in place"
openssl x509 -req -in KE/keys/sign.csr -CA A/authority.pem -CAkey "$(echo A/authority-*.key)" -sha256 -days 30 \
	-extfile "$top/certs/member.cnf" -out theirs.crt >out 2>&1
openssl x509 -in theirs.crt -noout -subject -ext basicConstraints,keyUsage,extendedKeyUsage,subjectKeyIdentifier,authorityKeyIdentifier >a 2>&1
openssl x509 -in KE/keys/sign.crt -noout -subject -ext basicConstraints,keyUsage,extendedKeyUsage,subjectKeyIdentifier,authorityKeyIdentifier >b 2>&1
[ -s a ] && diff a b >out 2>&1
result $? "it is as openssl issues it by certs/member.cnf"
yes "installed twice" "$reeve" trust install -c KE/reeve.conf list1.xml
says "it says so" "already"

yes "trust show of the node" "$reeve" -c KE/reeve.conf trust show
says "its signature is checked" "good, by 1 key"
says "a member in the table" "KE .*Kenya Revenue Authority .*administration .*via RILO"
yes "trust show of a file" "$reeve" trust show list1.xml
says "its signature is not checked" "NOT CHECKED"
yes "authority show of the draft" "$reeve" authority show A
"$reeve" -c KE/reeve.conf trust show --json >show.json 2>err &&
	"$PYTHON3" -c '
import json
t = json.load(open("show.json"))
assert t["number"] == 1 and t["signers"] == 1 and t["authority"] == "OCU", t
assert [m["code"] for m in t["members"]] == ["KE", "RILO", "FR", "ACME"], t
o = t["operations"][0]
assert o["code"] == "CRANE-26" and o["version"] == 2 and o["nominalAllowed"] is True, o
assert sorted(p["code"] for p in o["participants"]) == ["ACME", "FR", "KE", "RILO"], o
' >out 2>err
result $? "trust show --json"

# ---- change ----
yes "publish again" "$reeve" authority publish A --out list2.xml --days 10
yes "install the next" "$reeve" trust install -c KE/reeve.conf list2.xml
no "an older list" 1 "TRUST-OLDER" "$reeve" trust install -c KE/reeve.conf list1.xml
cmp list2.xml KE/trust.xml >out 2>&1
result $? "...and the newer one stays"
no "who leads is not removed" 1 "leads" "$reeve" authority remove A KE
yes "authority remove" "$reeve" authority remove A FR
no "not twice" 1 "not listed" "$reeve" authority remove A FR
yes "publish without FR" "$reeve" authority publish A --out list3.xml
no "FR is not in it" 1 "INSTALL-MEMBER" "$reeve" trust install -c FR/reeve.conf list3.xml
cmp list1.xml FR/trust.xml >out 2>&1
result $? "...and keeps what it had"

# KE makes new keys
"$reeve" init KE2 --code KE --name "Kenya Revenue Authority" --role administration --via RILO --dial RILO >out 2>err
yes "admit --renew" "$reeve" authority admit A KE2/join.xml --renew --overlap 7
yes "publish both keys" "$reeve" authority publish A --out list4.xml
yes "the former node still installs" "$reeve" trust install -c KE/reeve.conf list4.xml
yes "and so does the new one" "$reeve" trust install -c KE2/reeve.conf list4.xml --authority A/authority.pem
yes "after a theft" "$reeve" authority admit A KE2/join.xml --renew --overlap 0
yes "the certificate is another one" "$reeve" authority publish A --out list4b.xml
yes "install it" "$reeve" trust install -c KE2/reeve.conf list4b.xml
says "the node must be restarted" "restart the node"
yes "publish the new key alone" "$reeve" authority publish A --out list5.xml
no "the former key is out" 1 "INSTALL-MEMBER" "$reeve" trust install -c KE/reeve.conf list5.xml

# ---- the authority's own key ----
cp A/authority.pem former.pem
yes "authority rekey" "$reeve" authority rekey A
yes "publish with both keys" "$reeve" authority publish A --out list6.xml
yes "the former certificate vouches" "$reeve" trust verify list6.xml --authority former.pem
yes "so does the new one" "$reeve" trust verify list6.xml --authority A/authority.pem
cat former.pem A/authority.pem >both.pem
yes "both do" "$reeve" trust verify list6.xml --authority both.pem
says "by two keys" "2 keys"
xmllint --noout --nonet --schema "$xsd/trust-list.xsd" list6.xml >out 2>&1
result $? "a list with two signatures is valid by the schema"
yes "install the new certificate" "$reeve" trust install -c KE2/reeve.conf list6.xml --authority A/authority.pem
yes "end the rotation" "$reeve" authority rekey A --end
[ "$(echo A/authority-*.key | wc -w)" -eq 1 ]
result $? "one key is left"
yes "publish with the new key" "$reeve" authority publish A --out list7.xml
no "the former certificate vouches no more" 1 "TRUST-SIGNATURE" "$reeve" trust verify list7.xml --authority former.pem
yes "who has the new one goes on" "$reeve" trust install -c KE2/reeve.conf list7.xml
no "who has not stays" 1 "INSTALL-AUTHORITY" "$reeve" trust install -c RILO/reeve.conf list7.xml --authority A/authority.pem
yes "until told otherwise" "$reeve" trust install -c RILO/reeve.conf list7.xml --authority A/authority.pem --replace-authority

# ---- a passphrase ----
echo "correct horse battery staple" >secret
echo "wrong" >guess
yes "new with a passphrase" "$reeve" authority new P --name "Guarded" --passphrase-file secret
grep -q 'BEGIN ENCRYPTED PRIVATE KEY' P/authority-*.key
result $? "the key is encrypted"
no "a wrong passphrase" 1 "does not open" "$reeve" authority publish P --passphrase-file guess
yes "the right one" "$reeve" authority publish P --passphrase-file secret
yes "the list is in the folder" "$reeve" trust verify P/trust.xml --authority P/authority.pem

finish
