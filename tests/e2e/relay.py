#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A sends a seizure, C reads it through B; receipts travel back; what is altered is refused; strangers stay outside."""
import glob
import json
import os
import re
import subprocess
import tempfile

import zmq

import net as n


def main():
    with n.Net() as net:
        ke, relay, fr = n.three(net)
        net.start()
        net.link_up("KE", "RILO")
        net.link_up("FR", "RILO")
        draft = os.path.join(net.dir, "seizure.xml")
        with open(draft, "wb") as f:
            f.write(n.sample(SEIZURE))
        found = {}

        def sends():
            """send prints the id of a durable message"""
            done = ke.reeve("send", draft, "--operation", net.operation, "--json")
            found["id"] = json.loads(done.stdout)["id"]
            assert len(found["id"]) == 36

        def arrives():
            """C reads it through B, with A's signature"""
            n.wait_for("the seizure in the inbox of FR", lambda: found["id"] in fr.all_ids())
            page = fr.reeve("show", found["id"]).stdout.decode()
            assert "KE" in page and "seizure" in page, page
            found["file"] = os.path.join(net.dir, "export.xml")
            fr.reeve("export", found["id"], "--out", found["file"])
            fr.reeve("verify", found["file"])

        def receipts():
            """A sees relayed, stored and read for each recipient"""
            def read():
                page = ke.get("/v1/messages/" + found["id"])
                return any(d["recipient"] == "FR" and d["state"] == "read" for d in page["deliveries"])
            n.wait_for("the read receipt of FR at KE", read)
            page = ke.get("/v1/messages/" + found["id"])
            stages = {(r["signer"], r["stage"]) for r in page["receipts"]}
            assert {("RILO", "relayed"), ("FR", "stored"), ("FR", "read")} <= stages, stages
            assert "read" in ke.reeve("show", found["id"]).stdout.decode()

        def stock_tool():
            """stock xmlsec1 accepts the exported file with A's certificate, as SPEC.md says"""
            command = xmlsec_command(os.path.join(ke.dir, "keys", "sign.crt"), found["file"])
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert done.returncode == 0, done.stdout.decode()
            counts = re.findall(rb"References \(ok/all\): (\d+)/(\d+)", done.stdout)
            assert len(counts) == 2 and all(ok == every != b"0" for ok, every in counts), done.stdout.decode()

        def altered():
            """any changed character is refused by reeve verify"""
            with open(found["file"], "rb") as f:
                good = f.read()
            spots = range(0, len(good), max(1, len(good) // 60))
            for spot in spots:
                bad = bytearray(good)
                bad[spot] = bad[spot] ^ 1 if bad[spot] != 0x3D else 0x3E
                with tempfile.NamedTemporaryFile(suffix=".xml", dir=net.dir) as f:
                    f.write(bad)
                    f.flush()
                    done = fr.reeve("verify", f.name, ok=False)
                    assert done.returncode == 1, (spot, bytes(good[spot - 20:spot + 20]), done.stdout)

        def stranger():
            """a CURVE key that is not in the trust list gets no further than the handshake, and links shows it"""
            context = zmq.Context()
            try:
                public, secret = zmq.curve_keypair()
                probe = context.socket(zmq.DEALER)
                probe.setsockopt(zmq.LINGER, 0)
                probe.curve_publickey, probe.curve_secretkey = public, secret
                probe.curve_serverkey = curve_public(relay)
                monitor = probe.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH |
                                                   zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                                   zmq.EVENT_DISCONNECTED)
                probe.connect(relay.endpoint)
                probe.send_multipart([b"RV\x01\x01\x00\x00\x00\x00"])
                assert monitor.poll(int(n.PATIENCE * 1000)), "no word of the handshake"
                event = int.from_bytes(monitor.recv_multipart()[0][:2], "little")
                assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED, "a stranger's handshake succeeded"
                n.wait_for("the attempt in links", lambda: public.decode() in relay.reeve("links").stdout.decode())
                probe.disable_monitor()
                probe.close()
            finally:
                context.destroy(linger=0)

        def refused():
            """a draft with a fault is refused with its rule and line, and nothing is sent"""
            faulty = os.path.join(n.TOP, "schemas", "samples", "invalid", "xsd-bad-handling-code.xml")
            if not os.path.exists(faulty):
                faulty = sorted(glob.glob(os.path.join(n.TOP, "schemas", "samples", "invalid", "*.xml")))[0]
            done = ke.reeve("send", faulty, "--operation", net.operation, ok=False)
            assert done.returncode == 1 and b"XSD-" in done.stderr + done.stdout, done.stderr

        def newer_list():
            """a newer trust list admits a member without a restart"""
            za = net.add("ZA", dial=["RILO"], via=["RILO"])
            net.operation_is("KE", ["KE:participant", "FR:participant", "ZA:participant", "RILO:relay"],
                             risks="revenue drugs health-safety-ipr security environment")
            net.publish()
            net.start("ZA")
            net.link_up("ZA", "RILO")
            answer = n.wait_for("KE to know ZA", lambda: "ZA" in ke.get("/v1/trust").__repr__())
            assert answer
            message = ke.submit(n.sample(SEIZURE), net.operation)
            assert "ZA" in message["recipients"], message
            n.wait_for("the seizure in the inbox of ZA", lambda: message["id"] in za.all_ids())

        def attachment():
            """an attachment of some megabytes arrives whole"""
            path = os.path.join(net.dir, "scan.bin")
            content = os.urandom(5 << 20)
            with open(path, "wb") as f:
                f.write(content)
            done = ke.reeve("send", draft, "--operation", net.operation, "--attach", path, "--json")
            sent = json.loads(done.stdout)["id"]
            n.wait_for("the message with its attachment at FR", lambda: sent in fr.all_ids())
            page = fr.get("/v1/messages/" + sent)
            digest = page["attachments"][0]["digest"]
            status, body = fr.request("GET", "/v1/attachments/" + digest)
            assert status == 200 and body == content

        n.Tap().run([sends, arrives, receipts, stock_tool, altered, stranger, refused, newer_list, attachment])


SEIZURE = "seizure-short-drugs.xml"


def curve_public(node):
    with open(os.path.join(node.dir, "keys", "curve.key")) as f:
        for line in f:
            if line.startswith("public"):
                return line.split()[-1].strip('"').encode()
    raise AssertionError("no public key in curve.key")


def xmlsec_command(cert, path):
    """The command line of SPEC.md, section "Seal"."""
    names = ["Header", "Warning", "Alert", "Feedback", "Situation", "Amendment", "Request", "Reply", "Operation", "Event", "Goods",
             "Conveyance", "Route", "Concealment", "Persons", "Rights", "Narrative", "Attachments"]
    command = ["xmlsec1", "--verify", "--enabled-reference-uris", "same-doc"]
    for name in names:
        command += [f"--id-attr:Id", f"urn:reeve:message:1:{name}"]
    return command + ["--pubkey-cert-pem", cert, path]


main()
