#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of any node at any moment of a long run loses nothing and duplicates nothing.

At least REEVE_CRASH_MESSAGES (default 2000) messages are sent, and more until REEVE_CRASH_KILLS (default 15) kills were made;
REEVE_CRASH_SEED repeats the order of the kills.
"""
import os
import random
import threading
import time

import net as n

COUNT = int(os.environ.get("REEVE_CRASH_MESSAGES", "2000"))
KILLS = int(os.environ.get("REEVE_CRASH_KILLS", "15"))
SEED = int(os.environ.get("REEVE_CRASH_SEED", str(int(time.time()))))
SENDERS = 4


def main():
    print(f"# seed {SEED}, {COUNT} messages")
    with n.Net() as net:
        ke, relay, fr = n.three(net)
        net.start()
        draft = n.sample("seizure-short-drugs.xml")
        sent, lock, done = [], threading.Lock(), threading.Event()
        kills = {"KE": 0, "RILO": 0, "FR": 0}
        broken = []

        def sender(number):
            # each sender has a connection of its own; ids are the client's, so that a retry after a kill is known again
            mine = n.Node(net, "KE")
            mine.process = ke.process
            try:
                mine_sent = 0
                while mine_sent < COUNT // SENDERS or sum(kills.values()) < KILLS:
                    answer = mine.submit(draft, net.operation)
                    mine_sent += 1
                    with lock:
                        sent.append(answer["id"])
            except Exception as error:
                broken.append(error)
            finally:
                mine.drop_connection()

        def killer():
            rng = random.Random(SEED)
            while not done.is_set():
                time.sleep(rng.uniform(0.05, 0.8))
                node = rng.choice([ke, relay, fr])
                if done.is_set():
                    return
                node.kill()
                kills[node.code] += 1
                time.sleep(rng.uniform(0, 0.3))
                node.start()

        def run():
            """every message that was acknowledged is in C's inbox exactly once, after kills at random moments"""
            threads = [threading.Thread(target=sender, args=(k,)) for k in range(SENDERS)]
            reaper = threading.Thread(target=killer)
            for t in threads:
                t.start()
            reaper.start()
            for t in threads:
                t.join()
            done.set()
            reaper.join()
            for node in (ke, relay, fr):
                node.wait_ready()
            assert not broken, broken
            print(f"# killed KE {kills['KE']} times, RILO {kills['RILO']}, FR {kills['FR']}")
            want = set(sent)
            assert len(want) == len(sent) >= COUNT // SENDERS * SENDERS
            print(f"# {len(sent)} messages")
            n.wait_for("all messages at FR", lambda: len(fr.all_ids()) >= len(want), n.PATIENCE * 5)
            got = fr.all_ids()
            assert len(got) == len(set(got)), "a message is twice in the inbox"
            assert set(got) == want, f"{len(want - set(got))} lost, {len(set(got) - want)} too many"

        def outbox():
            """A's outbox is what A was told, in an unbroken chain"""
            rows = []
            after = 0
            while True:
                page = ke.get(f"/v1/outbox?after={after}&limit=500")["items"]
                if not page:
                    break
                rows += page
                after = page[-1]["cursor"]
            assert {r["id"] for r in rows} == set(sent)
            assert sorted(r["sequence"] for r in rows) == list(range(1, len(rows) + 1))

        def receipts():
            """every receipt came back: no delivery stays open"""
            n.wait_for("no pending delivery at KE", lambda: ke.get("/v1/status")["store"]["pendingDeliveries"] == 0)
            n.wait_for("no receipt waiting at FR", lambda: fr.get("/v1/status")["store"]["receiptsWaiting"] == 0)
            n.wait_for("no receipt waiting at RILO", lambda: relay.get("/v1/status")["store"]["receiptsWaiting"] == 0)

        def stored():
            states = set()
            for message in random.Random(SEED).sample(sent, 50):
                for d in ke.get("/v1/messages/" + message)["deliveries"]:
                    states.add(d["state"])
            return states == {"stored"}

        def all_stored():
            """A sees each delivery stored at C"""
            n.wait_for("stored receipts at KE", stored)

        n.Tap().run([run, outbox, receipts, all_stored])


main()
