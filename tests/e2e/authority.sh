#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The authority's work beyond the list itself, by the command line alone: several coordinators who sign. Prints TAP.
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

finish
