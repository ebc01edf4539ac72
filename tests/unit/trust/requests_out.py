#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests of the daemon to web servers that are honest, broken and hostile: what is asked is all that is given. TAP."""
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

sys.dont_write_bytecode = True
TOP = os.environ.get("top_srcdir", os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..")))
BUILD = os.environ.get("top_builddir", os.path.join(TOP, "build"))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net  # noqa: E402
import web  # noqa: E402

PROGRAM = os.path.join(BUILD, "tests", "unit", "trust", "http_ask")
MANY = 1 << 30


class Asker:
    def __init__(self, **env):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **env})

    def say(self, *words, **named):
        line = " ".join([*words, *(f"{k.replace('_', '-')}={v}" for k, v in named.items())])
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, url, **named):
        self.say(url=url, **named)
        return self.hear()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(net.PATIENCE) == 0
        self.process.stdout.close()


def main():
    folder = tempfile.mkdtemp(prefix="reeve-http.")
    try:
        run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder):
    root = web.Certificate("Test Root", ca=True)
    other = web.Certificate("Other Root", ca=True)
    good = web.Certificate("localhost", root, "localhost")
    ca = root.save(os.path.join(folder, "root.pem"))
    asker = Asker(http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9", HOME=folder)
    with open(os.path.join(folder, ".netrc"), "w") as f:
        f.write("machine localhost login someone password secret\n")
    with web.Server(good, folder) as https, web.Server() as plain:
        tests = (honest(asker, https, plain, ca) + redirects(asker, https, plain, ca) + sizes(asker, https, plain, ca) +
                 times(asker, https, plain, ca) + identities(asker, https, folder, root, other, good, ca) + proxies(asker, https, plain, ca) +
                 addresses(asker, plain) + stops(plain))

        def ends():
            """the program ends cleanly"""
            asker.end()
        net.Tap().run(tests + [ends])


def refused(answer, rule, words=""):
    assert answer["rule"] == rule and answer["rc"] != 0 and answer["text"] and answer["body"] == "", answer
    assert words in answer["text"], answer


def honest(asker, https, plain, ca):
    def fetches():
        """a file is fetched over TLS, with nothing in the request that is not needed"""
        https.paths["/list"] = web.answer(200, b"the list", ETag='"one"', Last_Modified="Tue, 24 Nov 2026 12:00:00 GMT",
                                          Set_Cookie="a=b")
        a = asker.ask(https.base + "/list", ca=ca)
        assert a["rc"] == 0 and a["body"] == "the list" and not a["unchanged"] and a["etag"] == '"one"', a
        seen = https.seen[-1].headers
        assert set(seen) == {"host", "user-agent", "accept"} and seen["user-agent"].startswith("reeved/"), seen

    def unchanged():
        """the next request is conditional, and 304 says that nothing is new"""
        def conditional(request, server):
            same = request.headers.get("if-none-match") == '"one"' and request.headers.get("if-modified-since")
            return web.answer(304, ETag='"one"', Content_Length=None) if same else web.answer(200, b"again")
        https.paths["/list"] = conditional
        a = asker.ask(https.base + "/list", ca=ca)
        assert a["rc"] == 0 and a["unchanged"] and a["body"] == "" and a["etag"] == '"one"', a
        assert "cookie" not in https.seen[-1].headers

    def forgets():
        """a version that the server names badly is not named to it again"""
        https.paths["/new"] = web.answer(200, b"x", ETag='"' + "e" * 1000 + '"')
        assert asker.ask(https.base + "/new", ca=ca)["etag"] == ""
        https.paths["/new"] = web.answer(304, Content_Length=None)
        refused(asker.ask(https.base + "/new", ca=ca), "FETCH-STATUS", "304")

    def statuses():
        """404 and 503 are told apart; the wait that the server asks for is passed on"""
        https.paths["/404"] = web.answer(404, b"nothing here")
        https.paths["/503"] = web.answer(503, b"later", Retry_After="77")
        https.paths["/206"] = web.answer(206, b"part", Content_Range="bytes 0-3/9")
        refused(asker.ask(https.base + "/404", ca=ca), "FETCH-STATUS", "404")
        a = asker.ask(https.base + "/503", ca=ca)
        refused(a, "FETCH-STATUS", "503")
        assert a["retry"] == 77, a
        refused(asker.ask(https.base + "/206", ca=ca), "FETCH-STATUS", "206")

    def posts():
        """a body is posted, and the answer to it comes back"""
        plain.paths["/ocsp"] = lambda request, server: web.answer(200, request.method.encode() + b" " + request.body)
        a = asker.ask(plain.base + "/ocsp", http=1, post="question", accept="application/x")
        assert a["body"] == "POST question" and plain.seen[-1].headers["accept"] == "application/x", a
        assert plain.seen[-1].headers["content-length"] == "8" and "authorization" not in plain.seen[-1].headers
    return [fetches, unchanged, forgets, statuses, posts]


def redirects(asker, https, plain, ca):
    def to(place):
        return web.answer(302, b"moved", Location=place)

    def off():
        """a redirect is not followed where none is allowed, and the error names its end"""
        https.paths["/moved"] = to("/list2")
        refused(asker.ask(https.base + "/moved", ca=ca), "FETCH-REDIRECT", "/list2")

    def some():
        """three are followed where they are allowed, a loop is not"""
        plain.paths.update({"/1": to("/2"), "/2": to("/3"), "/3": to("/4"), "/4": web.answer(200, b"end"), "/loop": to("/loop")})
        assert asker.ask(plain.base + "/1", http=1, redirects=3)["body"] == "end"
        refused(asker.ask(plain.base + "/1", http=1, redirects=2), "FETCH-REDIRECT")
        before = len(plain.seen)
        refused(asker.ask(plain.base + "/loop", http=1, redirects=3), "FETCH-REDIRECT")
        assert len(plain.seen) - before == 4

    def schemes():
        """no redirect leads to a file, to another protocol, or from https to http"""
        for place in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x", "dict://127.0.0.1/", "https://localhost:1/x"):
            plain.paths["/away"] = to(place)
            refused(asker.ask(plain.base + "/away", http=1, redirects=3), "FETCH-REDIRECT")
        https.paths["/down"] = to(plain.base + "/4")
        before = len(plain.seen)
        refused(asker.ask(https.base + "/down", ca=ca, redirects=3), "FETCH-REDIRECT")
        refused(asker.ask(https.base + "/down", ca=ca, redirects=3, http=1), "FETCH-REDIRECT")
        assert len(plain.seen) == before
    return [off, some, schemes]


def sizes(asker, https, plain, ca):
    def announced():
        """a size over the limit is refused when it is announced"""
        took = []

        def huge(request, server):
            request.connection.sendall(web.answer(200, Content_Length=MANY))
            took.append(web.pour(request.connection, b"x" * 65536, MANY))
        https.paths["/huge"] = huge
        refused(asker.ask(https.base + "/huge", ca=ca), "FETCH-TOO-LARGE")
        net.wait_for("the server to be left", lambda: took)
        assert took[0] < 64 << 20, took

    def unannounced():
        """...and when it comes without a size, or in chunks, as soon as it is reached"""
        def endless(request, server):
            request.connection.sendall(web.answer(200, Content_Length=None))
            took.append(web.pour(request.connection, b"x" * 65536, MANY))

        def chunked(request, server):
            request.connection.sendall(web.answer(200, Content_Length=None, Transfer_Encoding="chunked"))
            took.append(web.pour(request.connection, b"1000\r\n" + b"x" * 4096 + b"\r\n", MANY))
        took = []
        plain.paths.update({"/endless": endless, "/chunked": chunked})
        refused(asker.ask(plain.base + "/endless", http=1), "FETCH-TOO-LARGE")
        refused(asker.ask(plain.base + "/chunked", http=1), "FETCH-TOO-LARGE")
        net.wait_for("the servers to be left", lambda: len(took) == 2)
        assert max(took) < 64 << 20, took

    def exact():
        """the limit itself is allowed, one byte more is not"""
        plain.paths["/fits"] = web.answer(200, b"x" * 1000)
        plain.paths["/over"] = web.answer(200, b"x" * 1001, Content_Length=None)
        assert len(asker.ask(plain.base + "/fits", http=1, max=1000)["body"]) == 1000
        refused(asker.ask(plain.base + "/over", http=1, max=1000), "FETCH-TOO-LARGE")
        assert asker.ask(plain.base + "/fits", http=1, max=1001)["rc"] == 0

    def headers():
        """headers without end are refused too"""
        def many(request, server):
            request.connection.sendall(b"HTTP/1.1 200 x\r\n")
            web.pour(request.connection, b"A: " + b"b" * 4000 + b"\r\n", MANY)

        def hints(request, server):
            web.pour(request.connection, b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", MANY)
        plain.paths.update({"/headers": many, "/hints": hints})
        refused(asker.ask(plain.base + "/headers", http=1), "FETCH-TOO-LARGE")
        refused(asker.ask(plain.base + "/hints", http=1), "FETCH-TOO-LARGE")

    def bombs():
        """an encoded answer is not decoded: small bytes stay small"""
        bomb = gzip.compress(b"\0" * (64 << 20), 9)
        plain.paths["/gzip"] = web.answer(200, bomb[:900], Content_Encoding="gzip")
        plain.paths["/brotli"] = web.answer(200, b"abc", Content_Encoding="br")
        plain.paths["/identity"] = web.answer(200, b"abc", Content_Encoding="identity")
        plain.paths["/transfer"] = lambda r, s: (web.answer(200, Content_Length=None, Transfer_Encoding="gzip, chunked") +
                                                 b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb))
        deflate = zlib.compress(b"\0" * (64 << 20), 9)
        plain.paths["/deflate"] = web.answer(200, deflate, Transfer_Encoding="deflate", Content_Length=None)
        refused(asker.ask(plain.base + "/gzip", http=1), "FETCH-ENCODING")
        refused(asker.ask(plain.base + "/brotli", http=1), "FETCH-ENCODING")
        assert asker.ask(plain.base + "/identity", http=1)["body"] == "abc"
        for path in ("/transfer", "/deflate"):
            a = asker.ask(plain.base + path, http=1)
            assert a["rule"] in ("FETCH-TOO-LARGE", "FETCH-ENCODING") and a["body"] == "", a

    def cut():
        """an answer that is cut short is no answer"""
        https.paths["/cut"] = web.answer(200, b"half", Content_Length=8)
        plain.paths["/cut"] = web.answer(200, b"half", Content_Length=8)
        plain.paths["/cut-chunk"] = web.answer(200, b"8\r\nhalf", Content_Length=None, Transfer_Encoding="chunked")
        plain.paths["/nothing"] = b""
        plain.paths["/noise"] = b"\0\1\2\3 this is no HTTP\r\n\r\n"
        refused(asker.ask(https.base + "/cut", ca=ca), "FETCH-TRUNCATED")
        refused(asker.ask(plain.base + "/cut", http=1), "FETCH-TRUNCATED")
        for path in ("/cut-chunk", "/nothing", "/noise"):
            a = asker.ask(plain.base + path, http=1)
            assert a["rc"] != 0 and a["rule"].startswith("FETCH-") and a["body"] == "", a

    return [announced, unannounced, exact, headers, bombs, cut]


def times(asker, https, plain, ca):
    def accepts():
        """a server that accepts and hangs costs the time granted, whichever phase it hangs in"""
        with web.Server() as dumb:
            dumb.paths["accept"] = "hang"
            refused(asker.ask(dumb.base.replace("http:", "https:") + "/x", connect=300, total=60000), "FETCH-TIMEOUT")
            refused(asker.ask(dumb.base + "/x", http=1, total=300), "FETCH-TIMEOUT")

    def hangs():
        """one that hangs in the middle of the body too, by the time in all and by the lowest speed"""
        def middle(request, server):
            request.connection.sendall(web.answer(200, b"half", Content_Length=8))
            server.released.wait()
        https.paths["/middle"] = middle
        refused(asker.ask(https.base + "/middle", ca=ca, total=400), "FETCH-TIMEOUT")
        refused(asker.ask(https.base + "/middle", ca=ca, slow=1), "FETCH-TIMEOUT")

    def drips():
        """a slow drip is given up by the lowest speed"""
        def drip(request, server):
            request.connection.sendall(web.answer(200, Content_Length=900))
            while not server.released.wait(0.05):
                request.connection.sendall(b".")
        plain.paths["/drip"] = drip
        refused(asker.ask(plain.base + "/drip", http=1, slow=1, slow_bytes=1000), "FETCH-TIMEOUT")
        refused(asker.ask(plain.base + "/drip", http=1, total=500), "FETCH-TIMEOUT")

    def closed():
        """nobody listens, no such name"""
        refused(asker.ask(f"http://127.0.0.1:{net.free_port()}/", http=1), "FETCH-CONNECT")
        refused(asker.ask("http://nobody.invalid/", http=1), "FETCH-RESOLVE")
    return [accepts, hangs, drips, closed]


def identities(asker, https, folder, root, other, good, ca):
    def pages(certificate, name="localhost"):
        server = web.Server(certificate, folder, name)
        server.paths["/x"] = web.answer(200, b"content")
        return server

    def wrong_ca():
        """the wrong authority, none, and the system's ones"""
        with pages(good) as s:
            refused(asker.ask(s.base + "/x", ca=other.save(os.path.join(folder, "other.pem"))), "FETCH-TLS")
            refused(asker.ask(s.base + "/x"), "FETCH-TLS")
            refused(asker.ask(s.base + "/x", ca=os.path.join(folder, "missing.pem")), "FETCH-CA")
            assert not s.seen

    def wrong_certificate():
        """an expired certificate, one from the future, one for another name"""
        for certificate in (web.Certificate("localhost", root, "localhost", days=(-9, -2)),
                            web.Certificate("localhost", root, "localhost", days=(2, 9)),
                            web.Certificate("elsewhere", root, "elsewhere.example"), web.Certificate("localhost", None, "localhost")):
            with pages(certificate) as s:
                refused(asker.ask(s.base + "/x", ca=ca), "FETCH-TLS")
                assert not s.seen
        with pages(good, "127.0.0.1") as s:
            refused(asker.ask(s.base + "/x", ca=ca), "FETCH-TLS")

    def pinned():
        """a pinned key alone decides; with an authority both must hold"""
        own = web.Certificate("anything", None, None, days=(-9, -2))
        with pages(own) as s:
            assert asker.ask(s.base + "/x", pin=own.pin)["body"] == "content"
            assert asker.ask(s.base + "/x", pin=good.pin + ";" + own.pin)["body"] == "content"
            refused(asker.ask(s.base + "/x", pin=good.pin), "FETCH-PIN")
            refused(asker.ask(s.base + "/x", pin=own.pin, ca=ca), "FETCH-TLS")
        with pages(good) as s:
            assert asker.ask(s.base + "/x", pin=good.pin, ca=ca)["body"] == "content"
            refused(asker.ask(s.base + "/x", pin=own.pin, ca=ca), "FETCH-PIN")
            assert asker.ask(s.base + "/x", pin="sha256//short")["rc"] != 0
            assert asker.ask(s.base + "/x", pin="/etc/passwd")["rc"] != 0
    return [wrong_ca, wrong_certificate, pinned]


def proxies(asker, https, plain, ca):
    def proxied():
        """a request goes by the proxy named, and only then"""
        import socket
        import threading

        def tunnel(request, server):
            host, port = request.target.rsplit(":", 1)
            far = socket.create_connection((host, int(port)))
            request.connection.sendall(b"HTTP/1.1 200 fine\r\n\r\n")

            def copy(a, b):
                try:
                    while (data := a.recv(65536)):
                        b.sendall(data)
                    b.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            back = threading.Thread(target=copy, args=(far, request.connection), daemon=True)
            back.start()
            copy(request.connection, far)
            back.join()
        with web.Server() as proxy:
            https.paths["/by-proxy"] = web.answer(200, b"through")
            proxy.paths[f"localhost:{https.port}"] = tunnel
            assert asker.ask(https.base + "/by-proxy", ca=ca, proxy=proxy.base)["body"] == "through"
            assert proxy.seen[0].method == "CONNECT"
            proxy.paths[plain.base + "/by-proxy"] = web.answer(200, b"plain through")
            assert asker.ask(plain.base + "/by-proxy", http=1, proxy=proxy.base)["body"] == "plain through"
            proxy.paths[f"localhost:{https.port}"] = web.answer(403)
            a = asker.ask(https.base + "/by-proxy", ca=ca, proxy=proxy.base)
            assert a["rc"] != 0 and a["rule"].startswith("FETCH-"), a
    return [proxied]


def addresses(asker, plain):
    def bad():
        """what is no plain address is never asked"""
        for url in ("", "list.xml", "ftp://localhost/x", "file:///etc/passwd", "https://", "https://user:secret@localhost/x",
                    "https://localhost/x#y", "http://localhost/x", "https://localhost:99999/", "https://" + "a" * 1100):
            refused(asker.ask(url), "FETCH-URL")
    return [bad]


def stops(plain):
    def stopped():
        """a node that stops leaves a server that hangs at once"""
        with web.Server() as dumb:
            dumb.paths["accept"] = "hang"
            asker = Asker()
            asker.say("stop-on-next", url=dumb.base + "/x", http=1)
            assert dumb.accepted.acquire(timeout=net.PATIENCE)
            began = time.monotonic()
            asker.say("now")
            refused(asker.hear(), "FETCH-STOPPED")
            assert time.monotonic() - began < 30  # of the 120 granted
            refused(asker.ask(plain.base + "/4", http=1), "FETCH-STOPPED")
            asker.end()
    return [stopped]


if __name__ == "__main__":
    main()
