#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the corpora frame, receipt (of the vectors) and session (of a few plays). usage: make_link_corpus.py TOP"""
import os
import struct
import sys

top = sys.argv[1]


def write(area, name, data):
    folder = os.path.join(top, "tests", "fuzz", "corpus", area)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def vectors(area):
    folder = os.path.join(top, "protocol", "vectors", area)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".hex") and ".crt" not in name:
            with open(os.path.join(folder, name)) as f:
                yield name[:-4], [bytes.fromhex(line) for line in f.read().splitlines()]


def u16(v): return struct.pack(">H", v)


for name, parts in vectors("frames"):
    if len(parts) <= 4 and not name.startswith("bad-") or name in ("bad-flags", "bad-item-recipients-order", "bad-defer-text-overlong"):
        write("frame", name, b"".join(u16(len(p)) + p for p in parts))
for name, parts in vectors("receipts"):
    if name in ("stored-alone", "of-three-1", "of-255-127", "rsa", "bad-leaf-recipients-order", "bad-path-long", "of-three-2"):
        write("receipt", name, parts[0])

# Steps of fuzz_session.c.
def frame(cmd, *bodies): return bytes([0, cmd, len(bodies)]) + b"".join(u16(len(b)) + b for b in bodies)
def hello(messages=100, kib=4000): return b"\2" + u16(messages) + u16(kib)
def item(n, size=1): return bytes([3, size, n])
def receipt(n, batch): return bytes([5, n, batch - 1])
def chunk(kib, quarter, blob): return b"\6" + u16(kib) + u16(quarter) + bytes([blob])
def fate(which, i, f, wait=30): return bytes([7 + which, wait, i, f])
def fate_at(i, f, offset): return bytes([10, 30, i, f]) + struct.pack(">Q", offset)
def tick(ms): return b"\x13" + u16(ms)
WAKE, WAKE_ALL, WAKE_REST, FULL, FREE = b"\x0b", b"\x0c", b"\x0d", bytes([0x80 + 6]), b"\x0e"
assert (0x80 + 6) % 20 == 14 and 0x13 == 19
def ping(serial, trust=1): return frame(8, struct.pack(">QQQ", serial, 5, trust))
def pong(serial): return frame(9, struct.pack(">QQQQ", serial, 5, 6, 7))
def credit(m, b): return frame(10, struct.pack(">QQ", m, b))
def ack(batch, status=0): return frame(4, struct.pack(">QB", batch, status))
def request(blob, offset, length): return frame(6, bytes([blob]) + bytes(31) + struct.pack(">QI", offset, length))
def absent(blob, offset, status): return frame(7, bytes([blob]) + bytes(31) + struct.pack(">QB", offset, status))
def bye(code, text): return frame(12, u16(code) + bytes([len(text)]) + text)


plays = {
    "greeting": hello() + tick(5000) + ping(1) + pong(1) + tick(5000) + bye(1, b"done"),
    "arrivals": hello() + item(1) + item(2, 100) + item(3) + item(4) + fate(0, 0, 0) + fate(0, 1, 3) + tick(300) + item(5),
    "too-many": hello() + b"".join(item(n) for n in range(5)),
    "too-large": hello() + b"".join(item(n, 255) for n in range(4)),
    "offers": hello(30, 2000) + WAKE + receipt(1, 1) + fate(1, 0, 0) + credit(60, 4000000) + receipt(2, 2) + fate(1, 1, 3) + tick(60000),
    "no-credit": hello(1, 1) + WAKE_ALL + tick(1000) + credit(2, 2000) + credit(3, 3000000),
    "deferred": hello() + WAKE + frame(5, bytes(6) + b"\x70\0\x80" + bytes(6) + b"\3" + struct.pack(">I", 1) + b"\4BUSY\0") + tick(2000),
    "receipts": hello() + ack(1) + ack(2, 1) + tick(6000) + ack(3) + WAKE_REST + tick(600),
    "fetch": hello() + fate_at(0, 0, 0) + fate_at(1, 3, 200000) + fate_at(2, 0, 0) + tick(200) + chunk(0, 1, 1) + tick(200),
    "fetch-absent": hello() + fate_at(1, 0, 0) + tick(200) + absent(1, 0, 1) + absent(1, 65536, 2) + tick(1000),
    "served": hello() + request(0, 0, 262144) + request(1, 0, 5) + request(2, 2000000, 1),
    "full": hello() + FULL + WAKE + item(1) + ping(1) + FREE + tick(300),
    "busy": hello() + b"\x0f\xff" + item(1) + receipt(1, 1) + tick(300) + b"\x0f\0" + WAKE_ALL + tick(1000),
    "another": b"\0\1\1" + u16(62) + b"\2TZ\1\1" + bytes(57),
    "early": item(1),
    "silent": hello() + tick(16000),
}
for name, data in plays.items():
    write("session", name, data)
