#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes whose signing keys are in tokens (SoftHSM 2): the tokens go away while messages flow, and come back; nothing is lost."""
import http.client
import os
import re
import subprocess
import threading
import time

import net as n
from keys import private_scalar, scan

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "pin-of-the-token-60417"
# a node that is not ready says so within seconds; the bound is for loaded machines
SECONDS = 60


class Token:
    """A token of one node, in a folder of its own that can be taken away."""

    def __init__(self, net, label):
        self.label = label
        self.dir = os.path.join(net.dir, "token-" + label)
        os.makedirs(os.path.join(self.dir, "tokens"), 0o700)
        conf = os.path.join(self.dir, "softhsm2.conf")
        with open(conf, "w") as f:
            f.write(f"directories.tokendir = {self.dir}/tokens\nlog.level = ERROR\n")
        self.pin = os.path.join(self.dir, "pin")
        with open(os.open(self.pin, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(PIN + "\n")
        self.env = {"SOFTHSM2_CONF": conf}
        self.util("--init-token", "--free", "--so-pin", "so-pin-52230", "--pin", PIN)
        self.init = ["--pkcs11", f"pkcs11:token={label};object=reeve", "--pkcs11-module", MODULE, "--pin-file", self.pin]

    def util(self, *args):
        subprocess.run(["softhsm2-util", *args, *(["--label", self.label] if "--init-token" in args else ["--token", self.label])],
                       env={**os.environ, **self.env}, check=True, stdout=subprocess.DEVNULL)

    def away(self):
        os.rename(os.path.join(self.dir, "tokens"), os.path.join(self.dir, "gone"))

    def back(self):
        os.rename(os.path.join(self.dir, "gone"), os.path.join(self.dir, "tokens"))


def three_with_tokens(net):
    """The relay's key is made in its token by reeve init; FR's is a key that was imported, so that its bytes are known; KE's is a file."""
    relay_token, fr_token = Token(net, "RILO"), Token(net, "FR")
    key = os.path.join(net.dir, "imported.key")
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key], check=True,
                   stderr=subprocess.DEVNULL)
    fr_token.util("--import", key, "--id", "a1", "--pin", PIN, "--label", "reeve")
    scalar = private_scalar(key)
    os.unlink(key)
    net.env.update(relay_token.env)
    net.add("RILO", role="relay", listen=True, extra=relay_token.init)
    net.env.update(fr_token.env)
    net.add("FR", dial=["RILO"], via=["RILO"], extra=fr_token.init)
    net.env.pop("SOFTHSM2_CONF")
    net.add("KE", dial=["RILO"], via=["RILO"])
    net.operation_is("KE", ["KE:participant", "FR:participant", "RILO:relay"], risks="drugs")
    net.publish()
    return relay_token, fr_token, scalar


class Sender:
    """Sends from KE without a pause, until it is stopped."""

    def __init__(self, net, draft):
        self.node, self.net, self.draft = n.Node(net, "KE"), net, draft
        self.node.process = net.nodes["KE"].process
        self.sent, self.fault, self.stop = [], None, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stop.is_set():
                self.sent.append(self.node.submit(self.draft, self.net.operation)["id"])
                time.sleep(0.01)
        except Exception as error:
            self.fault = error
        finally:
            self.node.drop_connection()

    def end(self):
        self.stop.set()
        self.thread.join()
        assert self.fault is None, self.fault
        return self.sent


def main():
    with n.Net() as net:
        relay_token, fr_token, scalar = three_with_tokens(net)
        ke, relay, fr = net.nodes["KE"], net.nodes["RILO"], net.nodes["FR"]
        draft = n.sample("seizure-short-drugs.xml")
        everything = []
        tokens = {"RILO": relay_token, "FR": fr_token}

        def start(node):
            node.start(env=tokens[node.code].env if node.code in tokens else None)

        def status(node):
            try:
                return node.get("/v1/status")
            except (OSError, http.client.HTTPException):
                return {"ready": False, "reason": ""}

        def not_ready(node):
            n.wait_for(f"{node.code} to say that its key is away",
                       lambda: not status(node)["ready"] and "hardware module is away" in status(node)["reason"], SECONDS)

        def ready(node):
            n.wait_for(f"{node.code} to be ready", lambda: status(node)["ready"])

        def all_there(ids):
            """Everything is in FR's inbox, once, and KE has the receipts of relay and recipient."""
            n.wait_for("all messages at FR", lambda: set(ids) <= set(fr.all_ids()))
            got = fr.all_ids()
            assert len(got) == len(set(got)), "a message is twice in the inbox"

            def receipted(message):
                page = ke.get("/v1/messages/" + message)
                stages = {(r["signer"], r["stage"]) for r in page["receipts"]}
                return {("RILO", "relayed"), ("FR", "stored")} <= stages
            for message in ids:
                n.wait_for(f"the receipts of {message}", lambda m=message: receipted(m))
            # exactly once: nothing that nobody sent, and nothing was refused on the way
            assert set(got) == set(everything), (len(set(got) - set(everything)), len(set(everything) - set(got)))
            for node in (relay, fr):
                assert node.get("/v1/quarantine")["items"] == [], node.get("/v1/quarantine")

        for node in (ke, relay, fr):
            start(node)
        for node in (ke, relay, fr):
            node.wait_ready()
        net.link_up("KE", "RILO")
        net.link_up("FR", "RILO")

        def flows():
            """messages and receipts are signed in tokens"""
            everything.append(ke.submit(draft, net.operation)["id"])
            all_there(everything)
            answer = fr.submit(draft, net.operation)
            n.wait_for("FR's message at KE", lambda: answer["id"] in ke.all_ids())
            assert status(relay)["ready"] and status(fr)["ready"]

        def roles(node):
            out = {}
            for pid, command in node.pids().items():
                role = re.search(r"--role=(\w+)", command)
                out[role.group(1) if role else "supervisor"] = pid
            return out

        def secrets():
            """key and PIN of the token are in no process but the keeper, and in no file and no log of the node"""
            def where(*needles):
                return {role: sum(scan(pid, needle) for needle in needles) for role, pid in roles(fr).items()}
            # this finds what there is: the text of the token's label is in the keeper, which has it from the URI
            assert where(b"pkcs11:token=FR")["keeper"] > 0
            for found in (where(scalar, scalar[::-1]), where(PIN.encode())):
                assert set(found) == {"supervisor", "keeper", "line", "node"}, found
                assert found["node"] == found["line"] == found["supervisor"] == 0, found
            for node in (relay, fr):
                with open(node.log_path, "rb") as f:
                    assert PIN.encode() not in f.read()
                for folder, _, files in os.walk(node.dir):
                    for name in files:
                        path = os.path.join(folder, name)
                        if not os.path.isfile(path):  # sockets
                            continue
                        with open(path, "rb") as f:
                            text = f.read()
                        assert PIN.encode() not in text and scalar not in text, name
                assert not os.path.exists(os.path.join(node.dir, "keys", "sign.key"))

        def filtered():
            """the keeper with a module is filtered as well"""
            if os.environ.get("REEVE_SANITIZED") == "yes":
                return
            with open(f"/proc/{roles(fr)['keeper']}/status") as f:
                text = f.read()
            assert "Seccomp:\t2" in text and "NoNewPrivs:\t1" in text

        def goes_and_comes(node, token):
            pids = roles(node)
            sender = Sender(net, draft)
            try:
                n.wait_for("some messages", lambda: len(sender.sent) > 20)
                token.away()
                not_ready(node)
                assert "away" in node.reeve("status", ok=False).stdout.decode()
                before = len(sender.sent)
                n.wait_for("more messages", lambda: len(sender.sent) > before + 100)
            finally:
                everything.extend(sender.end())
            # those wait: they are neither lost nor refused, and not receipted either
            assert not set(everything) <= set(fr.all_ids())
            token.back()
            ready(node)
            all_there(everything)
            assert roles(node) == pids, "a process of the node was started anew"

        def recipient():
            """the recipient's token goes away while messages flow: they wait, and arrive once when it is back"""
            goes_and_comes(fr, fr_token)

        def middle():
            """the relay's token goes away while messages flow: they wait, and arrive once when it is back"""
            goes_and_comes(relay, relay_token)

        def own():
            """who sends while the own token is away is told so, and sends the same again later"""
            fr_token.away()
            not_ready(fr)
            message = n.uuid7()
            headers = {"Content-Type": "application/xml", "Idempotency-Key": message}
            path = f"/v1/messages?operation={net.operation}"
            code, body = fr.request("POST", path, draft, headers)
            assert code == 503 and b"TOKEN-AWAY" in body, (code, body)
            file = os.path.join(net.dir, "draft.xml")
            with open(file, "wb") as f:
                f.write(draft)
            done = fr.reeve("send", file, "--operation", net.operation, ok=False)
            assert done.returncode == 1 and b"away" in done.stderr, done.stderr
            # people go on reading
            assert len(fr.all_ids()) == len(everything)
            fr_token.back()
            ready(fr)
            answer = fr.submit(draft, net.operation, message)
            assert answer["id"] == message
            n.wait_for("FR's message at KE", lambda: message in ke.all_ids())
            assert ke.all_ids().count(message) == 1

        def starts_without():
            """a node starts while its token is away, says so, and goes on when it is there"""
            fr.stop()
            fr_token.away()
            start(fr)
            n.wait_for("FR to answer", lambda: fr.ready())
            not_ready(fr)
            everything.append(ke.submit(draft, net.operation)["id"])
            net.link_up("FR", "RILO")
            fr_token.back()
            ready(fr)
            all_there(everything)

        def stops_without():
            """a node whose token is away stops cleanly with messages waiting, and they arrive after it"""
            fr_token.away()
            not_ready(fr)
            everything.append(ke.submit(draft, net.operation)["id"])
            n.wait_for("the message on its way", lambda: fr.process.poll() is None)
            process = fr.process
            fr.stop()
            assert process.returncode == 0, process.returncode
            fr_token.back()
            start(fr)
            ready(fr)
            all_there(everything)

        n.Tap().run([flows, secrets, filtered, recipient, middle, own, starts_without, stops_without])


main()
