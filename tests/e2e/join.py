#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From nothing to messages by init, invite, join and approve alone: three nodes whose people never touch a key file. And what must fail on the
way: guessed, stolen, withdrawn tokens, another phrase, a node that cannot be reached. Then lists that travel by the links. TAP."""
import base64
import hashlib
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net as n  # noqa: E402


class Join:
    """`reeve join` in the background: its phrase, and how it ends."""

    def __init__(self, net, token, folder, *args):
        self.out = os.path.join(net.dir, os.path.basename(folder) + ".joining")
        with open(self.out, "wb") as f:
            self.process = subprocess.Popen([n.REEVE, "join", token, folder, *args], env=net.env, stdout=f, stderr=f,
                                            stdin=subprocess.DEVNULL)

    def text(self):
        with open(self.out, errors="replace") as f:
            return f.read()

    def phrase(self):
        found = n.wait_for("the phrase", lambda: re.search(r"^    ([a-z-]{29})$", self.text(), re.M) or
                           (self.process.poll() is not None and self.fail()))
        return found.group(1)

    def fail(self):
        raise AssertionError(self.text())

    def end(self):
        try:
            return self.process.wait(n.PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()


def altered(token, change):
    """The token with other bytes, and the check sum right."""
    raw = token[len("reeve1-"):]
    data = bytearray(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))[:-4]
    change(data)
    data += hashlib.sha256(data).digest()[:4]
    return "reeve1-" + base64.urlsafe_b64encode(bytes(data)).decode().rstrip("=")


def main():
    with n.Net() as net:
        ocu = n.Node(net, "OCU")
        net.nodes["OCU"] = ocu
        endpoint = f"tcp://127.0.0.1:{n.free_port()}"
        said = {}

        def founded():
            """a coordinator begins a network"""
            net.reeve("init", ocu.dir, "--code", "OCU", "--name", "Coordination Unit", "--role", "coordinator", "--role", "relay",
                      "--listen", endpoint, "--endpoint", endpoint, "--authority", "--operation", "CRANE-26")
            net.start("OCU")
            assert ocu.get("/v1/trust")["number"] == 1

        def invite(code, *args):
            return ocu.reeve("invite", "--code", code, "--name", "Customs of " + code, *args).stdout.decode().strip()

        def joins(code):
            node = n.Node(net, code)
            net.nodes[code] = node
            token = invite(code, "--role", "administration", "--operation", "CRANE-26")
            join = Join(net, token, node.dir)
            phrase = join.phrase()
            n.wait_for("the request to wait", lambda: state(code) == "waiting")
            said[code] = time.monotonic()
            ocu.reeve("approve", code, "--phrase", phrase)
            assert join.end() == 0, join.text()
            net.start(code)
            net.link_up(code, "OCU")

        def state(code):
            return {row["code"]: row["state"] for row in ocu.get("/v1/invites")["items"]}.get(code)

        def first():
            """KE joins: invite, join, approve"""
            joins("KE")

        def second():
            """FR joins, and the list that admits it travels to KE by the link"""
            joins("FR")
            n.wait_for("KE to have the list", lambda: net.nodes["KE"].get("/v1/trust")["number"] == 3)

        def message():
            """a message of KE arrives at FR"""
            sent = net.nodes["KE"].submit(n.sample("seizure-amharic.xml"), "CRANE-26")["id"]
            n.wait_for("the message", lambda: sent in net.nodes["FR"].all_ids())
            print(f"# {time.monotonic() - said['FR']:.1f} s from the approval of FR to a message in its inbox", flush=True)

        def restart():
            """a request waits through a restart of the coordinator's node"""
            node = n.Node(net, "UG")
            token = invite("UG", "--role", "administration")
            join = Join(net, token, node.dir, "--no-wait")
            phrase = join.phrase()
            assert join.end() == 1
            ocu.kill()
            net.start("OCU")
            assert state("UG") == "waiting"
            refused = ocu.reeve("approve", "UG", "--phrase", "bufom-dotip-dizij-puzud-kunip", ok=False)
            assert refused.returncode == 1 and b"not the request" in refused.stderr, refused.stderr
            assert state("UG") == "waiting"
            ocu.reeve("approve", "UG", "--phrase", phrase)
            join = Join(net, token, node.dir)
            assert join.end() == 0, join.text()

        def stolen():
            """a token that was stolen and used first shows itself on both sides"""
            token = invite("RW", "--role", "administration")
            thief = Join(net, token, os.path.join(net.dir, "thief"), "--no-wait")
            assert thief.end() == 1 and "JOIN" not in thief.text(), thief.text()
            own = Join(net, token, os.path.join(net.dir, "RW"))
            assert own.end() == 1 and "JOIN-USED" in own.text() and "stolen" in own.text(), own.text()
            assert "may be stolen" in ocu.reeve("invite").stdout.decode().replace("\n    ", " ")
            assert thief.phrase() != own.phrase()
            wrong = ocu.reeve("approve", "RW", "--phrase", own.phrase(), ok=False)
            assert wrong.returncode == 1, wrong.stdout
            ocu.reeve("invite", "--withdraw", "RW")
            thief = Join(net, token, os.path.join(net.dir, "thief"))
            assert thief.end() == 1 and "JOIN-REFUSED" in thief.text(), thief.text()

        def guessed():
            """who guesses the secret does not get past the handshake, and is seen"""
            token = invite("TZ", "--role", "administration")

            def other_secret(data):
                data[-1] ^= 1
            guess = Join(net, altered(token, other_secret), os.path.join(net.dir, "guess"))
            assert guess.end() == 1 and "JOIN-TOKEN" in guess.text(), guess.text()
            n.wait_for("the refusal to be seen", lambda: ocu.get("/v1/links")["refused"])
            said["TZ"] = token

        def mistyped():
            """a mistyped token is told apart from a wrong one"""
            done = net.reeve("join", said["TZ"][:-3] + "xyz", os.path.join(net.dir, "typo"), ok=False)
            assert done.returncode == 1 and b"mistyped" in done.stderr, done.stderr
            assert not os.path.exists(os.path.join(net.dir, "typo"))

        def other_authority():
            """whoever answers, the authority must be the one that the token names"""
            def other_roots(data):
                data[-64] ^= 1
            join = Join(net, altered(said["TZ"], other_roots), os.path.join(net.dir, "TZ"))
            phrase = join.phrase()
            n.wait_for("the request to wait", lambda: state("TZ") == "waiting")
            ocu.reeve("approve", "TZ", "--phrase", phrase)
            assert join.end() == 1 and "JOIN-AUTHORITY" in join.text(), join.text()
            assert not os.path.exists(os.path.join(net.dir, "TZ", "trust.xml"))

        def withdrawn():
            """an invitation that was taken back"""
            token = invite("MZ", "--role", "administration")
            ocu.reeve("invite", "--withdraw", "MZ")
            join = Join(net, token, os.path.join(net.dir, "MZ"))
            assert join.end() == 1 and "JOIN-WITHDRAWN" in join.text(), join.text()

        def unreachable():
            """a coordinator who cannot be reached"""
            def other_port(data):
                at = data.index(b"127.0.0.1:") + len("127.0.0.1:")
                data[at:at + 5] = str(n.free_port()).encode().rjust(5, b"1")[:5]
            token = altered(invite("ZA", "--role", "administration"), other_port)
            join = Join(net, token, os.path.join(net.dir, "ZA"), "--no-wait")
            assert join.end() == 1 and "JOIN-UNREACHABLE" in join.text(), join.text()

        def right_holder():
            """a right-holder joins with the rights that it holds"""
            rights = os.path.join(net.dir, "rights.csv")
            with open(rights, "w", encoding="utf-8") as f:
                f.write('brand,registration,classes,countries\n"Acme, Inc.",018123456,9 25,FR KE\nÀjax,,,\n')
            token = invite("ACME", "--role", "right-holder", "--operation", "CRANE-26")
            join = Join(net, token, os.path.join(net.dir, "ACME"), "--rights", rights)
            phrase = join.phrase()
            n.wait_for("the request to wait", lambda: state("ACME") == "waiting")
            shown = ocu.reeve("approve", "ACME", "--phrase", phrase).stdout.decode()
            assert "Acme, Inc., 018123456" in shown, shown
            assert join.end() == 0, join.text()
            with open(os.path.join(net.dir, "ACME", "trust.xml"), encoding="utf-8") as f:
                text = f.read()
            assert "<Brand>Acme, Inc.</Brand><RegistrationNumber>018123456</RegistrationNumber><NiceClass>9</NiceClass>" \
                "<NiceClass>25</NiceClass><Country>FR</Country><Country>KE</Country>" in text, text
            assert "<Brand>Àjax</Brand></Right>" in text

        def removed():
            """a new list at one node reaches the others by the links; who is not in it is cut"""
            net.reeve("authority", "remove", os.path.join(ocu.dir, "authority"), "FR")
            net.reeve("authority", "publish", os.path.join(ocu.dir, "authority"))
            began = time.monotonic()
            net.reeve("trust", "install", "-c", ocu.conf, os.path.join(ocu.dir, "authority", "trust.xml"))
            number = int(re.search(rb'Number="(\d+)"', open(os.path.join(ocu.dir, "trust.xml"), "rb").read()).group(1))
            n.wait_for("the link to be cut", lambda: not any(
                row["peer"] == "FR" and row["state"] == "up" for row in ocu.get("/v1/links")["links"]))
            print(f"# {(time.monotonic() - began) * 1000:.0f} ms from a new list in its place to a cut link", flush=True)
            n.wait_for("KE to have the list", lambda: net.nodes["KE"].get("/v1/trust")["number"] == number)
            assert os.path.exists(os.path.join(net.nodes["KE"].dir, "trust", f"{number}.xml"))

        n.Tap().run([founded, first, second, message, restart, stolen, guessed, mistyped, other_authority, withdrawn, unreachable,
                     right_holder, removed])


if __name__ == "__main__":
    main()
