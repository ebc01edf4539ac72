# SPDX-License-Identifier: Apache-2.0
"""A network of real nodes for the end-to-end tests: an authority, members, their processes and their APIs.

Everything lives in one temporary folder, listens on loopback, and ends with the `with` block. Nothing waits for luck:
wait_for polls a condition and says what it waited for when the bound is reached.
"""
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

TOP = os.environ.get("top_srcdir", os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))
BUILD = os.environ.get("top_builddir", os.path.join(TOP, "build"))
REEVE = os.path.join(BUILD, "reeve")
REEVED = os.path.join(BUILD, "reeved")
SAMPLES = os.path.join(TOP, "schemas", "samples", "valid")
# Sanitized builds and loaded machines are slow: bounds are for hangs, not for speed.
PATIENCE = float(os.environ.get("REEVE_TEST_PATIENCE", "120"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, bound=None):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + (bound or PATIENCE)
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for: " + what)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def uuid7():
    ms = int(time.time() * 1000)
    raw = bytearray(ms.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Node:
    def __init__(self, net, code):
        self.net = net
        self.code = code
        self.dir = os.path.join(net.dir, code)
        self.conf = os.path.join(self.dir, "reeve.conf")
        self.log_path = os.path.join(net.dir, code + ".log")
        self.process = None
        self.connection = None

    # ---- process ----
    def start(self, limits=None, env=None):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [REEVED, "-c", self.conf], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=limits, env={**self.net.env, **(env or {})})
        log.close()

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"reeved of {self.code} ended with {self.process.returncode}:\n{self.tail()}")
        try:
            return self.get("/v1/status")
        except (OSError, http.client.HTTPException):
            return None

    def wait_ready(self):
        wait_for(f"{self.code} to answer", self.ready)

    def stop(self):
        if self.process is None:
            return
        self.drop_connection()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.code} did not stop:\n{self.tail()}")
        self.process = None

    def kill(self):
        """kill -9 of every process of the node, at once."""
        self.drop_connection()
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None

    def pids(self):
        """The processes of the node by role name."""
        out = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                if int(fields[2]) != self.process.pid:
                    continue
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    out[int(entry)] = f.read().replace(b"\0", b" ").decode().strip()
            except (OSError, IndexError):
                continue
        return out

    def memory_kib(self, field="VmHWM", role=""):
        """The largest value among the processes of the node, or of one role."""
        most = 0
        for pid, command in self.pids().items():
            if role and f"--role={role}" not in command:
                continue
            try:
                with open(f"/proc/{pid}/status") as f:
                    for line in f:
                        if line.startswith(field + ":"):
                            most = max(most, int(line.split()[1]))
            except OSError:
                continue
        return most

    def tail(self, lines=40):
        try:
            with open(self.log_path, errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except OSError:
            return ""

    # ---- command line ----
    def reeve(self, *args, ok=True, stdin=None):
        return self.net.reeve("-c", self.conf, *args, ok=ok, stdin=stdin)

    # ---- API ----
    def drop_connection(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None):
        """One exchange over a kept connection: (status, bytes). Raises OSError or HTTPException when the node goes away."""
        if self.connection is None:
            self.connection = UnixConnection(os.path.join(self.dir, "run", "api.sock"))
        try:
            self.connection.request(method, path, body=body, headers=headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.drop_connection()
            raise

    def get(self, path):
        try:
            status, body = self.request("GET", path)
        except (OSError, http.client.HTTPException):
            # a kept connection may have been ended for idleness; a node that is gone fails again
            status, body = self.request("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path} at {self.code}: {status} {body[:300]!r}")
        return json.loads(body)

    def submit(self, draft, operation, message_id=None, headers=None):
        """Submits a draft until it is durable, through restarts of the node; returns the answer."""
        message_id = message_id or uuid7()
        all_headers = {"Content-Type": "application/xml", "Idempotency-Key": message_id, **(headers or {})}

        def attempt():
            try:
                status, body = self.request("POST", f"/v1/messages?operation={operation}", draft, all_headers)
            except (OSError, http.client.HTTPException):
                return None
            if status in (200, 201, 202):
                return json.loads(body)
            if status in (429, 503):
                return None
            raise AssertionError(f"submission refused by {self.code}: {status} {body[:2000]!r}")
        return wait_for(f"{self.code} to take {message_id}", attempt)

    def all_ids(self, box="inbox"):
        ids, after = [], 0
        while True:
            page = self.get(f"/v1/{box}?after={after}&limit=500")
            rows = page["items"]
            ids += [row["id"] for row in rows]
            if not rows:
                return ids
            after = rows[-1]["cursor"]


class Net:
    """with Net() as net: net.add(...); net.publish(); net.start()"""

    def __init__(self, operation="CRANE-26"):
        self.operation = operation
        self.nodes = {}
        self.env = {**os.environ, "REEVE_SCHEMAS": os.path.join(TOP, "schemas"), "NO_COLOR": "1"}

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="reeve-e2e.")
        self.authority = os.path.join(self.dir, "authority")
        self.reeve("authority", "new", self.authority, "--name", "Operations Coordination Unit", "--days", "30")
        return self

    def __exit__(self, kind, value, trace):
        if kind is SystemExit and value.code in (0, None):
            kind = None
        for node in self.nodes.values():
            if kind is not None:
                sys.stdout.write(f"# log of {node.code}:\n" + "".join("# " + l for l in node.tail(25).splitlines(True)))
            node.kill() if kind is not None else node.stop()
        if os.environ.get("REEVE_TEST_KEEP") is None:
            shutil.rmtree(self.dir, ignore_errors=True)
        return False

    def reeve(self, *args, ok=True, stdin=None):
        done = subprocess.run([REEVE, *map(str, args)], env=self.env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE * 2)
        if ok and done.returncode != 0:
            raise AssertionError(f"reeve {' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}"
                                 f"{done.stdout.decode(errors='replace')}")
        return done

    def add(self, code, role="administration", listen=False, dial=(), via=(), admit=True, extra=()):
        node = Node(self, code)
        args = ["init", node.dir, "--code", code, "--name", f"Customs of {code}", "--role", role]
        if listen:
            node.endpoint = f"tcp://127.0.0.1:{free_port()}"
            args += ["--listen", node.endpoint, "--endpoint", node.endpoint]
        for relay in via:
            args += ["--via", relay]
        for peer in dial:
            args += ["--dial", peer]
        self.reeve(*args, *extra)
        if admit:
            self.reeve("authority", "admit", self.authority, os.path.join(node.dir, "join.xml"))
        self.nodes[code] = node
        return node

    def operation_is(self, lead, participants, code=None, risks="drugs", extra=()):
        args = ["authority", "operation", self.authority, code or self.operation, "--name", "Operation Crane", "--lead", lead,
                "--from", "2020-01-01", "--to", "2099-12-31"]
        for risk in risks.split():
            args += ["--risk", risk]
        for participant in participants:
            args += ["--participant", participant]
        self.reeve(*args, *extra)

    def publish(self, install=True):
        self.list = os.path.join(self.dir, "list.xml")
        self.reeve("authority", "publish", self.authority, "--out", self.list, "--days", "10")
        if install:
            for node in self.nodes.values():
                self.install(node)

    def install(self, node):
        self.reeve("trust", "install", "-c", node.conf, self.list, "--authority", os.path.join(self.authority, "authority.pem"))

    def start(self, *codes):
        chosen = [self.nodes[c] for c in codes] if codes else list(self.nodes.values())
        for node in chosen:
            node.start()
        for node in chosen:
            node.wait_ready()

    def link_up(self, a, b):
        def up():
            try:
                return any(row["peer"] == b and row["state"] == "up" for row in self.nodes[a].get("/v1/links")["links"])
            except (OSError, http.client.HTTPException):
                return False
        wait_for(f"the link {a} to {b}", up)


def three(net):
    """Two administrations without a link between them, and a relay that both dial."""
    net.add("RILO", role="relay", listen=True)
    net.add("KE", dial=["RILO"], via=["RILO"])
    net.add("FR", dial=["RILO"], via=["RILO"])
    net.operation_is("KE", ["KE:participant", "FR:participant", "RILO:relay"], risks="revenue drugs health-safety-ipr security environment")
    net.publish()
    return net.nodes["KE"], net.nodes["RILO"], net.nodes["FR"]


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as f:
        return f.read()


class Tap:
    """Test Anything Protocol: runs functions, prints a line each, and the plan."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def run(self, tests):
        print(f"1..{len(tests)}", flush=True)
        for test in tests:
            self.count += 1
            words = (test.__doc__ or test.__name__).strip().splitlines()[0]
            try:
                test()
                print(f"ok {self.count} - {words}", flush=True)
            except Exception as error:  # a test that breaks has failed, whatever broke
                self.failed += 1
                for line in f"{type(error).__name__}: {error}".splitlines():
                    print("# " + line)
                if os.environ.get("REEVE_TEST_TRACE"):
                    import traceback
                    traceback.print_exc()
                print(f"not ok {self.count} - {words}", flush=True)
        sys.exit(1 if self.failed else 0)


def limit_data(mib):
    """For Node.start(limits=): no process of the node may have more private data than that."""
    def apply():
        resource.setrlimit(resource.RLIMIT_DATA, (mib << 20, mib << 20))
    return apply
