# SPDX-License-Identifier: Apache-2.0
"""The fake node (fake_node.c) as a context manager, for tests of the API and of the command line."""
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

TOP = os.environ.get("top_srcdir", os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..")))
BUILD = os.environ.get("top_builddir", os.path.join(TOP, "build"))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True
import net  # noqa: E402  (Tap, wait_for, uuid7)

PROGRAM = os.path.join(BUILD, "tests", "unit", "api", "fake_node")
SAMPLES = os.path.join(TOP, "schemas", "samples", "valid")
SCHEMAS = os.path.join(TOP, "schemas")


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as f:
        return f.read()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Fake:
    def __init__(self, directory=None, **limits):
        self.own = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="reeve-fake.")
        self.socket = os.path.join(self.dir, "run", "api.sock")
        self.env = {**os.environ, "REEVE_SCHEMAS": SCHEMAS, **{k.upper(): str(v) for k, v in limits.items()}}
        self.process = None
        self.connection = None

    def __enter__(self):
        # The program itself, not libtool's script around it, where there is one.
        self.process = subprocess.Popen([PROGRAM, self.dir], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        line = self.process.stdout.readline()
        if line != "ok\n":
            raise AssertionError(f"the fake node did not start: {line!r}, exit {self.process.wait()}")
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)
        return False

    def stop(self):
        """Ends it as a person would; it must end well."""
        if self.process is None:
            return
        self.drop()
        self.process.stdin.close()
        status = self.process.wait(net.PATIENCE)
        self.process.stdout.close()
        self.process = None
        if status:
            raise AssertionError(f"the fake node ended with {status}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise AssertionError(f"the fake node did not answer '{line}'")
        return answer

    def arrive(self, count=1, name="seizure-long-cash.xml"):
        return self.say(f"arrive {count} {os.path.join(SAMPLES, name)}")

    def memory_kib(self, field):
        with open(f"/proc/{self.process.pid}/status") as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1])

    # ---- HTTP ----
    def drop(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def dial(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(net.PATIENCE)
        s.connect(self.socket)
        return s

    def ask(self, method, path, body=None, headers=None, **more):
        if self.connection is None:
            self.connection = net.UnixConnection(self.socket)
        try:
            self.connection.request(method, path, body=body, headers=headers or {}, **more)
            answer = Answer(self.connection.getresponse())
        except BaseException:
            self.drop()
            raise
        if answer.headers.get("Connection", "").lower() == "close":
            self.drop()
        return answer

    def get(self, path, status=200, **headers):
        answer = self.ask("GET", path, headers=headers)
        assert answer.status == status, (path, answer.status, answer.body[:500])
        return answer.json if answer.headers["Content-Type"].endswith("json") else answer.body

    def post(self, path, body=b"", status=201, headers=None, **more):
        answer = self.ask("POST", path, body, headers or {}, **more)
        assert answer.status == status, (path, answer.status, answer.body[:500])
        return answer


class Events:
    """A follower of /v1/events."""

    def __init__(self, fake, path="/v1/events", **headers):
        self.connection = net.UnixConnection(fake.socket)
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()

    def close(self):
        self.connection.close()

    def next(self):
        """The fields of the next event, or its comment; None at the end."""
        fields = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            if line == "\n":
                return fields
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value

    def entry(self):
        """The next event that is an entry."""
        while True:
            fields = self.next()
            if fields is None:
                return None
            if fields.get("event") == "inbox":
                entry = json.loads(fields["data"])
                assert str(entry["cursor"]) == fields["id"]
                return entry


__all__ = ["Fake", "Events", "sample", "net", "http", "json", "os", "socket", "TOP", "BUILD", "SAMPLES", "SCHEMAS"]
