#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Private keys are in one process each: the signing key in the keeper, the CURVE secret in the line. Any process may die; all come back."""
import http.client
import os
import re
import signal
import subprocess

import zmq.utils.z85

import net as n


def scan(pid, needle):
    """How often the bytes stand in the memory of a process."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            fields = line.split()
            if not fields[1].startswith("r") or fields[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            start, end = (int(x, 16) for x in fields[0].split("-"))
            if fields[1].startswith("---") or end - start > 1 << 30:
                continue
            try:
                memory.seek(start)
                found += memory.read(end - start).count(needle)
            except (OSError, ValueError, OverflowError):
                continue
    return found


def private_scalar(path):
    text = subprocess.run(["openssl", "ec", "-in", path, "-noout", "-text"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    digits = re.search(r"priv:\s*((?:[0-9a-f]{2}:?\s*)+)", text).group(1)
    raw = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))
    return raw[-32:].rjust(32, b"\0")


def main():
    with n.Net() as net:
        ke, relay, fr = n.three(net)
        net.start()
        net.link_up("KE", "RILO")
        net.link_up("FR", "RILO")
        sent = ke.submit(n.sample("seizure-short-drugs.xml"), net.operation)
        n.wait_for("the seizure at FR", lambda: sent["id"] in fr.all_ids())
        scalar = private_scalar(os.path.join(ke.dir, "keys", "sign.key"))
        with open(os.path.join(ke.dir, "keys", "curve.key")) as f:
            secret_text = re.search(r'secret-key = "(.{40})"', f.read()).group(1).encode()
        secret = zmq.utils.z85.decode(secret_text)

        def roles():
            out = {}
            for pid, command in ke.pids().items():
                role = re.search(r"--role=(\w+)", command)
                out[role.group(1) if role else "supervisor"] = pid
            return out

        def signing_key():
            """the signing key is in the keeper's memory and in no other process of the node"""
            # OpenSSL keeps the number in machine order, little-endian words: look for both
            forms = [scalar, scalar[::-1]]
            where = {role: sum(scan(pid, form) for form in forms) for role, pid in roles().items()}
            assert set(where) == {"supervisor", "keeper", "line", "node"}, where
            assert where["keeper"] > 0, where
            assert where["node"] == where["line"] == where["supervisor"] == 0, where

        def curve_secret():
            """the CURVE secret is in the line's memory and in no other process of the node"""
            where = {role: scan(pid, secret) + scan(pid, secret_text) for role, pid in roles().items()}
            assert where["line"] > 0, where
            assert where["node"] == where["keeper"] == where["supervisor"] == 0, where

        def no_dumps():
            """keeper and line leave no core file, and gain no privileges"""
            for role in ("keeper", "line"):
                with open(f"/proc/{roles()[role]}/limits") as f:
                    assert re.search(r"Max core file size\s+0\s+0", f.read())
                with open(f"/proc/{roles()[role]}/status") as f:
                    status = f.read()
                assert "NoNewPrivs:\t1" in status
                if role == "keeper" and os.environ.get("REEVE_SANITIZED") != "yes":
                    assert "Seccomp:\t2" in status

        def any_may_die():
            """whichever process dies, all are started anew and messages go on"""
            for role in ("keeper", "line", "node"):
                before = roles()
                os.kill(before[role], signal.SIGKILL)

                def renewed():
                    try:
                        now = roles()
                        return len(now) == 4 and now[role] != before[role] and ke.get("/v1/status")
                    except (OSError, http.client.HTTPException, KeyError, AssertionError):
                        return False
                n.wait_for(f"a new {role}", renewed)
                message = ke.submit(n.sample("seizure-short-drugs.xml"), net.operation)
                n.wait_for(f"a message after the death of the {role}", lambda: message["id"] in fr.all_ids())

        def stops():
            """SIGTERM ends the node cleanly, and it starts again"""
            process = ke.process
            ke.stop()
            assert process.returncode == 0, process.returncode
            ke.start()
            ke.wait_ready()

        n.Tap().run([signing_key, curve_secret, no_dumps, any_may_die, stops])


if __name__ == "__main__":
    main()
