#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The processes of a node: whichever ends, all come back; a stop ends all, says bye to the peers, and leaves nothing running."""
import os
import signal
import time

import net as n

ROLES = ("keeper", "line", "node")


def living(group):
    """The processes of a process group by role ("" for the supervisor); zombies do not count."""
    out = {}
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            if int(fields[2]) != group or fields[0] == "Z":
                continue
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except (OSError, IndexError):
            continue
        role = [w[len(b"--role="):].decode() for w in words if w.startswith(b"--role=")]
        out[role[0] if role else ""] = int(entry)
    return out


def main():
    with n.Net() as net:
        hub = net.add("RILO", role="relay", listen=True)
        ke = net.add("KE", dial=["RILO"], via=["RILO"])
        net.operation_is("KE", ["KE:participant", "RILO:relay"])
        net.publish()
        net.start()
        net.link_up("KE", "RILO")

        def all_there(group):
            found = living(group)
            return found if set(found) == {"", *ROLES} else None

        def comes_back(role, sig):
            """All roles are new, the node answers and is linked again."""
            group = ke.process.pid
            before = n.wait_for("all roles", lambda: all_there(group))
            ke.drop_connection()
            os.kill(before[role], sig)

            def renewed():
                now = all_there(group)
                return now if now and all(now[r] != before[r] for r in ROLES) else None
            after = n.wait_for(f"all roles to be new after the {role} ended", renewed)
            assert after[""] == before[""], "the supervisor is another one"
            ke.wait_ready()
            net.link_up("KE", "RILO")
            ke.drop_connection()

        def any_dies():
            """each role is killed in turn: all roles start anew, and the link comes back"""
            for role in ROLES:
                comes_back(role, signal.SIGKILL)

        def node_ends():
            """a node that ends with status 0 though nobody asked the supervisor comes back too"""
            comes_back("node", signal.SIGTERM)
            assert "status 0" in ke.tail()

        def hangup():
            """SIGHUP to any process of the node changes nothing"""
            before = all_there(ke.process.pid)
            for pid in before.values():
                os.kill(pid, signal.SIGHUP)
            n.wait_for("the log to tell of it", lambda: "SIGHUP" in ke.tail())
            assert ke.get("/v1/status")["code"] == "KE"
            assert all_there(ke.process.pid) == before

        def stopped(sig):
            group = ke.process.pid
            said = hub.tail(10000).count("said bye (stopping)")
            ke.drop_connection()
            began = time.monotonic()
            ke.process.send_signal(sig)
            status = ke.process.wait(n.PATIENCE)
            print(f"# stopped in {time.monotonic() - began:.1f} s")
            assert status == 0, status
            assert living(group) == {}, living(group)
            n.wait_for("RILO to hear the bye", lambda: hub.tail(10000).count("said bye (stopping)") > said)
            ke.process = None
            ke.start()
            ke.wait_ready()
            net.link_up("KE", "RILO")

        def stops():
            """SIGTERM and SIGINT end it with status 0: no process is left, and the peer got its bye"""
            stopped(signal.SIGTERM)
            stopped(signal.SIGINT)

        def supervisor_dies():
            """kill -9 of the supervisor takes every role with it"""
            group = ke.process.pid
            assert all_there(group)
            ke.drop_connection()
            ke.process.kill()
            ke.process.wait()
            n.wait_for("the roles to end", lambda: living(group) == {})
            ke.process = None

        n.Tap().run([any_dies, node_ends, hangup, stops, supervisor_dies])


main()
