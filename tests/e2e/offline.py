#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""C is down for the whole run: it gets everything when it comes back; B's memory stays flat; a large scan crosses in constant memory.

REEVE_OFFLINE_MESSAGES (default 2000), REEVE_SCAN_MIB (default 300).
"""
import hashlib
import json
import os

import net as n

COUNT = int(os.environ.get("REEVE_OFFLINE_MESSAGES", "2000"))
SCAN_MIB = int(os.environ.get("REEVE_SCAN_MIB", "300"))
MEMORY_LIMIT_MIB = 256
SANITIZED = os.environ.get("REEVE_SANITIZED", "") == "yes"


def main():
    with n.Net() as net:
        ke, relay, fr = n.three(net)
        limits = None if SANITIZED else n.limit_data(MEMORY_LIMIT_MIB)
        for node in (ke, relay):
            node.start(limits=limits)
        for node in (ke, relay):
            node.wait_ready()
        draft = n.sample("seizure-short-drugs.xml")
        sent = []

        def flat():
            """B holds what is for C, and its memory does not grow with it"""
            def transit():
                return relay.get("/v1/status")["store"]["transit"]
            for _ in range(COUNT // 10):
                sent.append(ke.submit(draft, net.operation)["id"])
            n.wait_for("the first tenth at RILO", lambda: transit() == len(sent))
            early = relay.memory_kib("VmRSS", "node")
            for _ in range(COUNT - COUNT // 10):
                sent.append(ke.submit(draft, net.operation)["id"])
            n.wait_for("all at RILO", lambda: transit() == len(sent), n.PATIENCE * 3)
            late = relay.memory_kib("VmRSS", "node")
            print(f"# RILO: {early} KiB with {COUNT // 10} waiting, {late} KiB with {COUNT}")
            assert SANITIZED or late < early * 1.5 + 8192, (early, late)

        def comes_back():
            """C gets everything, once, in order, when it comes back"""
            fr.start(limits=limits)
            fr.wait_ready()
            n.wait_for("all at FR", lambda: len(fr.all_ids()) >= len(sent), n.PATIENCE * 3)
            assert fr.all_ids() == sent

        def scan():
            """a scan larger than the memory limit crosses all three nodes"""
            path = os.path.join(net.dir, "scan.tiff")
            digest = hashlib.sha256()
            with open(path, "wb") as f:
                block = os.urandom(1 << 20)
                for k in range(SCAN_MIB):
                    piece = k.to_bytes(8, "big") + block[8:]
                    digest.update(piece)
                    f.write(piece)
            file = os.path.join(net.dir, "seizure.xml")
            with open(file, "wb") as f:
                f.write(draft)
            done = ke.reeve("send", file, "--operation", net.operation, "--attach", path, "--json")
            os.unlink(path)
            message = json.loads(done.stdout)["id"]
            n.wait_for("the scan at FR", lambda: message in fr.all_ids(), n.PATIENCE * 5)
            page = fr.get("/v1/messages/" + message)
            assert page["attachments"][0]["digest"] == digest.hexdigest()
            assert page["attachments"][0]["size"] == SCAN_MIB << 20
            for node in (ke, relay, fr):
                peak = node.memory_kib("VmHWM")
                parts = ", ".join(f"{role} {node.memory_kib('VmHWM', role)}" for role in ("node", "line", "keeper"))
                print(f"# {node.code}: peak {peak} KiB ({parts})")
                assert SANITIZED or peak < MEMORY_LIMIT_MIB << 10, (node.code, peak)

        n.Tap().run([flat, comes_back, scan])


main()
