#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Polling for trust lists: addresses in turn, servers that fail or hang asked less often, nothing asked twice in vain. TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
TOP = os.environ.get("top_srcdir", os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..")))
BUILD = os.environ.get("top_builddir", os.path.join(TOP, "build"))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net  # noqa: E402
import web  # noqa: E402

PROGRAM = os.path.join(BUILD, "tests", "unit", "trust", "fetch_play")


class Fetcher:
    """The program with a configuration of its own; offers collects what it was given, answers what it was asked."""

    def __init__(self, folder, urls, ca, every):
        self.conf = os.path.join(folder, "reeve.conf")
        with open(self.conf, "w") as f:
            f.write(f'code = "KE";\ntrust_urls = {json.dumps(urls)};\ntrust_ca = "{ca}";\ntrust_every_s = {every};\n')
        self.process = subprocess.Popen([PROGRAM, self.conf], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.offers, self.answers = [], []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            value = json.loads(line)
            (self.answers if isinstance(value, list) else self.offers).append(value)

    def say(self, word):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def sources(self):
        before = len(self.answers)
        self.say("sources")
        net.wait_for("the sources", lambda: len(self.answers) > before)
        return self.answers[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(net.PATIENCE) == 0
        self.thread.join()
        self.process.stdout.close()


def main():
    folder = tempfile.mkdtemp(prefix="reeve-fetcher.")
    try:
        run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder):
    root = web.Certificate("Test Root", ca=True)
    good = web.Certificate("localhost", root, "localhost")
    ca = root.save(os.path.join(folder, "root.pem"))

    def server():
        return web.Server(good, folder)

    def takes():
        """a list is fetched at the start, a newer one when it is there, and an old one is asked for conditionally"""
        content = {"body": b"list 1", "tag": '"1"'}

        def page(request, _):
            if request.headers.get("if-none-match") == content["tag"]:
                return web.answer(304, Content_Length=None)
            return web.answer(200, content["body"], ETag=content["tag"])
        with server() as s:
            s.paths["/list"] = page
            with Fetcher(folder, [s.base + "/list"], ca, 1) as f:
                net.wait_for("the first list", lambda: len(f.offers) == 1)
                net.wait_for("more looks", lambda: len(s.seen) >= 3)
                assert len(f.offers) == 1 and s.seen[-1].headers["if-none-match"] == '"1"'
                content.update(body=b"list 2", tag='"2"')
                net.wait_for("the second list", lambda: len(f.offers) == 2)
                assert f.offers[1]["offer"] == "list 2" and f.offers[1]["from"] == s.base + "/list"
                source = f.sources()[0]
                assert source["fetched"] and source["failures"] == 0 and source["rule"] == "", source

    def turns():
        """addresses are asked in turn: one that fails is passed over, one that stands still holds nothing back"""
        with server() as dead, server() as still, server() as live:
            dead.paths["/list"] = web.answer(503, Retry_After="3000")
            still.paths["/list"] = web.answer(200, b"list 1")
            live.paths["/list"] = web.answer(200, b"list 1")
            with Fetcher(folder, [s.base + "/list" for s in (dead, still, live)], ca, 1) as f:
                net.wait_for("the first list", lambda: len(f.offers) == 1)
                live.paths["/list"] = web.answer(200, b"list 2")
                net.wait_for("the second list", lambda: any(o["offer"] == "list 2" for o in f.offers))
                net.wait_for("both to be asked", lambda: len(still.seen) >= 2 and len(live.seen) >= 2)
                first = f.sources()[0]
                assert len(dead.seen) == 1 and first["failures"] == 1 and first["rule"] == "FETCH-STATUS", first
                assert first["wait"] > 2900, first
                f.say("hurry")
                net.wait_for("the first to be asked again", lambda: len(dead.seen) == 2)

    def refused():
        """a list that is refused is an error of its address, and is read anew each time"""
        with server() as s:
            s.paths["/list"] = web.answer(200, b"bad list", ETag='"1"')
            with Fetcher(folder, [s.base + "/list"], ca, 1) as f:
                net.wait_for("two tries", lambda: len(s.seen) >= 2)
                assert "if-none-match" not in s.seen[-1].headers
                net.wait_for("the error", lambda: f.sources()[0]["rule"] == "TRUST-SIGNATURE")
                assert not f.offers and not f.sources()[0]["fetched"]
                s.paths["/list"] = web.answer(200, b"good list")
                net.wait_for("the good one", lambda: f.offers)
                assert f.sources()[0]["failures"] == 0

    def backs_off():
        """the wait doubles with each failure"""
        with server() as s:
            s.paths["/list"] = web.answer(500)
            with Fetcher(folder, [s.base + "/list"], ca, 1) as f:
                net.wait_for("a wait of four times the first", lambda: f.sources()[0]["failures"] >= 3 and f.sources()[0]["wait"] > 2)

    def hangs():
        """a server that hangs neither holds up the questions of people nor the end"""
        with server() as s:
            s.paths["accept"] = "hang"
            with Fetcher(folder, [s.base + "/list"], ca, 1) as f:
                assert s.accepted.acquire(timeout=net.PATIENCE)
                assert f.sources()[0]["tried"] is False
                began = time.monotonic()
            assert time.monotonic() - began < 10  # of the 15 granted for a connection

    def nothing():
        """without addresses there is nothing to do, and it ends too"""
        with Fetcher(folder, [], ca, 1) as f:
            assert f.sources() == []
    net.Tap().run([takes, turns, refused, backs_off, hangs, nothing])


if __name__ == "__main__":
    main()
