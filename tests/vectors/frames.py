#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the vectors of frames and receipts as SPEC.md, sections 5 and 6, describe them, without libreeve. Signatures are
checked by the openssl command. TAP."""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

LAST_TIME = 253402300799999999
HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2


class Broken(Exception):
    """The rule that is broken."""


class Reader:
    def __init__(self, data, area):
        self.data, self.at, self.area = data, 0, area

    def take(self, n):
        if len(self.data) - self.at < n:
            raise Broken(self.area + "-SHORT")
        self.at += n
        return self.data[self.at - n:self.at]

    def u(self, bits):
        return int.from_bytes(self.take(bits // 8), "big")

    def str(self, most=255):
        s = self.take(self.u(8))
        if len(s) > most or b"\0" in s:
            raise Broken(self.area + "-SHORT")
        return s

    def rest(self):
        return self.take(len(self.data) - self.at)

    def end(self):
        if self.at != len(self.data):
            raise Broken(self.area + "-TRAILING")

    def field(self, good):
        if not good:
            raise Broken(self.area + "-FIELD")


def is_code(s):
    return re.fullmatch(rb"[A-Z][A-Z0-9-]{1,15}", s) is not None


def is_stable(s):
    return re.fullmatch(rb"[A-Za-z][A-Za-z0-9._-]{0,30}", s) is not None


def is_uuid(b):
    return b[6] >> 4 == 7 and b[8] >> 6 == 2


def is_text(s):
    try:
        return not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in s.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def codes(r, rule):
    try:
        n = r.u(16)
        if not 1 <= n <= 256:
            raise Broken(rule)
        list_ = [r.str(16) for _ in range(n)]
    except Broken:
        raise Broken(rule) from None
    if not all(is_code(c) for c in list_) or any(a >= b for a, b in zip(list_, list_[1:])):
        raise Broken(rule)
    return [c.decode() for c in list_]


# ---- bodies ----

def hello(r):
    code, lo, hi = r.str(16), r.u(8), r.u(8)
    trust, time, boot, cm, cb, am, sw = r.u(64), r.u(64), r.u(64), r.u(64), r.u(64), r.u(64), r.str(63)
    r.end()
    r.field(is_code(code) and 1 <= lo <= hi and time <= LAST_TIME and all(0x20 <= c <= 0x7E for c in sw))
    return dict(code=code.decode(), version_min=lo, version_max=hi, trust_number=str(trust), time=str(time), boot=str(boot),
                credit_messages=str(cm), credit_bytes=str(cb), attachment_max=str(am), software=sw.decode())


def message(r):
    mid, priority, hops, trail = r.take(16), r.u(8), r.u(8), r.str()
    to, wire = codes(r, "FRAME-RECIPIENTS"), r.rest()
    r.field(is_uuid(mid) and priority <= 2 and hops >= 1 and (trail == b"" or all(is_code(c) for c in trail.split(b" "))) and wire)
    if len(wire) > 1048576:
        raise Broken("FRAME-WIRE")
    return dict(message=mid.hex(), priority=priority, hops=hops, trail=trail.decode(), recipients=to, wire=wire.hex())


def batch(r):
    n = r.u(64)
    r.end()
    r.field(n >= 1)
    return dict(batch=str(n))


def ack(r):
    n, status = r.u(64), r.u(8)
    r.end()
    r.field(n >= 1 and status <= 1)
    return dict(batch=str(n), status=status)


def defer(r):
    mid, wait, code, text = r.take(16), r.u(32), r.str(31), r.str()
    r.end()
    r.field(is_uuid(mid) and 1 <= wait <= 86400 and is_stable(code) and is_text(text))
    return dict(message=mid.hex(), wait=wait, code=code.decode(), text=text.decode())


def request(r):
    digest, offset, length = r.take(32), r.u(64), r.u(32)
    r.end()
    r.field(1 <= length <= 262144 and offset + length < 2**63)
    return dict(digest=digest.hex(), offset=str(offset), length=length)


def chunk(r):
    digest, offset, status = r.take(32), r.u(64), r.u(8)
    r.end()
    r.field(status <= 3 and offset < 2**63)
    return dict(digest=digest.hex(), offset=str(offset), status=status)


def ping(r):
    serial, time, trust = r.u(64), r.u(64), r.u(64)
    r.end()
    r.field(time <= LAST_TIME)
    return dict(serial=str(serial), time=str(time), trust_number=str(trust))


def pong(r):
    serial, t1, t2, t3 = r.u(64), r.u(64), r.u(64), r.u(64)
    r.end()
    r.field(max(t1, t2, t3) <= LAST_TIME)
    return dict(serial=str(serial), t1=str(t1), t2=str(t2), t3=str(t3))


def credit(r):
    messages, bytes_ = r.u(64), r.u(64)
    r.end()
    return dict(messages=str(messages), bytes=str(bytes_))


def bye(r):
    code, text = r.u(16), r.str()
    r.end()
    r.field(code >= 1 and is_text(text))
    return dict(code=code, text=text.decode())


def raw(r):
    return dict(data=r.rest().hex())


def trust_request(r):
    number, offset = r.u(64), r.u(32)
    r.end()
    r.field(number >= 1 and offset < 64 << 20)
    return dict(number=str(number), offset=offset)


def trust(r):
    number, total, offset = r.u(64), r.u(32), r.u(32)
    r.end()
    r.field(number >= 1 and total <= 64 << 20 and (offset < total or total == offset == 0))
    return dict(number=str(number), total=total, offset=offset)


def vouch(r):
    code, cert, alg, sig = r.str(16), r.take(32), r.u(8), r.rest()
    r.field(is_code(code) and 1 <= alg <= 3 and 1 <= len(sig) <= 1024)
    return dict(code=code.decode(), certificate=cert.hex(), algorithm=alg, signature=sig.hex())


def status(r):
    kind, key = r.u(8), r.take(32)
    r.end()
    r.field(kind in (1, 2))
    return dict(kind=kind, key=key.hex())


def join_state(r):
    digest, status, number, rule, text, mend = r.take(32), r.u(8), r.u(64), r.str(31), r.str(), r.str()
    r.end()
    r.field(1 <= status <= 3 and (status == 2) == (number != 0) and is_text(text) and is_text(mend))
    r.field(is_stable(rule) if status == 3 else rule == b"")
    return dict(request=digest.hex(), status=status, trust_number=str(number), rule=rule.decode(), text=text.decode(),
                mend=mend.decode())


# command: name, fewest and most bodies, the first body, the others
COMMANDS = {1: ("HELLO", 1, 1, hello, None), 2: ("MESSAGES", 1, 64, message, message), 3: ("RECEIPTS", 2, 257, batch, raw),
            4: ("RECEIPTS_ACK", 1, 1, ack, None), 5: ("DEFER", 1, 64, defer, defer), 6: ("CHUNK_REQUEST", 1, 1, request, None),
            7: ("CHUNK", 1, 2, chunk, raw), 8: ("PING", 1, 1, ping, None), 9: ("PONG", 1, 1, pong, None),
            10: ("CREDIT", 1, 1, credit, None), 12: ("BYE", 1, 1, bye, None),
            13: ("TRUST_REQUEST", 1, 1, trust_request, None), 14: ("TRUST", 1, 2, trust, raw), 15: ("JOIN", 1, 2, raw, vouch),
            16: ("JOIN_STATE", 1, 2, join_state, raw), 17: ("STATUS", 2, 2, status, raw)}


def frame(parts):
    if not parts or len(parts[0]) != 8:
        raise Broken("FRAME-HEADER")
    h = parts[0]
    if h[:2] != b"RV":
        raise Broken("FRAME-MAGIC")
    if h[2] != 1:
        raise Broken("FRAME-VERSION")
    if h[3] not in COMMANDS:
        raise Broken("FRAME-COMMAND")
    if h[4:6] != b"\0\0":
        raise Broken("FRAME-FLAGS")
    name, least, most, first, others = COMMANDS[h[3]]
    count = int.from_bytes(h[6:], "big")
    if not least <= count <= most:
        raise Broken("FRAME-COUNT")
    if count != len(parts) - 1:
        raise Broken("FRAME-PARTS")
    return name, [(first if i == 0 else others)(Reader(p, "FRAME")) for i, p in enumerate(parts[1:])]


# ---- receipts ----

def leaf_fields(data):
    r = Reader(data, "RCPT")
    stage, mid, seal, signer, cert, time = r.u(8), r.take(16), r.take(32), r.str(16), r.take(32), r.u(64)
    to = codes(r, "RCPT-FIELD")
    rule, line, text = r.str(31), r.u(32), r.str()
    r.end()
    r.field(1 <= stage <= 4 and is_uuid(mid) and is_code(signer) and time <= LAST_TIME)
    if stage in (2, 3):
        r.field(to == [signer.decode()])
    if stage == 4:
        r.field(is_stable(rule) and is_text(text))
    else:
        r.field(rule == b"" and line == 0 and text == b"")
    return dict(stage=("", "relayed", "stored", "read", "rejected")[stage], message=mid.hex(), seal_digest=seal.hex(),
                signer=signer.decode(), signer_cert=cert.hex(), time=str(time), recipients=to, rule=rule.decode(), line=line,
                text=text.decode())


def siblings(index, size):
    """On which side the hashes of the audit path stand, from the leaf up."""
    if size == 1:
        return []
    k = 1
    while 2 * k < size:
        k *= 2
    return siblings(index, k) + ["right"] if index < k else siblings(index - k, size - k) + ["left"]


def receipt(data, cert):
    if len(data) > 16384:
        raise Broken("RCPT-SIZE")
    if data[:16] != b"REEVE-RECEIPT-1\0":
        raise Broken("RCPT-LABEL")
    r = Reader(data, "RCPT")
    r.take(16)
    n = r.u(32)
    if n > 8192:
        raise Broken("RCPT-SHORT")
    leaf, index, size = r.take(n), r.u(32), r.u(32)
    path = [r.take(32) for _ in range(r.u(8))]
    alg = r.u(8)
    n = r.u(32)
    if n > 1024:
        raise Broken("RCPT-SHORT")
    sig = r.take(n)
    r.end()
    if not 1 <= size <= 256 or index >= size:
        raise Broken("RCPT-TREE")
    sides = siblings(index, size)
    if len(path) != len(sides):
        raise Broken("RCPT-PATH")
    if alg not in (1, 2, 3):
        raise Broken("RCPT-ALGORITHM")
    if len(sig) != 64 if alg == 1 else not 256 <= len(sig) <= 1024:
        raise Broken("RCPT-SIGNATURE")
    fields = leaf_fields(leaf)
    if fields["signer_cert"] != hashlib.sha256(cert).hexdigest():
        raise Broken("RCPT-CERT")
    root = hashlib.sha256(b"\0" + leaf).digest()
    for side, h in zip(sides, path):
        root = hashlib.sha256(b"\1" + (h + root if side == "left" else root + h)).digest()
    if not verify(cert, alg, b"REEVE-RECEIPT-1\0" + size.to_bytes(4, "big") + root, sig):
        raise Broken("RCPT-VALUE")
    return dict(fields, index=index, size=size, algorithm=alg)


def der_integer(b):
    b = b.lstrip(b"\0") or b"\0"
    b = b"\0" + b if b[0] & 0x80 else b
    return b"\x02" + bytes([len(b)]) + b


def verify(cert, alg, data, sig):
    with tempfile.TemporaryDirectory() as tmp:
        file = {n: os.path.join(tmp, n) for n in ("cert", "key", "sig")}
        with open(file["cert"], "wb") as f:
            f.write(cert)
        key = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", file["cert"], "-noout", "-pubkey"], check=True,
                             stdout=subprocess.PIPE).stdout
        kind = subprocess.run(["openssl", "pkey", "-pubin", "-noout", "-text"], input=key, check=True, stdout=subprocess.PIPE).stdout
        if (alg == 1) != (b"P-256" in kind):
            return False
        if alg == 1:
            if int.from_bytes(sig[32:], "big") > HALF_ORDER:
                return False
            pair = der_integer(sig[:32]) + der_integer(sig[32:])
            sig = b"\x30" + bytes([len(pair)]) + pair
        for name, content in (("key", key), ("sig", sig)):
            with open(file[name], "wb") as f:
                f.write(content)
        extra = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if alg == 3 else []
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", file["key"], "-signature", file["sig"]] + extra, input=data,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


# ---- the run ----

def main():
    vectors = os.path.join(os.environ.get("top_srcdir", "."), "protocol", "vectors")
    results = []

    def parts(area, name):
        with open(os.path.join(vectors, area, name)) as f:
            return [bytes.fromhex(line) for line in f.read().splitlines()]

    def check(area, v, read, want):
        try:
            got = read()
        except Broken as e:
            got = str(e)
        results.append(got == want)
        print(f"{'ok' if got == want else 'not ok'} {len(results)} - {area}/{v['file']}" + ("" if got == want else f": {got}"))

    def manifest(area):
        with open(os.path.join(vectors, area, "manifest.json"), encoding="utf-8") as f:
            return json.load(f)

    m = manifest("frames")
    for v in m["valid"]:
        check("frames", v, lambda: frame(parts("frames", v["file"])), (v["command"], v["bodies"]))
    for v in m["invalid"]:
        check("frames", v, lambda: frame(parts("frames", v["file"])), v["rule"])
    m = manifest("receipts")
    certs = {kind: parts("receipts", name)[0] for kind, name in m["certificates"].items()}
    for v in m["valid"] + m["invalid"]:
        check("receipts", v, lambda: receipt(parts("receipts", v["file"])[0], certs[v["certificate"]]), v.get("fields", v.get("rule")))
    print(f"1..{len(results)}")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
