#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the API does, over its real socket, with a real store behind it."""
import fcntl
import hashlib
import stat
import subprocess
import sys
import termios
import threading
import time

sys.dont_write_bytecode = True
from fake import Events, Fake, json, net, os, sample, socket  # noqa: E402

OP = "/v1/messages?operation=CRANE-26"
SEIZURE = sample("seizure-short-drugs.xml")
FAULTY = SEIZURE.replace(b"<HandlingCode>H", b"<HandlingCode>X", 1)
UNKNOWN = "019a7c1e-0b52-7cc3-98c5-2d1f6a3b9e10"


def problem(answer, status, code=None):
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
    o = answer.json
    assert o["status"] == status and o["type"] == "urn:reeve:problem:" + o["code"] and o["detail"], o
    assert code is None or o["code"] == code, o
    return o


def wait_end(s):
    """Reads until the other side ends the connection."""
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass


def main():
    with Fake(fake_heartbeat_ms=200, fake_streams=3) as f:
        tests = calm(f)
        net.Tap().run(tests + ALONE)


def calm(f):
    def submits():
        """a submission is answered when it is durable, with its id and recipients"""
        answer = f.post(OP, SEIZURE, 201)
        o = answer.json
        assert o["recipients"] == ["FR", "ZA"] and not o["known"] and not o["dryRun"] and o["report"]["errors"] == 0, o
        assert answer.headers["Location"] == "/v1/messages/" + o["id"]
        page = f.get("/v1/messages/" + o["id"])
        assert page["header"]["originator"] == "KE" and page["header"]["operation"] == "CRANE-26"
        assert [d["recipient"] for d in page["deliveries"]] == ["FR", "ZA"] and page["source"] == ""
        assert page["id"] in [row["id"] for row in f.get("/v1/outbox")["items"]]
        content = f.get("/v1/messages/" + o["id"] + "/content")
        assert len(content) == page["size"] and b"SignatureValue>" in content
        f.say("receive " + o["id"])
        page = f.get("/v1/messages/" + o["id"])
        assert [d["state"] for d in page["deliveries"]][0] == "stored", page["deliveries"]
        assert page["receipts"][0]["signer"] == "FR" and page["receipts"][0]["stage"] == "stored" and page["receipts"][0]["bytes"]

    def idempotent():
        """the same Idempotency-Key finds the message that is there"""
        key = net.uuid7()
        assert f.post(OP, SEIZURE, 201, {"Idempotency-Key": key}).json["id"] == key
        again = f.post(OP, SEIZURE, 200, {"Idempotency-Key": '"%s"' % key}).json
        assert again["known"] and again["id"] == key
        problem(f.ask("POST", OP, SEIZURE, {"Idempotency-Key": "abc"}), 400, "invalid-argument")
        problem(f.ask("POST", OP, SEIZURE, {"Idempotency-Key": key.upper()}), 400)

    def dry_run():
        """a dry run tells who would get it and stores nothing"""
        before = f.get("/v1/status")["store"]["outbox"]
        o = f.post(OP + "&dry-run=true&to=FR", SEIZURE, 200).json
        assert o["dryRun"] and o["recipients"] == ["FR"] and o["id"] is None, o
        assert f.get("/v1/status")["store"]["outbox"] == before

    def faults():
        """a draft with faults is refused with all of them"""
        o = problem(f.ask("POST", OP, FAULTY), 422)
        assert o["faults"][0]["rule"] == "XSD-ENUM" and o["faults"][0]["line"] > 0 and o["faults"][0]["mend"], o
        o = problem(f.ask("POST", OP, b"<Message"), 422)
        assert o["faults"][0]["rule"].startswith("XML-"), o
        report = f.post("/v1/check", FAULTY, 200).json
        assert report["errors"] == 1 and report["faults"][0]["path"].endswith("HandlingCode")
        assert f.post("/v1/check?operation=CRANE-26", SEIZURE, 200).json["errors"] == 0
        assert f.post("/v1/check", b"", 200).json["errors"] == 1
        problem(f.ask("POST", "/v1/check?operation=OTHER", SEIZURE), 422, "unknown")

    def parameters():
        """what cannot be meant is refused, not guessed"""
        problem(f.ask("POST", "/v1/messages?operation=OTHER", SEIZURE), 422, "unknown")
        problem(f.ask("POST", "/v1/messages?operation=a%20b", SEIZURE), 400)
        problem(f.ask("POST", OP + "&to=fr", SEIZURE), 400)
        problem(f.ask("POST", OP + "&dry-run=yes", SEIZURE), 400)
        problem(f.ask("POST", OP + "&attachment=x", SEIZURE), 400)
        missing = problem(f.ask("POST", OP + "&attachment=%s,image/png,a.png" % ("0" * 64), SEIZURE), 422, "unknown")
        assert "mend" in missing
        problem(f.ask("POST", OP + "".join("&to=M%d" % i for i in range(201)), SEIZURE), 413)
        problem(f.ask("POST", OP, b""), 400)
        for path in ("/v1/inbox?limit=0", "/v1/inbox?limit=1001", "/v1/inbox?after=-1", "/v1/inbox?after=x", "/v1/inbox?order=up",
                     "/v1/inbox?unread=1", "/v1/inbox?limits=5", "/v1/outbox?unread=true", "/v1/messages/abc", "/v1/messages/abc/content",
                     "/v1/attachments/00", "/v1/quarantine/x", "/v1/events?after=x", "/v1/%zz", "/v1/inbox?operation=%1b"):
            problem(f.ask("GET", path), 400, "invalid-argument")
        problem(f.ask("GET", "/v1/events", headers={"Last-Event-ID": "x"}), 400)

    def not_found():
        """what is not there is 404, another method 405"""
        for path in ("/", "/v1", "/v1/", "/v1/inbox/", "/v2/status", "/v1/messages/%s" % UNKNOWN, "/v1/messages/%s/content" % UNKNOWN,
                     "/v1/attachments/" + "0" * 64, "/v1/quarantine/99999", "/v1/quarantine/99999/content", "/v1/codes/nope",
                     "/v1/templates/nope", "/v1/codes/..%2fcodes"):
            problem(f.ask("GET", path), 404, "not-found")
        problem(f.ask("POST", "/v1/messages/%s/read" % UNKNOWN), 404)
        answer = f.ask("POST", "/v1/inbox")
        problem(answer, 405)
        assert answer.headers["Allow"] == "GET, HEAD"
        answer = f.ask("DELETE", "/v1/attachments")
        problem(answer, 405)
        assert answer.headers["Allow"] == "POST"
        answer = f.ask("HEAD", "/v1/status")
        assert answer.status == 200 and answer.body == b"" and int(answer.headers["Content-Length"]) > 10

    def limits():
        """bodies that are too large are refused, told in advance or chunked"""
        problem(f.ask("POST", OP, b" " * (1 << 20) + b"x"), 413, "limit")
        f.drop()
        problem(f.ask("POST", OP, iter([b" " * 70000] * 16), {"Transfer-Encoding": "chunked"}, encode_chunked=True), 413, "limit")
        f.drop()
        s = f.dial()
        s.sendall(b"POST /v1/attachments HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999\r\nExpect: 100-continue\r\n\r\n")
        assert b" 413 " in s.recv(65536)
        s.close()
        f.get("/v1/status")

    def attachments():
        """attachments of any size stream in and out in constant memory"""
        block = os.urandom(1 << 20)
        size = 96
        digest = hashlib.sha256()
        f.post("/v1/attachments", b"warm up", 201)
        before = f.memory_kib("VmRSS")

        def blocks():
            for i in range(size):
                piece = i.to_bytes(8, "big") + block[8:]
                digest.update(piece)
                yield piece
        o = f.post("/v1/attachments", blocks(), 201, {"Transfer-Encoding": "chunked"}, encode_chunked=True).json
        assert o == {"digest": digest.hexdigest(), "size": size << 20}, o
        got = hashlib.sha256()
        connection = net.UnixConnection(f.socket)
        connection.request("GET", "/v1/attachments/" + o["digest"])
        response = connection.getresponse()
        assert int(response.headers["Content-Length"]) == size << 20
        while True:
            piece = response.read(1 << 16)
            if not piece:
                break
            got.update(piece)
        connection.close()
        assert got.hexdigest() == digest.hexdigest()
        grown = f.memory_kib("VmRSS") - before
        assert os.environ.get("REEVE_SANITIZED") == "yes" or grown < 8192, f"{grown} KiB more"
        # And with a message.
        small = f.post("/v1/attachments", b"picture", 201, {"Content-Length": "7"}).json
        sent = f.post(OP + "&attachment=%s,image/png,a%%20b.png" % small["digest"], SEIZURE, 201).json
        page = f.get("/v1/messages/" + sent["id"])
        assert page["attachments"] == [{"name": "a b.png", "mediaType": "image/png", "size": 7, "digest": small["digest"], "here": True}]
        empty = f.ask("POST", "/v1/attachments", b"")
        assert empty.status == 201 and empty.json["size"] == 0, empty.body

    def pages():
        """lists are walked by cursor, either way, without loss"""
        last = f.arrive(123)
        ids, after = [], 0
        while True:
            page = f.get(f"/v1/inbox?after={after}&limit=50")
            ids += [row["id"] for row in page["items"]]
            assert len(page["items"]) <= 50
            if page["next"] is None:
                break
            after = page["next"]
        assert len(ids) == len(set(ids)) == f.get("/v1/status")["store"]["inbox"] and ids[-1] == last
        newest, before = [], 0
        while True:
            page = f.get(f"/v1/inbox?order=newest&limit=40&after={before}")
            newest += [row["id"] for row in page["items"]]
            if page["next"] is None:
                break
            before = page["next"]
        assert newest == ids[::-1]
        assert f.get("/v1/inbox?operation=CRANE-26&limit=1000")["items"] == f.get("/v1/inbox?limit=1000")["items"]
        assert f.get("/v1/inbox?operation=OTHER") == {"items": [], "next": None}

    def reading():
        """what a person opened is read, once, and no longer among the unread"""
        message = f.arrive()
        assert f.get("/v1/messages/" + message)["read"] is None
        for _ in range(2):
            answer = f.post(f"/v1/messages/{message}/read", b"", 204)
            assert answer.body == b""
        assert f.get("/v1/messages/" + message)["read"]
        rows, after = [], 0
        while True:
            page = f.get(f"/v1/inbox?unread=true&limit=1000&after={after}")
            rows += page["items"]
            if page["next"] is None:
                break
            after = page["next"]
        assert message not in [row["id"] for row in rows] and all(row["read"] is None for row in rows)
        assert len(rows) == f.get("/v1/status")["store"]["unread"]

    def withheld():
        """sections that were withheld are named"""
        message = f.say("withhold " + os.path.join(os.path.dirname(net.SAMPLES), "valid", "seizure-long-cash.xml"))
        page = f.get("/v1/messages/" + message)
        assert "goods" in page["present"] and "persons" not in page["present"] and page["withheld"], page["withheld"]

    def quarantine():
        """what was refused is told, and its bytes are kept as they came"""
        f.say("refuse")
        row = f.get("/v1/quarantine")["items"][-1]
        assert row["rule"] == "SEAL-DIGEST" and row["source"] == "FR" and (row["line"], row["column"]) == (12, 3), row
        assert "\x1b" in row["text"]
        assert f.get("/v1/quarantine/%d" % row["cursor"]) == row
        answer = f.ask("GET", "/v1/quarantine/%d/content" % row["cursor"])
        assert answer.body == b"<Message>\x1b[31m</Message>" and answer.headers["Content-Type"] == "application/octet-stream"
        raw = f.ask("GET", "/v1/quarantine").body
        assert b"\x1b" not in raw and b"\\u001b" in raw.lower()

    def events():
        """followers hear of each new entry once, and go on where they were"""
        follower = Events(f)
        assert follower.response.status == 200 and follower.response.headers["Content-Type"] == "text/event-stream"
        first = f.arrive()
        assert follower.entry()["id"] == first
        f.arrive(3)
        seen = [follower.entry() for _ in range(3)]
        follower.close()
        missed = f.arrive(70)
        again = Events(f, **{"Last-Event-ID": str(seen[0]["cursor"])})
        rest = [again.entry() for _ in range(72)]
        assert [e["id"] for e in rest[:2]] == [e["id"] for e in seen[1:]] and rest[-1]["id"] == missed
        cursors = [e["cursor"] for e in rest]
        assert cursors == sorted(set(cursors))
        by_query = Events(f, "/v1/events?after=%d" % rest[-2]["cursor"])
        assert by_query.entry()["id"] == missed
        again.close()
        by_query.close()

    def heartbeats():
        """a silent stream has a heart, and a follower that left makes room"""
        def follow():
            follower = Events(f)
            if follower.response.status == 200:
                return follower
            follower.close()
            return None
        followers = [net.wait_for("room for a follower", follow) for _ in range(3)]
        for follower in followers:
            while "" not in (fields := follower.next()):
                assert fields is not None
        problem(f.ask("GET", "/v1/events"), 503, "try-again")
        for follower in followers:
            follower.close()
        net.wait_for("room for a follower", follow).close()

    def lists():
        """codes, templates, trust, operations and links are told"""
        assert {"code": "KGM", "name": "kilogram"} in f.get("/v1/codes/units?prefix=KG")["codes"]
        assert b"<TypeCode>warning</TypeCode>" in f.get("/v1/templates/warning")
        trust = f.get("/v1/trust")
        assert trust["number"] == 3 and [m["code"] for m in trust["members"]] == ["KE", "FR"], trust
        operation = f.get("/v1/operations")["operations"][0]
        assert operation["code"] == "CRANE-26" and {p["code"] for p in operation["participants"]} == {"KE", "FR"}
        links = f.get("/v1/links")
        assert [(r["peer"], r["state"]) for r in links["links"]] == [("FR", "up"), ("RILO", "down")]
        assert links["refused"][0]["count"] == 3
        status = f.get("/v1/status")
        assert status["ready"] and status["code"] == "KE" and status["trust"]["number"] == 3

    def busy():
        """a node that is busy says so, and when to come back"""
        f.say("busy")
        answer = f.ask("POST", OP, SEIZURE)
        problem(answer, 503, "try-again")
        assert answer.headers["Retry-After"] == "1"
        status = f.get("/v1/status")
        assert not status["ready"] and status["reason"] == "the test says so"
        f.say("ready")
        f.post(OP, SEIZURE, 201)

    def at_once():
        """many clients at once: each submission is answered, each with its own id"""
        ids, wrong = [], []

        def client():
            connection = net.UnixConnection(f.socket)
            for _ in range(12):
                connection.request("POST", OP, SEIZURE)
                response = connection.getresponse()
                body = json.loads(response.read())
                (ids if response.status == 201 else wrong).append(body.get("id", body))
                connection.request("GET", "/v1/inbox?limit=5")
                connection.getresponse().read()
            connection.close()
        threads = [threading.Thread(target=client) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong and len(set(ids)) == 96, wrong[:2]

    def socket_mode():
        """the socket is its user's alone"""
        assert stat.S_IMODE(os.stat(f.socket).st_mode) == 0o600

    return [submits, idempotent, dry_run, faults, parameters, not_found, limits, attachments, pages, reading, withheld, quarantine,
            events, heartbeats, lists, busy, at_once, socket_mode]


# ---- cases that need a node of their own ----

def waiting():
    """a core that does not finish: the client is told, and the key finds what was done after all"""
    with Fake(fake_answer_s=1) as f:
        f.say("hang")
        key = net.uuid7()
        o = problem(f.ask("POST", OP, SEIZURE, {"Idempotency-Key": key}), 503, "timeout")
        assert "Idempotency-Key" in o["mend"]
        # A client that left before the answer.
        s = f.dial()
        s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (OP.encode(), len(SEIZURE)) + SEIZURE)
        net.wait_for("the node to have read it", lambda: not fcntl.ioctl(s, termios.TIOCOUTQ, b"\0" * 4).strip(b"\0"))
        f.get("/v1/status")
        s.close()
        f.say("release")
        net.wait_for("both messages", lambda: len(f.get("/v1/outbox")["items"]) == 2)
        assert f.post(OP, SEIZURE, 200, {"Idempotency-Key": key}).json["known"]


def stopping():
    """a node that stops ends its clients, and waits for what the core owes"""
    with Fake() as f:
        follower = Events(f)
        f.say("hang")
        answers = []

        def client():
            connection = net.UnixConnection(f.socket)
            try:
                connection.request("POST", OP, SEIZURE)
                answers.append(connection.getresponse().status)
            except OSError as error:
                answers.append(error)
        t = threading.Thread(target=client)
        t.start()
        net.wait_for("the submission under way", lambda: f.get("/v1/status") and time.sleep(0.1) is None)
        f.stop()
        t.join()
        assert answers and (answers[0] in (201, 503) or isinstance(answers[0], OSError)), answers
        assert follower.entry() is None
        assert not os.path.exists(f.socket)


def slow():
    """clients that are too slow are ended; others are served meanwhile"""
    with Fake(fake_header_s=1, fake_stall_s=1, fake_connections=6) as f:
        idle = [f.dial() for _ in range(12)]
        dribble = f.dial()
        dribble.sendall(b"GET /v1/st")
        assert f.get("/v1/status")["code"] == "KE"
        for s in idle + [dribble]:
            wait_end(s)
            s.close()
        s = f.dial()
        s.sendall(b"POST /v1/attachments HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nfew bytes")
        wait_end(s)
        s.close()
        # What it had sent is gone.
        parts = os.path.join(f.dir, "blobs", "part")
        net.wait_for("the unfinished upload to go", lambda: not os.path.isdir(parts) or not os.listdir(parts))
        f.drop()
        assert f.get("/v1/status")["code"] == "KE"


def one_node():
    """a second node in the same folder does not start; a socket left behind is replaced"""
    with Fake() as f:
        second = subprocess.run([os.path.join(net.BUILD, "tests", "unit", "api", "fake_node"), f.dir], env=f.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert second.returncode != 0, second
        assert f.get("/v1/status")["code"] == "KE"
        directory = f.dir
        f.stop()
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(f.socket)
        s.close()
        with Fake(directory) as again:
            assert again.get("/v1/status")["code"] == "KE"


def stranger():
    """another user is told no, even where the file's mode would let it in"""
    if os.geteuid() != 0:
        return
    with Fake() as f:
        os.chmod(f.socket, 0o666)
        for directory in (f.dir, os.path.dirname(f.socket)):
            os.chmod(directory, 0o755)
        code = ("import os,socket,sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                "s.sendall(b'GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); sys.stdout.buffer.write(s.recv(65536))")
        done = subprocess.run([sys.executable, "-c", code, f.socket], stdout=subprocess.PIPE)
        assert b" 403 " in done.stdout and b"KE" not in done.stdout, done.stdout


ALONE = [waiting, stopping, slow, one_node, stranger]


main()
