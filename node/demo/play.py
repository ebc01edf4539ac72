#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plays a short joint operation on three real nodes, with the reeve command line as an officer would use it.

KE and FR are administrations without a link between them; RILO is the relay that both dial. Everything is in
one folder under the build tree. Only Python's standard library is used.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
OPERATION = "CRANE-26"
PATIENCE = 120
BOLD, DIM, END = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "", "")


class Trouble(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def title(text):
    say(f"\n{BOLD}{text}{END}")


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble("waited in vain for " + what)
        time.sleep(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Demo:
    def __init__(self, build, home):
        self.reeve_path = os.path.join(build, "reeve")
        self.reeved_path = os.path.join(build, "reeved")
        self.home = home
        self.env = {**os.environ, "REEVE_SCHEMAS": os.path.join(TOP, "schemas")}
        self.processes = {}
        self.sent = []      # (node, id, kind)

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def run(self, *args, show=True, ok=True):
        if show:
            shown = " ".join(a if re.fullmatch(r"[\w./:=@+-]+", a) else f"'{a}'" for a in args).replace(self.home + "/", "")
            say(f"{DIM}$ reeve {shown}{END}")
        done = subprocess.run([self.reeve_path, *args], env=self.env, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if ok and done.returncode != 0:
            raise Trouble(f"reeve {' '.join(args)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def at(self, code, *args, show=True, ok=True):
        return self.run("-c", self.path(code, "reeve.conf"), *args, show=show, ok=ok)

    def json_at(self, code, *args):
        return json.loads(self.at(code, *args, "--json", show=False))

    # ---- setting up ----
    def set_up(self):
        title("1. Three nodes and an authority")
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        self.run("init", "RILO", "--code", "RILO", "--name", "Regional Intelligence Liaison Office", "--role", "relay",
                 "--listen", endpoint, "--endpoint", endpoint)
        self.run("init", "KE", "--code", "KE", "--name", "Kenya Revenue Authority", "--role", "administration", "--via", "RILO",
                 "--dial", "RILO")
        self.run("init", "FR", "--code", "FR", "--name", "Douanes et droits indirects", "--role", "administration", "--via", "RILO",
                 "--dial", "RILO")
        self.run("authority", "new", "authority", "--name", "Operations Coordination Unit", "--days", "365")
        for code in ("RILO", "KE", "FR"):
            self.run("authority", "admit", "authority", f"{code}/join.xml")
        self.run("authority", "operation", "authority", OPERATION, "--name", "Operation Crane", "--lead", "KE", "--from", "2020-01-01",
                 "--to", "2099-12-31", "--risk", "revenue", "--risk", "drugs", "--risk", "health-safety-ipr", "--risk", "security",
                 "--risk", "environment", "--participant", "KE:participant", "--participant", "FR:participant", "--participant",
                 "RILO:relay", "--nominal", "yes")
        self.run("authority", "publish", "authority", "--out", "list.xml", "--days", "30")
        for code in ("RILO", "KE", "FR"):
            self.run("trust", "install", "-c", f"{code}/reeve.conf", "list.xml", "--authority", "authority/authority.pem")

    def start(self):
        title("2. The nodes start: KE and FR each dial RILO; there is no link between them")
        for code in ("RILO", "KE", "FR"):
            log = open(self.path(code + ".log"), "ab")
            say(f"{DIM}$ reeved -c {code}/reeve.conf{END}")
            self.processes[code] = subprocess.Popen([self.reeved_path, "-c", self.path(code, "reeve.conf")], env=self.env,
                                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            log.close()
        with open(self.path("pids"), "w") as f:
            f.write("\n".join(str(p.pid) for p in self.processes.values()) + "\n")
        for code, process in self.processes.items():
            def up(code=code, process=process):
                if process.poll() is not None:
                    with open(self.path(code + ".log"), errors="replace") as f:
                        raise Trouble(f"reeved of {code} ended:\n{f.read()[-2000:]}")
                return subprocess.run([self.reeve_path, "-c", self.path(code, "reeve.conf"), "status"], env=self.env,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
            wait_for(f"{code} to be ready", up)
        for code in ("KE", "FR"):
            wait_for(f"the link {code} - RILO", lambda code=code: any(
                row["peer"] == "RILO" and row["state"] == "up" for row in self.json_at(code, "links")["links"]))
        say(self.at("RILO", "links"))

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if os.path.exists(self.path("pids")):
            os.unlink(self.path("pids"))

    # ---- the play ----
    def draft(self, code, template, edits):
        text = self.at(code, "new", template, show=False)
        for old, new in edits:
            text, n = re.subn(old, new, text)
            if n == 0:
                raise Trouble(f"the template {template} has no {old}")
        name = f"{len(self.sent) + 1:02d}-{template}.xml"
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return name

    def send(self, code, template, words, edits=(), attach=()):
        name = self.draft(code, template, edits)
        args = ["send", name, "--operation", OPERATION]
        for path in attach:
            args += ["--attach", path]
        say(f"\n{BOLD}{code}{END} {words}")
        shown = " ".join(["-c", f"{code}/reeve.conf", *args])
        say(f"{DIM}$ reeve {shown}{END}")
        answer = self.json_at(code, *args)
        reader = "FR" if code == "KE" else "KE"
        self.sent.append((code, answer["id"], template))
        wait_for(f"{answer['id']} in the inbox of {reader}", lambda: any(
            row["id"] == answer["id"] for row in self.json_at(reader, "inbox", "--unread")))
        say(f"  {answer['id']}  durable at {code}, relayed by RILO, in the inbox of {reader}")
        return answer["id"]

    def read(self, code, message):
        say(f"{DIM}$ reeve -c {code}/reeve.conf show {message}{END}")
        page = self.at(code, "show", message, show=False)
        say("\n".join("  | " + line for line in page.splitlines()[:14]))

    @staticmethod
    def answers(message):
        return (r"<MessageID>[^<]*</MessageID>", f"<MessageID>{message}</MessageID>")

    def play(self):
        title("3. A short joint operation")
        photo, manifest = self.path("photo.bin"), self.path("manifest.pdf")
        with open(photo, "wb") as f:
            f.write(os.urandom(3 << 20))
        with open(manifest, "wb") as f:
            f.write(b"%PDF-1.4\n" + os.urandom(200000))
        opened = self.send("KE", "operation", "opens the operation")
        self.read("FR", opened)
        warning = self.send("KE", "warning", "warns of a container")
        self.read("FR", warning)
        self.send("FR", "feedback", "answers the warning", [self.answers(warning)])
        seizure = self.send("KE", "seizure-short", "reports a seizure in the short form, with a photograph", attach=["photo.bin"])
        self.read("FR", seizure)
        long = self.send("FR", "seizure-long", "reports one in the long form, with the manifest", attach=["manifest.pdf"])
        self.read("KE", long)
        alert = self.send("FR", "alert", "alerts to a way of concealment")
        self.send("KE", "feedback", "answers the alert", [self.answers(alert)])
        request = self.send("FR", "request", "asks for information")
        self.send("KE", "reply", "replies", [self.answers(request)])
        self.send("KE", "update", "corrects its seizure", [self.answers(seizure)])
        second = self.send("FR", "warning", "warns of a courier")
        self.send("FR", "cancel", "takes the warning back", [self.answers(second)])
        for day in range(1, 5):
            reference = (r"<FunctionalReferenceID>[^<]*<", f"<FunctionalReferenceID>KE/MBA/2026/00{400 + day}<")
            self.send("KE", "seizure-short", f"reports seizure {day} of the day", [reference])
            reference = (r"<FunctionalReferenceID>[^<]*<", f"<FunctionalReferenceID>FR/LEH/2026/00{500 + day}<")
            self.send("FR", "seizure-short", f"reports seizure {day} of the day", [reference])
        self.send("KE", "situation-report", "sends the situation report of the day")
        self.send("FR", "situation-report", "sends its own")

    def faults(self):
        title("4. What is wrong says so")
        name = self.draft("KE", "seizure-short", [(r"<TLPCode>[^<]*<", "<TLPCode>PURPLE<"), (r"<ID>240220<", "<ID>999999<")])
        say(f"{DIM}$ reeve check {name}{END}")
        done = subprocess.run([self.reeve_path, "check", name], env=self.env, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        say(done.stdout.decode(errors="replace").rstrip())

    def table(self):
        title("5. Deliveries and receipts")
        rows = []
        def settled():
            rows.clear()
            for code, message, template in self.sent:
                page = self.json_at(code, "show", message)
                for d in page["deliveries"]:
                    signers = ", ".join(f"{r['signer']} {r['stage']}" for r in page["receipts"])
                    rows.append((code, template, message, d["recipient"], d["state"], signers))
            return all(row[4] in ("stored", "read") for row in rows)
        wait_for("all receipts", settled)
        say(f"{'from':5} {'kind':17} {'message':37} {'to':5} {'state':7} receipts")
        for row in rows:
            say(f"{row[0]:5} {row[1]:17} {row[2]:37} {row[3]:5} {row[4]:7} {row[5]}")
        say(f"\n{len(self.sent)} messages, {len(rows)} deliveries, each with its receipts at the originator.")

    def next_steps(self):
        title("The nodes go on. Try:")
        prefix = f"REEVE_SCHEMAS={self.env['REEVE_SCHEMAS']} {os.path.relpath(self.reeve_path)}"
        conf = lambda code: os.path.relpath(self.path(code, "reeve.conf"))
        message = self.sent[-1][1]
        for line in (f"{prefix} -c {conf('KE')} inbox", f"{prefix} -c {conf('FR')} inbox --follow", f"{prefix} -c {conf('KE')} show {message}",
                     f"{prefix} -c {conf('RILO')} links", f"{prefix} -c {conf('KE')} new seizure > my.xml",
                     f"{prefix} -c {conf('KE')} send my.xml --operation {OPERATION}"):
            say("  " + line)
        say(f"Stop them with:  kill $(cat {os.path.relpath(self.path('pids'))})")


def stop_earlier(home):
    """Nodes that an earlier run left: only processes that run our reeved with a configuration in this folder."""
    try:
        with open(os.path.join(home, "pids")) as f:
            pids = [int(line) for line in f if line.strip()]
    except (OSError, ValueError):
        return
    for pid in pids:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if home.encode() not in f.read():
                    continue
            os.kill(pid, signal.SIGTERM)
        except OSError:
            continue
        wait_for(f"process {pid} to end", lambda pid=pid: not os.path.exists(f"/proc/{pid}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="where reeve and reeved were built")
    parser.add_argument("--once", action="store_true", help="stop the nodes at the end")
    args = parser.parse_args()
    home = os.path.join(os.path.abspath(args.build), "demo")
    stop_earlier(home)
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home, mode=0o700)
    demo = Demo(os.path.abspath(args.build), home)
    keep = False
    try:
        demo.set_up()
        demo.start()
        demo.play()
        demo.faults()
        demo.table()
        if not args.once:
            demo.next_steps()
            keep = True
        return 0
    except (Trouble, KeyboardInterrupt) as trouble:
        say(f"\nThe demo stopped: {trouble}\nThe logs are in {home}.")
        return 1
    finally:
        if not keep:
            demo.stop()


if __name__ == "__main__":
    sys.exit(main())
