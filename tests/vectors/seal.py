#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second verifier of seals, written from SPEC.md sections 2 and 3 alone: lxml for XML, cryptography for signatures. Runs vectors/seal."""
import base64
import csv
import hashlib
import os

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree

TOP = os.environ.get("top_srcdir", os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))
VECTORS = os.path.join(TOP, "protocol", "vectors", "seal")
MSG, DS = "{urn:reeve:message:1}", "{http://www.w3.org/2000/09/xmldsig#}"
SECTIONS = ["warning", "alert", "feedback", "situation", "amendment", "request", "reply", "operation", "event", "goods", "conveyance", "route",
            "concealment", "persons", "rights", "narrative", "attachments"]
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
PSS = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
XML = "http://www.w3.org/XML/1998/namespace"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Refused(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Refused(what)


def c14n(node):
    return etree.tostring(node, method="c14n", exclusive=True, with_comments=False)


def one_base64(text, what):
    need(text is not None, what)
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(what)
    need(base64.b64encode(raw).decode() == text, what)
    return raw


def pure(node):
    """Elements alone: no text around them."""
    return not node.text and all(isinstance(c.tag, str) and not c.tail for c in node)


def check_everywhere(root):
    """SPEC.md 2.1: namespaces and prefixes, attributes, text between elements."""
    with_id = set(root) | set(root.iter(DS + "Manifest"))
    for node in root.iter():
        namespace = etree.QName(node).namespace
        need((namespace, node.prefix) in ((MSG[1:-1], None), (DS[1:-1], "ds")), "namespace or prefix")
        need(len(node) == 0 or pure(node), "text between elements")
        for name in node.attrib:
            name = etree.QName(name)
            need(name.localname.lower() != "id" or (name.namespace is None and node in with_id), "Id")
            need(name.namespace is None or (name.namespace == XML and name.localname == "lang"), "attribute of a namespace")


def reference(node):
    need(node.tag == DS + "Reference" and pure(node) and set(node.attrib) <= {"URI", "Type"} and "URI" in node.attrib, "reference")
    need([c.tag for c in node] == [DS + "Transforms", DS + "DigestMethod", DS + "DigestValue"], "reference")
    transforms, method, value = node
    need(not transforms.attrib and pure(transforms) and len(transforms) == 1, "transforms")
    need(transforms[0].tag == DS + "Transform" and dict(transforms[0].attrib) == {"Algorithm": EXC} and len(transforms[0]) == 0, "transform")
    need(dict(method.attrib) == {"Algorithm": SHA256} and len(method) == 0, "digest method")
    need(not value.attrib and len(value) == 0, "digest value")
    digest = one_base64(value.text, "digest")
    need(len(digest) == 32, "digest")
    return node.get("URI"), node.get("Type"), digest


def verify(data, certificate):
    """The withheld sections, or Refused."""
    need(b"<!" not in data and b"<?" not in data and not data.startswith(b"\xef\xbb\xbf"), "markup that no message has")
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_blank_text=False))
    except etree.XMLSyntaxError:
        raise Refused("not XML")
    need(c14n(root) == data, "not canonical")
    need(root.tag == MSG + "Message" and not root.attrib and pure(root) and len(root) >= 2, "root")
    check_everywhere(root)
    header, *sections, signature = root
    need(header.tag == MSG + "Header" and dict(header.attrib) == {"Id": "header"}, "Header")
    ids, last = {"header": header}, -1
    for section in sections:
        name = etree.QName(section)
        need(name.namespace == MSG[1:-1] and name.localname.lower() in SECTIONS and name.localname == name.localname.capitalize(), "a section")
        index = SECTIONS.index(name.localname.lower())
        need(index > last, "order of sections")
        last = index
        need(set(section.attrib) == {"Id", "Salt"} and section.get("Id") == SECTIONS[index], "Id of a section")
        need(16 <= len(one_base64(section.get("Salt"), "Salt")) <= 64, "Salt")
        ids[SECTIONS[index]] = section
    need(signature.tag == DS + "Signature" and not signature.attrib and pure(signature), "Signature")
    need([c.tag for c in signature] == [DS + "SignedInfo", DS + "SignatureValue", DS + "Object"], "Signature")
    info, value, obj = signature
    need(not info.attrib and pure(info) and len(info) == 4 and not value.attrib and len(value) == 0, "SignedInfo")
    need(info[0].tag == DS + "CanonicalizationMethod" and dict(info[0].attrib) == {"Algorithm": EXC} and len(info[0]) == 0, "canonicalisation")
    need(info[1].tag == DS + "SignatureMethod" and set(info[1].attrib) == {"Algorithm"} and len(info[1]) == 0, "method")
    need(not obj.attrib and pure(obj) and len(obj) == 1 and obj[0].tag == DS + "Manifest" and dict(obj[0].attrib) == {"Id": "manifest"} and
         pure(obj[0]), "Manifest")
    refs = [reference(info[2]), reference(info[3])]
    need(refs[0][:2] == ("#header", None) and refs[1][:2] == ("#manifest", DS[1:-1] + "Manifest"), "references of SignedInfo")
    listed, last = {}, -1
    for node in obj[0]:
        uri, kind, digest = reference(node)
        need(uri[:1] == "#" and uri[1:] in SECTIONS and kind is None and SECTIONS.index(uri[1:]) > last, "reference of the Manifest")
        last = SECTIONS.index(uri[1:])
        listed[uri[1:]] = digest
    need(listed, "an empty Manifest")
    need(all(i in listed for i in ids if i != "header"), "a section that is not listed")
    need(hashlib.sha256(c14n(header)).digest() == refs[0][2] and hashlib.sha256(c14n(obj[0])).digest() == refs[1][2], "digest")
    need(all(hashlib.sha256(c14n(ids[i])).digest() == listed[i] for i in listed if i in ids), "digest of a section")
    der = certificate.public_bytes(serialization.Encoding.DER)
    need(header.findtext(MSG + "SignerCertificate") == hashlib.sha256(der).hexdigest(), "SignerCertificate")
    check_value(certificate.public_key(), info[1].get("Algorithm"), c14n(info), one_base64(value.text, "value"))
    return [i for i in listed if i not in ids]


def check_value(key, algorithm, data, value):
    try:
        if algorithm == ECDSA:
            need(isinstance(key, ec.EllipticCurvePublicKey) and len(value) == 64, "ECDSA value")
            r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
            need(s <= ORDER // 2, "high s")
            key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        elif algorithm in (RSA, PSS):
            need(isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048 and len(value) == (key.key_size + 7) // 8, "RSA value")
            pad = padding.PKCS1v15() if algorithm == RSA else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            key.verify(value, data, pad, hashes.SHA256())
        else:
            raise Refused("algorithm")
    except InvalidSignature:
        raise Refused("signature")


def main():
    with open(os.path.join(VECTORS, "MANIFEST.csv")) as f:
        rows = list(csv.DictReader(f))
    print(f"1..{len(rows)}")
    failed = 0
    for number, row in enumerate(rows, 1):
        with open(os.path.join(VECTORS, row["certificate"]), "rb") as f:
            certificate = x509.load_pem_x509_certificate(f.read())
        with open(os.path.join(VECTORS, row["file"]), "rb") as f:
            data = f.read()
        try:
            got = ("", " ".join(verify(data, certificate)))
        except Refused as why:
            got = (str(why), "")
        good = got == ("", row["withheld"]) if row["rule"] == "" else got[0] != ""
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {row['file']} {row['rule']}")
        if not good:
            print(f"# {got}")
    raise SystemExit(1 if failed else 0)


main()
