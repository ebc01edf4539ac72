# SPDX-License-Identifier: Apache-2.0
"""Runs the command line for the tests here."""
import os
import pty
import select
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from fake import BUILD, SAMPLES, SCHEMAS, TOP, Events, Fake, json, net, sample  # noqa: E402,F401

REEVE = os.path.join(BUILD, "reeve")
INVALID = os.path.join(TOP, "schemas", "samples", "invalid")


class Done:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out.decode("utf-8")
        self.err = err.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("REEVE_CONF", "NO_COLOR", "COLUMNS")}
    env.update({"REEVE_SCHEMAS": SCHEMAS, "TERM": "xterm", **more})
    return env


def reeve(*args, status=0, stdin=b"", env=None, binary=False):
    done = subprocess.run([REEVE, *map(str, args)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=env or environment(), timeout=net.PATIENCE)
    assert done.returncode == status, (args, done.returncode, done.stdout[-1500:], done.stderr[-1500:])
    return done if binary else Done(done.returncode, done.stdout, done.stderr)


def on_terminal(*args, columns=80, env=None):
    """What the command writes on a terminal of that width."""
    parent, child = pty.openpty()
    process = subprocess.Popen([REEVE, *map(str, args)], stdin=child, stdout=child, stderr=child, close_fds=True,
                               env={**(env or environment()), "COLUMNS": str(columns)})
    os.close(child)
    out = b""
    while True:
        select.select([parent], [], [], net.PATIENCE)
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    process.wait()
    os.close(parent)
    return out.decode("utf-8").replace("\r\n", "\n")
