#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keys that rotate under traffic: a member's, then those of the relay that everybody dials. Both keys overlap, the nodes change over by themselves,
no message is lost or doubled, and what the former key signed still verifies. TAP."""
import os
import re
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net as n  # noqa: E402


def main():
    with n.Net() as net:
        rilo = net.add("RILO", role="relay,coordinator", listen=True)
        ke = net.add("KE", dial=["RILO"], via=["RILO"])
        fr = net.add("FR", dial=["RILO"], via=["RILO"])
        net.operation_is("KE", ["KE:participant", "FR:participant", "RILO:relay"], risks="revenue drugs health-safety-ipr security environment")
        net.publish()
        with open(rilo.conf, "a") as f:
            f.write(f'authority_dir = "{net.authority}";\n')
        net.start()
        net.link_up("KE", "RILO")
        net.link_up("FR", "RILO")
        sent, draft = [], n.sample("seizure-amharic.xml")
        first = ke.submit(draft, "CRANE-26")["id"]
        sent.append(first)

        def key_of(node):
            with open(os.path.join(node.dir, "keys", "sign.crt")) as f:
                return f.read()

        def curve_of(node):
            with open(os.path.join(node.dir, "keys", "curve.key")) as f:
                return re.search(r'public-key = "(.*)"', f.read()).group(1)

        def rotate(node):
            """rotate, approve, and messages of KE all the while"""
            before, curve = key_of(node), curve_of(node)
            phrase = re.search(r"^    ([a-z-]{29})$", node.reeve("rotate").stdout.decode(), re.M).group(1)
            again = re.search(r"^    ([a-z-]{29})$", node.reeve("rotate").stdout.decode(), re.M).group(1)
            assert phrase == again
            n.wait_for("the request", lambda: any(
                r["code"] == node.code and r["state"] == "waiting" and r["renewal"] for r in rilo.get("/v1/invites")["items"]))
            ending = threading.Event()
            trouble = []

            def keep_sending():
                try:
                    while not ending.is_set():
                        sent.append(ke.submit(draft, "CRANE-26")["id"])
                except Exception as error:  # told by the test, not by the thread
                    trouble.append(error)
            thread = threading.Thread(target=keep_sending)
            thread.start()
            try:
                rilo.reeve("approve", node.code, "--phrase", phrase)
                n.wait_for(f"{node.code} to have the new keys in place", lambda: key_of(node) != before and curve_of(node) != curve and
                           not os.path.exists(os.path.join(node.dir, "keys", "ready")))
            finally:
                ending.set()
                thread.join()
            assert not trouble, trouble
            node.drop_connection()
            node.wait_ready()
            assert not os.path.exists(os.path.join(node.dir, "keys", "next"))
            net.link_up("KE", "RILO")
            net.link_up("FR", "RILO")
            sent.append(ke.submit(draft, "CRANE-26")["id"])

        def member():
            """a member's keys rotate under traffic"""
            rotate(ke)

        def relay():
            """the keys of the relay that both dial rotate under traffic"""
            rotate(rilo)

        def complete():
            """every message is there once, in order, whichever key signed it"""
            n.wait_for("all messages", lambda: len(fr.all_ids()) >= len(sent))
            assert fr.all_ids() == sent, (len(fr.all_ids()), len(sent))
            print(f"# {len(sent)} messages", flush=True)
            for message in (sent[0], sent[-1]):
                fr.reeve("verify", message)

        def both_listed():
            """the list has both keys of each, for a time"""
            for member in fr.get("/v1/trust")["members"]:
                if member["code"] in ("KE", "RILO"):
                    assert len(member["certificates"]) == 2 and len(member["curveKeys"]) == 2, member

        def undo():
            """new keys can be forgotten before they are listed"""
            fr.reeve("rotate")
            assert os.path.exists(os.path.join(fr.dir, "keys", "next", "join.xml"))
            fr.reeve("rotate", "--undo")
            assert not os.path.exists(os.path.join(fr.dir, "keys", "next"))

        n.Tap().run([member, relay, complete, both_listed, undo])


if __name__ == "__main__":
    main()
