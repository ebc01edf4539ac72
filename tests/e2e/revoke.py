#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trust lists replaced under running nodes: who is removed is cut off at once, who comes back is let in, an older or a spoiled list
changes nothing. No node is restarted. TAP."""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net as n  # noqa: E402


def main():
    with n.Net() as net:
        ke, rilo, fr = n.three(net)
        net.start()
        net.link_up("KE", "RILO")
        net.link_up("FR", "RILO")
        pids = {code: sorted(node.pids()) for code, node in net.nodes.items()}
        first = os.path.join(net.dir, "first.xml")
        shutil.copy(net.list, first)

        def number(node):
            return node.get("/v1/trust")["number"]

        def peer_up(node, peer):
            return any(row["peer"] == peer and row["state"] == "up" for row in node.get("/v1/links")["links"])

        def logged(node, words):
            with open(node.log_path, errors="replace") as f:
                return any(words in line for line in f)

        def removed():
            """a member that is removed is cut off without a restart"""
            net.reeve("authority", "remove", net.authority, "FR")
            net.publish(install=False)
            net.install(rilo)
            n.wait_for("RILO to take the list", lambda: number(rilo) == 2)
            n.wait_for("RILO to cut FR", lambda: not peer_up(rilo, "FR"))
            n.wait_for("FR to see it", lambda: not peer_up(fr, "RILO"))

        def others_stay():
            """...and the links of the others stay"""
            assert peer_up(rilo, "KE")

        def older():
            """an older list put in place changes nothing"""
            shutil.copy(first, os.path.join(rilo.dir, "older.xml"))
            os.replace(os.path.join(rilo.dir, "older.xml"), os.path.join(rilo.dir, "trust.xml"))
            n.wait_for("RILO to say so", lambda: logged(rilo, "TRUST-OLDER"))
            assert number(rilo) == 2 and not peer_up(rilo, "FR")

        def spoiled():
            """a spoiled list changes nothing"""
            with open(os.path.join(rilo.dir, "new.xml"), "wb") as f:
                f.write(open(net.list, "rb").read().replace(b"Customs of KE", b"Customs of XX"))
            os.replace(os.path.join(rilo.dir, "new.xml"), os.path.join(rilo.dir, "trust.xml"))
            n.wait_for("RILO to say so", lambda: logged(rilo, "TRUST-DIGEST"))
            assert number(rilo) == 2 and peer_up(rilo, "KE")

        def back():
            """a member that is admitted again is let in without a restart"""
            net.reeve("authority", "admit", net.authority, os.path.join(fr.dir, "join.xml"))
            net.publish()
            n.wait_for("RILO to take the list", lambda: number(rilo) == 3)
            net.link_up("FR", "RILO")

        def same():
            """no process was restarted"""
            assert pids == {code: sorted(node.pids()) for code, node in net.nodes.items()}

        n.Tap().run([removed, others_stay, older, spoiled, back, same])


if __name__ == "__main__":
    main()
