#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes protocol/vectors/frames and protocol/vectors/receipts anew (with new keys, which are thrown away), following SPEC.md
sections 5 and 6. usage: make_link.py FOLDER"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

ID = bytes.fromhex("0192f0a1b2c37d4e8f00112233445566")
ID2 = bytes.fromhex("0192f0a1b2c47d4e9f00112233445567")
TIME = 1795521600123456
LAST = 253402300799999999
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def u8(v): return struct.pack(">B", v)
def u16(v): return struct.pack(">H", v)
def u32(v): return struct.pack(">I", v)
def u64(v): return struct.pack(">Q", v)


def st(v):
    b = v if isinstance(v, bytes) else v.encode()
    return u8(len(b)) + b


def codes(list_):
    return u16(len(list_)) + b"".join(st(c) for c in list_)


def header(cmd, count, version=1, flags=0, magic=b"RV"):
    return magic + u8(version) + u8(cmd) + u16(flags) + u16(count)


HELLO, MESSAGES, RECEIPTS, ACK, DEFER, REQUEST, CHUNK, PING, PONG, CREDIT, RECONCILE, BYE, TRUST_REQUEST, TRUST, JOIN, JOIN_STATE, STATUS = range(1, 18)
NAMES = dict(zip(range(1, 18), ["HELLO", "MESSAGES", "RECEIPTS", "RECEIPTS_ACK", "DEFER", "CHUNK_REQUEST", "CHUNK", "PING", "PONG",
                                "CREDIT", "", "BYE", "TRUST_REQUEST", "TRUST", "JOIN", "JOIN_STATE", "STATUS"]))


def hello(code="KE", lo=1, hi=1, trust=42, time=TIME, boot=0x0123456789ABCDEF, cm=1024, cb=16777216, am=1 << 30, sw="reeve 0.1.0"):
    return st(code) + u8(lo) + u8(hi) + u64(trust) + u64(time) + u64(boot) + u64(cm) + u64(cb) + u64(am) + st(sw)


def hello_fields(code="KE", lo=1, hi=1, trust=42, time=TIME, boot=0x0123456789ABCDEF, cm=1024, cb=16777216, am=1 << 30, sw="reeve 0.1.0"):
    return dict(code=code, version_min=lo, version_max=hi, trust_number=str(trust), time=str(time), boot=str(boot),
                credit_messages=str(cm), credit_bytes=str(cb), attachment_max=str(am), software=sw)


def item(mid=ID, priority=1, hops=1, trail="", to=("FR", "UG"), wire=b"<Message/>"):
    return mid + u8(priority) + u8(hops) + st(trail) + codes(to) + wire


def item_fields(mid=ID, priority=1, hops=1, trail="", to=("FR", "UG"), wire=b"<Message/>"):
    return dict(message=mid.hex(), priority=priority, hops=hops, trail=trail, recipients=list(to), wire=wire.hex())


def defer(mid=ID, wait=30, code="TRUST-NONE", text="no trust list yet"):
    return mid + u32(wait) + st(code) + st(text)


def defer_fields(mid=ID, wait=30, code="TRUST-NONE", text="no trust list yet"):
    return dict(message=mid.hex(), wait=wait, code=code, text=text)


def request(digest=b"\xab" * 32, offset=0, length=262144):
    return digest + u64(offset) + u32(length)


def chunk(digest=b"\xab" * 32, offset=0, status=0):
    return digest + u64(offset) + u8(status)


def vouch(code="KE", cert=b"\xcd" * 32, alg=1, sig=bytes(range(64))):
    return st(code) + cert + u8(alg) + sig


def state(digest=b"\xef" * 32, status=1, number=0, rule="", text="", mend=""):
    return digest + u8(status) + u64(number) + st(rule) + st(text) + st(mend)


def state_fields(digest=b"\xef" * 32, status=1, number=0, rule="", text="", mend=""):
    return dict(request=digest.hex(), status=status, trust_number=str(number), rule=rule, text=text, mend=mend)


def frames():
    valid, invalid = [], []

    def ok(name, cmd, bodies, fields):
        valid.append((name, [header(cmd, len(bodies))] + bodies, NAMES[cmd], fields))

    def bad(name, parts, rule):
        invalid.append((name, parts, rule))

    def bad_body(name, cmd, body, rule):
        bad(name, [header(cmd, 1), body], rule)

    ok("hello", HELLO, [hello()], [hello_fields()])
    ok("hello-extremes", HELLO, [hello("ABCDEFGHIJ-12345", 1, 255, 0, 0, 2**64 - 1, 0, 0, 0, "")],
       [hello_fields("ABCDEFGHIJ-12345", 1, 255, 0, 0, 2**64 - 1, 0, 0, 0, "")])
    ok("hello-last-moment", HELLO, [hello(time=LAST, sw="~" * 63)], [hello_fields(time=LAST, sw="~" * 63)])
    ok("messages-one", MESSAGES, [item()], [item_fields()])
    ok("messages-two", MESSAGES, [item(priority=0, hops=2, trail="DE RILO-ESA"), item(ID2, 2, 255, "DE", ("A1",), b"\0\xff")],
       [item_fields(priority=0, hops=2, trail="DE RILO-ESA"), item_fields(ID2, 2, 255, "DE", ("A1",), b"\0\xff")])
    ok("receipts-ack-durable", ACK, [u64(1) + u8(0)], [dict(batch="1", status=0)])
    ok("receipts-ack-later", ACK, [u64(2**64 - 1) + u8(1)], [dict(batch=str(2**64 - 1), status=1)])
    ok("defer", DEFER, [defer(), defer(ID2, 86400, "x", "pas encore: été, 東京, 😀")],
       [defer_fields(), defer_fields(ID2, 86400, "x", "pas encore: été, 東京, 😀")])
    ok("chunk-request", REQUEST, [request(offset=262144, length=1)], [dict(digest="ab" * 32, offset="262144", length=1)])
    ok("chunk-request-last", REQUEST, [request(offset=2**63 - 1 - 262144)],
       [dict(digest="ab" * 32, offset=str(2**63 - 1 - 262144), length=262144)])
    ok("chunk-data", CHUNK, [chunk(), b"photo"], [dict(digest="ab" * 32, offset="0", status=0), dict(data=b"photo".hex())])
    ok("chunk-absent", CHUNK, [chunk(offset=2**63 - 1, status=1)], [dict(digest="ab" * 32, offset=str(2**63 - 1), status=1)])
    ok("ping", PING, [u64(1) + u64(TIME) + u64(42)], [dict(serial="1", time="%d" % TIME, trust_number="42")])
    ok("pong", PONG, [u64(1) + u64(TIME) + u64(TIME + 20) + u64(TIME + 25)],
       [dict(serial="1", t1=str(TIME), t2=str(TIME + 20), t3=str(TIME + 25))])
    ok("credit", CREDIT, [u64(2048) + u64(2**64 - 1)], [dict(messages="2048", bytes=str(2**64 - 1))])
    ok("bye", BYE, [u16(1) + st("the node restarts")], [dict(code=1, text="the node restarts")])
    ok("bye-unknown-code", BYE, [u16(65535) + st("")], [dict(code=65535, text="")])

    ok("trust-request", TRUST_REQUEST, [u64(43) + u32(262144)], [dict(number="43", offset=262144)])
    ok("trust", TRUST, [u64(43) + u32(262149) + u32(262144), b"list>"],
       [dict(number="43", total=262149, offset=262144), dict(data=b"list>".hex())])
    ok("trust-absent", TRUST, [u64(2**64 - 1) + u32(0) + u32(0)], [dict(number=str(2**64 - 1), total=0, offset=0)])
    ok("join", JOIN, [b"<Join/>"], [dict(data=b"<Join/>".hex())])
    ok("join-renewal", JOIN, [b"<Join/>", vouch()],
       [dict(data=b"<Join/>".hex()), dict(code="KE", certificate="cd" * 32, algorithm=1, signature=bytes(range(64)).hex())])
    ok("status-crl", STATUS, [u8(1) + b"\xab" * 32, b"0\x82"], [dict(kind=1, key="ab" * 32), dict(data=b"0\x82".hex())])
    ok("status-ocsp", STATUS, [u8(2) + b"\xcd" * 32, b"0"], [dict(kind=2, key="cd" * 32), dict(data=b"0".hex())])
    ok("join-state-waiting", JOIN_STATE, [state(text="waits for the coordinator")], [state_fields(text="waits for the coordinator")])
    ok("join-state-admitted", JOIN_STATE, [state(status=2, number=7), b"-----BEGIN"],
       [state_fields(status=2, number=7), dict(data=b"-----BEGIN".hex())])
    ok("join-state-refused", JOIN_STATE, [state(status=3, rule="JOIN-USED", text="used", mend="ask for another")],
       [state_fields(status=3, rule="JOIN-USED", text="used", mend="ask for another")])

    bad("no-parts", [], "FRAME-HEADER")
    bad("header-short", [header(PING, 1)[:7], b""], "FRAME-HEADER")
    bad("header-long", [header(PING, 1) + b"\0", b""], "FRAME-HEADER")
    bad("magic", [header(PING, 1, magic=b"RW"), b""], "FRAME-MAGIC")
    bad("version-0", [header(PING, 1, version=0), b""], "FRAME-VERSION")
    bad("version-2", [header(PING, 1, version=2), b""], "FRAME-VERSION")
    bad("command-0", [header(0, 1), b""], "FRAME-COMMAND")
    bad("command-11", [header(RECONCILE, 0)], "FRAME-COMMAND")
    bad("command-64", [header(64, 1), b""], "FRAME-COMMAND")
    bad("flags", [header(PING, 1, flags=1), b""], "FRAME-FLAGS")
    bad("count-hello-2", [header(HELLO, 2), hello(), hello()], "FRAME-COUNT")
    bad("count-messages-0", [header(MESSAGES, 0)], "FRAME-COUNT")
    bad("count-messages-65", [header(MESSAGES, 65)] + [item()] * 65, "FRAME-COUNT")
    bad("count-receipts-1", [header(RECEIPTS, 1), u64(1)], "FRAME-COUNT")
    bad("parts-missing", [header(MESSAGES, 2), item()], "FRAME-PARTS")
    bad("parts-more", [header(PING, 1), u64(1) + u64(TIME) + u64(1), b""], "FRAME-PARTS")
    bad_body("hello-short", HELLO, hello()[:-1], "FRAME-SHORT")
    bad_body("hello-trailing", HELLO, hello() + b"\0", "FRAME-TRAILING")
    bad_body("hello-code-lower", HELLO, hello("ke"), "FRAME-FIELD")
    bad_body("hello-code-long", HELLO, hello("ABCDEFGHIJKLMNOPQ"), "FRAME-SHORT")
    bad_body("hello-code-nul", HELLO, hello(b"K\0E"), "FRAME-SHORT")
    bad_body("hello-version-0", HELLO, hello(lo=0), "FRAME-FIELD")
    bad_body("hello-versions-reversed", HELLO, hello(lo=3, hi=2), "FRAME-FIELD")
    bad_body("hello-time", HELLO, hello(time=LAST + 1), "FRAME-FIELD")
    bad_body("hello-software-line", HELLO, hello(sw="reeve\n"), "FRAME-FIELD")
    bad_body("hello-software-long", HELLO, hello(sw="x" * 64), "FRAME-SHORT")
    bad_body("item-version-4", MESSAGES, item(bytes.fromhex("0192f0a1b2c34d4e8f00112233445566")), "FRAME-FIELD")
    bad_body("item-variant", MESSAGES, item(bytes.fromhex("0192f0a1b2c37d4ecf00112233445566")), "FRAME-FIELD")
    bad_body("item-priority", MESSAGES, item(priority=3), "FRAME-FIELD")
    bad_body("item-hops", MESSAGES, item(hops=0), "FRAME-FIELD")
    bad_body("item-trail-two-spaces", MESSAGES, item(trail="DE  FR"), "FRAME-FIELD")
    bad_body("item-trail-end", MESSAGES, item(trail="DE "), "FRAME-FIELD")
    bad_body("item-no-recipient", MESSAGES, item(to=()), "FRAME-RECIPIENTS")
    bad_body("item-recipients-order", MESSAGES, item(to=("UG", "FR")), "FRAME-RECIPIENTS")
    bad_body("item-recipient-twice", MESSAGES, item(to=("FR", "FR")), "FRAME-RECIPIENTS")
    bad_body("item-recipients-claimed", MESSAGES, item(to=("FR",)).replace(b"\0\1\2FR", b"\1\0\2FR"), "FRAME-RECIPIENTS")
    bad_body("item-recipients-257", MESSAGES, item(to=tuple("A%03d" % i for i in range(257))), "FRAME-RECIPIENTS")
    bad_body("item-no-wire", MESSAGES, item(wire=b""), "FRAME-FIELD")
    bad_body("ack-status", ACK, u64(1) + u8(2), "FRAME-FIELD")
    bad_body("ack-batch-0", ACK, u64(0) + u8(0), "FRAME-FIELD")
    bad("batch-0", [header(RECEIPTS, 2), u64(0), b"x"], "FRAME-FIELD")
    bad_body("defer-wait-0", DEFER, defer(wait=0), "FRAME-FIELD")
    bad_body("defer-wait-long", DEFER, defer(wait=86401), "FRAME-FIELD")
    bad_body("defer-code-empty", DEFER, defer(code=""), "FRAME-FIELD")
    bad_body("defer-code-space", DEFER, defer(code="NOT NOW"), "FRAME-FIELD")
    bad_body("defer-text-control", DEFER, defer(text="a\x1b[31m"), "FRAME-FIELD")
    bad_body("defer-text-c1", DEFER, defer(text="\u0085"), "FRAME-FIELD")
    bad_body("defer-text-overlong", DEFER, defer(text=b"\xc0\xaf"), "FRAME-FIELD")
    bad_body("defer-text-surrogate", DEFER, defer(text=b"\xed\xa0\x80"), "FRAME-FIELD")
    bad_body("defer-text-cut", DEFER, defer(text=b"caf\xc3"), "FRAME-FIELD")
    bad_body("request-length-0", REQUEST, request(length=0), "FRAME-FIELD")
    bad_body("request-length-long", REQUEST, request(length=262145), "FRAME-FIELD")
    bad_body("request-past-63-bits", REQUEST, request(offset=2**63 - 262144), "FRAME-FIELD")
    bad_body("chunk-status", CHUNK, chunk(status=4), "FRAME-FIELD")
    bad_body("chunk-offset", CHUNK, chunk(offset=2**63), "FRAME-FIELD")
    bad_body("ping-short", PING, u64(1) + u64(TIME), "FRAME-SHORT")
    bad_body("ping-time", PING, u64(1) + u64(2**64 - 1) + u64(1), "FRAME-FIELD")
    bad_body("pong-time", PONG, u64(1) + u64(TIME) + u64(LAST + 1) + u64(TIME), "FRAME-FIELD")
    bad_body("credit-empty", CREDIT, b"", "FRAME-SHORT")
    bad_body("bye-code-0", BYE, u16(0) + st("x"), "FRAME-FIELD")
    bad_body("trust-request-number-0", TRUST_REQUEST, u64(0) + u32(0), "FRAME-FIELD")
    bad_body("trust-request-offset", TRUST_REQUEST, u64(1) + u32(64 << 20), "FRAME-FIELD")
    bad_body("trust-number-0", TRUST, u64(0) + u32(1) + u32(0), "FRAME-FIELD")
    bad_body("trust-total", TRUST, u64(1) + u32((64 << 20) + 1) + u32(0), "FRAME-FIELD")
    bad_body("trust-offset", TRUST, u64(1) + u32(5) + u32(5), "FRAME-FIELD")
    bad("join-vouch-code", [header(JOIN, 2), b"<Join/>", vouch("ke")], "FRAME-FIELD")
    bad("join-vouch-algorithm", [header(JOIN, 2), b"<Join/>", vouch(alg=4)], "FRAME-FIELD")
    bad("join-vouch-signature", [header(JOIN, 2), b"<Join/>", vouch(sig=b"")], "FRAME-FIELD")
    bad("join-vouch-signature-long", [header(JOIN, 2), b"<Join/>", vouch(sig=bytes(1025))], "FRAME-FIELD")
    bad("status-kind-0", [header(STATUS, 2), u8(0) + b"\xab" * 32, b"0"], "FRAME-FIELD")
    bad("status-kind-3", [header(STATUS, 2), u8(3) + b"\xab" * 32, b"0"], "FRAME-FIELD")
    bad("status-short", [header(STATUS, 2), u8(1) + b"\xab" * 31, b"0"], "FRAME-SHORT")
    bad("status-trailing", [header(STATUS, 2), u8(1) + b"\xab" * 33, b"0"], "FRAME-TRAILING")
    bad("status-count", [header(STATUS, 1), u8(1) + b"\xab" * 32], "FRAME-COUNT")
    bad_body("join-state-status-0", JOIN_STATE, state(status=0), "FRAME-FIELD")
    bad_body("join-state-status-4", JOIN_STATE, state(status=4), "FRAME-FIELD")
    bad_body("join-state-number", JOIN_STATE, state(status=1, number=7), "FRAME-FIELD")
    bad_body("join-state-no-number", JOIN_STATE, state(status=2), "FRAME-FIELD")
    bad_body("join-state-rule", JOIN_STATE, state(status=1, rule="X"), "FRAME-FIELD")
    bad_body("join-state-no-rule", JOIN_STATE, state(status=3), "FRAME-FIELD")
    bad_body("join-state-text", JOIN_STATE, state(text="a\x1b[31m"), "FRAME-FIELD")
    bad_body("join-state-short", JOIN_STATE, state()[:-1], "FRAME-SHORT")
    return valid, invalid


# ---- receipts ----

class Key:
    """A key with a certificate, by the openssl command."""

    def __init__(self, folder, kind, code):
        self.folder, self.kind, self.code = folder, kind, code
        self.key, self.pem = os.path.join(folder, kind + ".key"), os.path.join(folder, kind + ".crt")
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ecdsa" else ["-newkey", "rsa:2048"]
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "36500", "-subj", "/CN=" + code, "-keyout", self.key, "-out",
                        self.pem] + new, check=True, stderr=subprocess.DEVNULL)
        self.der = subprocess.run(["openssl", "x509", "-in", self.pem, "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout

    def sign(self, alg, data):
        extra = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if alg == 3 else []
        sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key] + extra, input=data, check=True,
                             stdout=subprocess.PIPE).stdout
        if alg != 1:
            return sig
        r, rest = integer(sig[2:])
        s, _ = integer(rest)
        if s > ORDER // 2:
            s = ORDER - s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def integer(der):
    assert der[0] == 2
    return int.from_bytes(der[2:2 + der[1]], "big"), der[2 + der[1]:]


STAGES = {1: "relayed", 2: "stored", 3: "read", 4: "rejected"}


def leaf(key, stage, mid=ID, seal=b"\x5a" * 32, signer=None, cert=None, time=TIME, to=None, rule="", line=0, text=""):
    signer = key.code if signer is None else signer
    to = (signer,) if to is None else to
    cert = hashlib.sha256(key.der).digest() if cert is None else cert
    data = u8(stage) + mid + seal + st(signer) + cert + u64(time) + codes(to) + st(rule) + u32(line) + st(text)
    fields = None
    if stage in STAGES:
        fields = dict(stage=STAGES[stage], message=mid.hex(), seal_digest=seal.hex(), signer=str(signer), signer_cert=cert.hex(),
                      time=str(time), recipients=list(to), rule=str(rule), line=line, text=str(text))
    return data, fields


def root(leaves):
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(index, leaves):
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if index < k:
        return path(index, leaves[:k]) + [root(leaves[k:])]
    return path(index - k, leaves[k:]) + [root(leaves[:k])]


LABEL = b"REEVE-RECEIPT-1\0"


def receipt(key, how, leaves, at, **change):
    p = path(at, leaves)
    sig = key.sign(how, LABEL + u32(len(leaves)) + root(leaves))
    f = dict(label=LABEL, leaf=leaves[at], index=at, size=len(leaves), path=p, alg=how, sig=sig)
    f.update(change)
    return (f["label"] + u32(len(f["leaf"])) + f["leaf"] + u32(f["index"]) + u32(f["size"]) + u8(len(f["path"])) + b"".join(f["path"]) +
            u8(f["alg"]) + u32(len(f["sig"])) + f["sig"])


def receipts(folder):
    valid, invalid = [], []
    with tempfile.TemporaryDirectory() as tmp:
        ec, rsa = Key(tmp, "ecdsa", "KE"), Key(tmp, "rsa", "FR")
        for k in (ec, rsa):
            with open(os.path.join(folder, k.kind + ".crt.hex"), "w") as f:
                f.write(k.der.hex() + "\n")
        stored, stored_f = leaf(ec, 2)
        relayed, relayed_f = leaf(ec, 1, to=("RW", "TZ", "UG"))
        rejected, rejected_f = leaf(ec, 4, seal=bytes(32), to=("RW",), rule="SEAL-DIGEST", line=12, text="la section « Goods » a changé")
        read, read_f = leaf(ec, 3, ID2, time=LAST)
        four = [relayed, stored, rejected, read]
        fields = [relayed_f, stored_f, rejected_f, read_f]

        def ok(name, key, alg, leaves, index, f):
            valid.append((name, receipt(key, alg, leaves, index), key.kind, dict(f, index=index, size=len(leaves), algorithm=alg)))

        def bad(name, data, rule, key=ec):
            invalid.append((name, data, key.kind, rule))

        ok("stored-alone", ec, 1, [stored], 0, stored_f)
        for i in range(3):
            ok("of-three-%d" % i, ec, 1, four[:3], i, fields[i])
        many = [leaf(ec, 2, time=TIME + i) for i in range(256)]
        for i in (0, 127, 128, 254):
            ok("of-255-%d" % i, ec, 1, [m[0] for m in many[:255]], i, many[i][1])
        ok("of-256-255", ec, 1, [m[0] for m in many], 255, many[255][1])
        ok("read", ec, 1, four, 3, read_f)
        mine, mine_f = leaf(rsa, 2)
        ok("rsa", rsa, 2, [mine], 0, mine_f)
        ok("rsa-pss", rsa, 3, [mine], 0, mine_f)

        good = receipt(ec, 1, four, 1)
        sig = ec.sign(1, LABEL + u32(1) + root([stored]))
        r, s = sig[:32], int.from_bytes(sig[32:], "big")
        bad("empty", b"", "RCPT-LABEL")
        bad("label", receipt(ec, 1, [stored], 0, label=b"REEVE-RECEIPT-2\0"), "RCPT-LABEL")
        bad("short", good[:-1], "RCPT-SHORT")
        bad("trailing", good + b"\0", "RCPT-TRAILING")
        bad("too-large", good + bytes(16384), "RCPT-SIZE")
        bad("tree-empty", receipt(ec, 1, [stored], 0, size=0), "RCPT-TREE")
        bad("tree-257", receipt(ec, 1, [stored], 0, size=257), "RCPT-TREE")
        bad("index-out", receipt(ec, 1, [stored], 0, index=1), "RCPT-TREE")
        bad("path-short", receipt(ec, 1, four, 1, path=path(1, four)[:1]), "RCPT-PATH")
        bad("path-long", receipt(ec, 1, [stored], 0, path=[bytes(32)]), "RCPT-PATH")
        bad("path-of-a-smaller-tree", receipt(ec, 1, four[:3], 2, path=path(2, four)), "RCPT-PATH")
        bad("algorithm-0", receipt(ec, 1, [stored], 0, alg=0), "RCPT-ALGORITHM")
        bad("algorithm-4", receipt(ec, 1, [stored], 0, alg=4), "RCPT-ALGORITHM")
        bad("signature-length", receipt(ec, 1, [stored], 0, sig=sig + b"\0"), "RCPT-SIGNATURE")
        bad("signature-altered", receipt(ec, 1, [stored], 0, sig=sig[:-1] + bytes([sig[-1] ^ 1])), "RCPT-VALUE")
        bad("signature-high-s", receipt(ec, 1, [stored], 0, sig=r + (ORDER - s).to_bytes(32, "big")), "RCPT-VALUE")
        bad("other-index", receipt(ec, 1, four, 1, index=0), "RCPT-VALUE")
        bad("other-size", receipt(ec, 1, four, 1, size=3), "RCPT-VALUE")
        bad("path-altered", receipt(ec, 1, four, 1, path=[bytes(32), path(1, four)[1]]), "RCPT-VALUE")
        bad("leaf-altered", good.replace(stored, leaf(ec, 2, time=TIME + 1)[0]), "RCPT-VALUE")
        bad("certificate-of-another", receipt(rsa, 2, [mine], 0), "RCPT-CERT")
        bad("algorithm-of-another-key", receipt(ec, 1, [stored], 0, alg=2, sig=bytes(256)), "RCPT-VALUE")
        for name, data in (
                ("stage-0", leaf(ec, 0)), ("stage-5", leaf(ec, 5)), ("message-version-4", leaf(ec, 2, mid=ID[:6] + b"\x4d" + ID[7:])),
                ("signer-lower", leaf(ec, 2, signer="ke")), ("time", leaf(ec, 2, time=LAST + 1)),
                ("stored-for-another", leaf(ec, 2, to=("UG",))), ("read-for-two", leaf(ec, 3, to=("KE", "UG"))),
                ("no-recipient", leaf(ec, 1, to=())), ("recipients-order", leaf(ec, 1, to=("UG", "TZ"))),
                ("recipient-twice", leaf(ec, 1, to=("UG", "UG"))), ("stored-with-rule", leaf(ec, 2, rule="X")),
                ("stored-with-line", leaf(ec, 2, line=1)), ("stored-with-text", leaf(ec, 2, text="x")),
                ("rejected-without-rule", leaf(ec, 4)), ("rejected-rule-space", leaf(ec, 4, rule="NO GOOD")),
                ("rejected-text-control", leaf(ec, 4, rule="X", text="a\nb"))):
            bad("leaf-" + name, receipt(ec, 1, [data[0]], 0), "RCPT-FIELD")
        bad("leaf-short", receipt(ec, 1, [stored[:-1]], 0), "RCPT-SHORT")
        bad("leaf-trailing", receipt(ec, 1, [stored + b"\0"], 0), "RCPT-TRAILING")
    return valid, invalid


def write(folder, name, parts):
    with open(os.path.join(folder, name + ".hex"), "w") as f:
        for p in parts:
            f.write(p.hex() + "\n")
    return name + ".hex"


def write_manifest(folder, manifest):
    with open(os.path.join(folder, "manifest.json"), "w") as f:
        json.dump(manifest, f, indent=1, ensure_ascii=False)
        f.write("\n")


def clean(folder):
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


def main():
    top = sys.argv[1]
    folder = os.path.join(top, "frames")
    clean(folder)
    valid, invalid = frames()
    write_manifest(folder, {
        "valid": [{"file": write(folder, n, parts), "command": c, "bodies": f} for n, parts, c, f in valid],
        "invalid": [{"file": write(folder, "bad-" + n, parts), "rule": rule} for n, parts, rule in invalid]})
    folder = os.path.join(top, "receipts")
    clean(folder)
    valid, invalid = receipts(folder)
    write_manifest(folder, {
        "certificates": {"ecdsa": "ecdsa.crt.hex", "rsa": "rsa.crt.hex"},
        "valid": [{"file": write(folder, n, [d]), "certificate": k, "fields": f} for n, d, k, f in valid],
        "invalid": [{"file": write(folder, "bad-" + n, [d]), "certificate": k, "rule": rule} for n, d, k, rule in invalid]})


if __name__ == "__main__":
    main()
