#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that talk to a node, against the fake one behind the real API."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from play import INVALID, REEVE, SAMPLES, Fake, environment, json, net, on_terminal, reeve, sample  # noqa: E402

SEIZURE = os.path.join(SAMPLES, "seizure-short-drugs.xml")
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def cases(f, folder):
    conf = ["-c", os.path.join(f.dir, "reeve.conf")]

    def run(*args, **more):
        return reeve(*conf, *args, **more)

    def state():
        """status and links"""
        out = run("status").out
        assert out.startswith("ready\n") and "KE, reeved" in out and "number 3, valid until" in out, out
        assert run("status", "--json").json["code"] == "KE"
        f.say("busy")
        assert "not ready\n" in run("status", status=1).out and run("status", "--json", status=1).json["reason"]
        f.say("ready")
        out = run("links").out
        assert re.search(r"^FR +up .* 1\.5 ms ", out, re.M) and "no answer \ufffd[31m" in out, out
        assert "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7" in out and "\x1b" not in out
        assert len(run("links", "--json").json["links"]) == 2
        assert run("status", env=environment(REEVE_CONF=conf[1], http_proxy="http://127.0.0.1:1")).status == 0

    def send():
        """a draft is sent: the id, and who gets it"""
        lines = run("send", SEIZURE, "--operation", "CRANE-26").out.splitlines()
        assert re.fullmatch(ID, lines[0]) and lines[1:] == ["sent to FR, ZA"], lines
        with open(SEIZURE, "rb") as g:
            o = run("send", "-", "--operation", "CRANE-26", "--to", "FR", "--json", stdin=g.read()).json
        assert o["recipients"] == ["FR"] and not o["known"]
        again = run("send", SEIZURE, "--operation", "CRANE-26", "--id", o["id"]).out
        assert again.startswith(o["id"] + "\nwas sent before to"), again
        assert run("send", SEIZURE, "--operation", "CRANE-26", "--dry-run").out == "would be sent to FR, ZA\n"

    def refused():
        """a draft with faults is refused with file, line, rule and mend"""
        bad = os.path.join(INVALID, "xsd-bad-handling-code.xml")
        done = run("send", bad, "--operation", "CRANE-26", status=1)
        assert done.out == "" and f"{bad}:11:5: error: " in done.err and "[XSD-ENUM]" in done.err and "Choose one" in done.err, done.err
        assert "reeve: not sent: " in done.err
        assert "OTHER" in run("send", SEIZURE, "--operation", "OTHER", status=1).err
        assert "not the code of a member" in run("send", SEIZURE, "--operation", "CRANE-26", "--to", "f r", status=1).err
        assert "cannot be opened" in run("send", "/nonexistent", status=1).err
        assert "cannot be opened" in run("send", SEIZURE, "--attach", "/nonexistent", status=1).err

    def attach():
        """files go with a message and come out of another node as they were"""
        path = os.path.join(folder, "scan of a seal.png")
        with open(path, "wb") as g:
            g.write(os.urandom(3 << 20))
        with open(path, "rb") as g:
            digest = hashlib.sha256(g.read()).hexdigest()
        sent = run("send", SEIZURE, "--operation", "CRANE-26", "-a", path, "--attach", SEIZURE, "--json").json["id"]
        page = run("show", sent).out
        assert "scan of a seal.png, image/png, 3145728 bytes" in page and "application/xml" in page, page
        out = os.path.join(folder, "out")
        done = run("export", sent, "--attachments", out, "--out", os.path.join(folder, "x.xml"))
        assert "saved" in done.err
        with open(os.path.join(out, "scan of a seal.png"), "rb") as g:
            assert hashlib.sha256(g.read()).hexdigest() == digest
        assert "cannot be made" in run("export", sent, "--attachments", out, "--out", os.path.join(folder, "x.xml"), status=1).err
        bar = on_terminal(*conf, "send", SEIZURE, "--operation", "CRANE-26", "--attach", path)
        assert "100%" in bar and "3.0 MiB" in bar, bar

    def outbox():
        """the outbox tells how far messages got"""
        got = run("send", SEIZURE, "--operation", "CRANE-26", "--json").json["id"]
        refused_id = run("send", SEIZURE, "--operation", "CRANE-26", "--json").json["id"]
        f.say("receive " + got)
        f.say("reject " + refused_id)
        lines = run("outbox").out.splitlines()
        assert lines[0].split()[:3] == ["ID", "SENT", "UTC"]
        assert lines[-2].startswith(got) and lines[-2].endswith("1 of 2")
        assert lines[-1].startswith(refused_id) and lines[-1].endswith("0 of 2, 1 rejected")
        page = run("show", refused_id).out
        assert re.search(r"^FR +rejected +\S+ \S+Z +RILO +the operation does not take this kind \[ROUTE-KIND\]$", page, re.M), page
        assert re.search(r"^ZA +queued .* no way to it is known yet$", page, re.M), page
        assert re.search(r"^FR +stored ", run("show", got).out, re.M)

    def inbox():
        """the inbox in order of arrival, the newest last; unread, limit, operation"""
        f.arrive(60)
        last = f.arrive(1, "seizure-arabic.xml")
        lines = run("inbox").out.splitlines()
        assert len(lines) == 51 and lines[-1].startswith(last) and lines[-1].endswith("unread"), len(lines)
        assert len(run("inbox", "--all").out.splitlines()) == f.get("/v1/status")["store"]["inbox"] + 1
        assert len(run("inbox", "-n", "3").out.splitlines()) == 4
        rows = run("inbox", "--json", "-n", "2").json
        assert [r["id"] for r in rows][-1] == last and rows[0]["cursor"] < rows[1]["cursor"]
        assert run("inbox", "--operation", "OTHER", "--json").json == []
        run("show", last)
        assert last not in [r["id"] for r in run("inbox", "--unread", "--all", "--json").json]
        assert run("inbox", "-n", "1").out.splitlines()[-1].endswith("  read")
        assert "number from 1" in run("inbox", "-n", "0", status=2).err

    def show():
        """a page for people: header, sections, what was withheld; it is read then, unless it is kept unread"""
        message = f.say("withhold " + os.path.join(SAMPLES, "seizure-long-cash.xml"))
        page = run("show", message, "--keep-unread").out
        assert "\nGoods\n" in page and "Banknotes of 100 US dollars" in page and "4200 piece" in page
        assert re.search(r"^Persons\n  withheld: ", page, re.M) and "AE (United Arab Emirates)" in page, page
        assert f.get("/v1/messages/" + message)["read"] is None
        run("show", message)
        assert f.get("/v1/messages/" + message)["read"]
        assert run("show", message, "--json").json["withheld"] == ["persons"]
        arabic = f.arrive(1, "seizure-arabic.xml")
        page = run("show", arabic).out
        assert "\u2068" in page and page.count("\u2068") == page.count("\u2069")
        assert "no message with that id" in run("show", "019a7c1e-0b52-7cc3-98c5-2d1f6a3b9e10", status=1).err
        assert "UUID" in run("show", "abc", status=1).err

    def export():
        """what is exported verifies without a node"""
        message = f.arrive()
        path = os.path.join(folder, "m.xml")
        run("export", message, "--out", path)
        assert run("verify", path).out.startswith(path + ": verified")
        assert reeve(*conf, "export", message, binary=True).stdout == open(path, "rb").read()
        assert os.stat(path).st_mode & 0o777 == 0o600

    def reply():
        """a draft that answers: it refers, it goes to who asked, and it is good"""
        for name, kind, expected in (("warning-vessel.xml", None, "feedback"), ("alert-trade-mark.xml", None, "feedback"),
                                     ("request.xml", None, "reply"), ("seizure-long-cash.xml", "update", "update"),
                                     ("seizure-long-cash.xml", "cancel", "cancel")):
            message = f.arrive(1, name)
            path = os.path.join(folder, "answer.xml")
            run("reply", message, "--out", path, *(["--kind", kind] if kind else []))
            with open(path) as g:
                text = g.read()
            assert f"<TypeCode>{expected}</TypeCode>" in text and f"<MessageID>{message}</MessageID>" in text, text
            assert ("<Recipient>FR</Recipient>" in text) == (expected in ("feedback", "reply"))
            assert run("check", path).err == "1 file checked: fine\n"
        assert "Banknotes of 100 US dollars" in run("reply", f.arrive(), "--kind", "update").out
        alert = f.arrive(1, "alert-trade-mark.xml")
        text = run("reply", alert).out
        assert "<Verdict>" in text and "<CaseID>IPR/2026/00417</CaseID>" in text and "<Control>" not in text, text
        exercise = f.arrive(1, "seizure-short-exercise.xml")
        assert "<StatusCode>exercise</StatusCode>" in run("reply", exercise, "--kind", "cancel").out
        own = os.path.join(folder, "own.xml")
        with open(own, "wb") as g:
            g.write(sample("feedback-clean.xml"))
        warning = f.arrive(1, "warning-vessel.xml")
        sent = run("reply", warning, "--draft", own, "--send", "--json").json["id"]
        references = f.get("/v1/messages/" + sent)["header"]["references"]
        assert {"type": "answers", "id": warning, "version": 1} in references, references
        assert "needs --draft" in run("reply", warning, "--send", status=2).err
        assert "say with --kind" in run("reply", f.arrive(), status=2).err
        assert "--kind is" in run("reply", warning, "--kind", "seizure", status=2).err

    def quarantine():
        """what was refused, and why"""
        f.say("refuse")
        out = run("quarantine").out
        assert "SEAL-DIGEST" in out and "altered \ufffd[2J" in out and "\x1b" not in out
        number = run("quarantine", "--json").json[-1]["cursor"]
        page = run("quarantine", number).out
        assert "line 12, column 3" in page and re.search(r"^  rule +SEAL-DIGEST$", page, re.M), page
        path = os.path.join(folder, "q.bin")
        run("quarantine", number, "--out", path)
        assert open(path, "rb").read() == b"<Message>\x1b[31m</Message>"
        run("quarantine", "99999", status=1)
        run("quarantine", "x", status=2)

    def patience():
        """a node that is busy is tried again, under the same id"""
        f.say("busy")
        found = []
        before = len(f.get("/v1/outbox?limit=1000")["items"])
        thread = threading.Thread(target=lambda: found.append(run("send", SEIZURE, "--operation", "CRANE-26", "--json").json))
        thread.start()
        f.get("/v1/status")
        f.say("ready")
        thread.join()
        assert found and len(f.get("/v1/outbox?limit=1000")["items"]) == before + 1

    return [state, send, refused, attach, outbox, inbox, show, export, reply, quarantine, patience]


def follow():
    """inbox --follow shows each arrival once, across a restart of the node"""
    directory = tempfile.mkdtemp(prefix="reeve-follow.")
    try:
        with Fake(directory) as f:
            old = f.arrive(2)
            conf = os.path.join(f.dir, "reeve.conf")
            process = subprocess.Popen([REEVE, "-c", conf, "inbox", "--follow", "--json"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, env=environment())
            lines = [json.loads(process.stdout.readline())["id"] for _ in range(2)]
            assert lines[-1] == old
            ids = [f.arrive() for _ in range(3)]
            assert [json.loads(process.stdout.readline())["id"] for _ in ids] == ids
        with Fake(directory) as f:
            more = [f.arrive() for _ in range(3)]
            assert [json.loads(process.stdout.readline())["id"] for _ in more] == more
            process.terminate()
            process.wait()
            process.stdout.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def nobody():
    """without a node every command says so, and what to do"""
    with Fake() as f:
        conf = os.path.join(f.dir, "reeve.conf")
        f.stop()
        for args in (["status"], ["inbox"], ["show", "019a7c1e-0b52-7cc3-98c5-2d1f6a3b9e10"]):
            done = reeve("-c", conf, *args, status=1)
            assert done.out == "" and "does not answer at" in done.err and "reeved -c" in done.err, done.err


def main():
    folder = tempfile.mkdtemp(prefix="reeve-online.")
    try:
        with Fake() as f:
            net.Tap().run(cases(f, folder) + [follow, nobody])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
