#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Members whose certificates come from national authorities: CRLs and OCSP fetched by the node that has the internet, passed on by links
to those that have not, revocations that count at once, a policy that waits or lets pass, and servers that hang. TAP."""
import base64
import os
import sys

import lxml.etree as ET

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net as n  # noqa: E402
import pki  # noqa: E402
sys.path.insert(0, os.path.join(n.TOP, "tests", "unit", "trust"))
import web  # noqa: E402

NS = "{urn:reeve:trust:1}"
NO_INTERNET = 'trust_proxy = "http://127.0.0.1:9";\n'


def set_up(node, *settings):
    with open(node.conf, "a") as f:
        f.write("status_every_s = 1;\n" + "".join(settings))


class Draft:
    """The coordinator's draft, edited as a person would: certificates of other authorities, these authorities, the policy."""

    def __init__(self, net):
        self.path = os.path.join(net.authority, "list.xml")
        self.doc = ET.parse(self.path)
        self.list = self.doc.getroot()[0]

    def save(self):
        self.doc.write(self.path)

    def certificate(self, code, der):
        member = next(m for m in self.list.iter(NS + "Member") if m.findtext(NS + "Code") == code)
        member.find(NS + "Certificate").text = base64.b64encode(der).decode()

    def add(self, name, text=None, parent=None, **attributes):
        element = ET.Element(NS + name, attributes)
        element.text = text
        if parent is None:
            first = self.list.find(NS + "Member")
            first.addprevious(element)
        else:
            parent.append(element)
        return element

    def issuer(self, authority, ocsp=True):
        issuer = self.add("Issuer")
        self.add("Certificate", base64.b64encode(authority.der()).decode(), issuer)
        self.add("CrlUrl", authority.crl_url(), issuer)
        if ocsp:
            self.add("OcspUrl", authority.ocsp_url(), issuer)

    def policy(self, word):
        for old in self.list.findall(NS + "Checking"):
            self.list.remove(old)
        self.add("Checking", None, None, Role="administration", Revocation=word, MaxAgeHours="12")


def main():
    with web.Server() as server, n.Net() as net:
        kenya = pki.Pki(os.path.join(net.dir, "kenya"), "Kenya PKI", server)
        africa = pki.Pki(os.path.join(net.dir, "south"), "South Africa PKI", server)
        rilo = net.add("RILO", role="relay", listen=True)
        ke, fr, za = (net.add(code, dial=["RILO"], via=["RILO"]) for code in ("KE", "FR", "ZA"))
        net.operation_is("KE", ["KE:participant", "FR:participant", "ZA:participant", "RILO:relay"],
                         risks="revenue drugs health-safety-ipr security environment")
        root = web.Certificate("Web Root", ca=True)
        lists = web.Server(web.Certificate("localhost", root, "localhost"), net.dir)
        root.save(os.path.join(rilo.dir, "web.pem"))
        set_up(rilo, f'trust_urls = ["{lists.base}/trust.xml"];\ntrust_ca = "web.pem";\ntrust_every_s = 1;\n')
        for node in (ke, fr, za):
            set_up(node, NO_INTERNET)
        certificate = kenya.issue(os.path.join(ke.dir, "keys", "sign.csr"))
        draft = Draft(net)
        draft.certificate("KE", certificate)
        draft.certificate("ZA", africa.issue(os.path.join(za.dir, "keys", "sign.csr")))
        draft.issuer(kenya)
        draft.issuer(africa, ocsp=False)
        draft.policy("hard")
        draft.save()
        net.publish()
        kenya.publish(web.answer)
        server.paths[africa.path + ".crl"] = web.answer(404)
        net.start()
        for code in ("KE", "FR", "ZA"):
            net.link_up(code, "RILO")
        with lists:
            run(net, server, lists, kenya, africa, certificate)


def run(net, server, lists, kenya, africa, certificate):
    ke, rilo, fr, za = (net.nodes[c] for c in ("KE", "RILO", "FR", "ZA"))
    sent = {}

    def submit(node):
        return node.submit(n.sample("seizure-short-drugs.xml"), net.operation)["id"]

    def page(node, message):
        return node.get("/v1/messages/" + message)

    def sources(node, kind):
        return [s for s in node.get("/v1/status")["sources"] if s["kind"] == kind]

    def arrives(message, node):
        n.wait_for(f"{message} at {node.code}", lambda: message in node.all_ids())

    def by_the_link():
        """a node without the internet judges by what its peer passed on, under the policy hard"""
        sent["first"] = submit(ke)
        arrives(sent["first"], fr)
        standing = page(fr, sent["first"])["standing"]
        assert standing["word"] == "good" and standing["source"] in ("crl", "ocsp") and standing["asOf"] and standing["judged"], standing
        assert sources(fr, "crl") and not any(s["fetched"] for s in sources(fr, "crl") + sources(fr, "ocsp"))
        files = os.listdir(os.path.join(fr.dir, "status"))
        assert any(f.endswith(".crl") for f in files), files

    def listed():
        """who has a certificate of the network's own, which no issuer of the list made, is vouched for by the list"""
        message = submit(fr)
        arrives(message, ke)
        assert page(ke, message)["standing"]["word"] == "listed"

    def told():
        """reeve status tells each address, when it went well and why it does not"""
        n.wait_for("RILO to have fetched both", lambda: all(s["fetched"] for s in sources(rilo, "crl") + sources(rilo, "ocsp")
                                                            if kenya.path in s["url"]))
        n.wait_for("RILO to have failed once", lambda: any(s["rule"] == "FETCH-STATUS" for s in sources(rilo, "crl")))
        text = rilo.reeve("status").stdout.decode()
        assert kenya.crl_url() in text and "FETCH-STATUS" in text, text

    def waits():
        """a status that nobody has puts a message off, and nothing is lost"""
        sent["waiting"] = submit(za)
        n.wait_for("RILO to put it off", lambda: "STATUS-UNKNOWN" in open(rilo.log_path, errors="replace").read())
        assert sent["waiting"] not in fr.all_ids()
        assert page(za, sent["waiting"])["deliveries"][0]["state"] in ("queued", "sent")

    def soft():
        """a new list with the policy soft, fetched over HTTPS, lets it pass, and it is marked so"""
        draft = Draft(net)
        draft.policy("soft")
        draft.save()
        net.publish(install=False)
        with open(net.list, "rb") as f:
            lists.paths["/trust.xml"] = web.answer(200, f.read(), ETag='"2"')
        n.wait_for("everybody to have it", lambda: all(x.get("/v1/trust")["number"] == 2 for x in net.nodes.values()))
        assert sources(rilo, "list")[0]["fetched"]
        arrives(sent["waiting"], fr)
        assert page(fr, sent["waiting"])["standing"]["word"] == "unknown"

    def hard_again():
        """hard again: the next one waits until the CRL is published, and passes then"""
        draft = Draft(net)
        draft.policy("hard")
        draft.save()
        net.publish()
        n.wait_for("RILO and ZA to take the list", lambda: all(x.get("/v1/trust")["number"] == 3 for x in (rilo, za, fr)))
        message = submit(za)
        n.wait_for("ZA to have offered it", lambda: page(za, message)["deliveries"][0]["state"] == "sent")
        assert message not in fr.all_ids()
        africa.publish(web.answer)
        arrives(message, fr)
        assert page(fr, message)["standing"]["word"] == "good"

    def revoked():
        """after a revocation the next message is refused, without a restart"""
        kenya.revoke(certificate)
        kenya.publish(web.answer)
        n.wait_for("RILO to know", lambda: page(rilo, sent["first"])["certificate"]["revoked"])
        message = submit(ke)  # it has no internet, and nobody has told it
        n.wait_for("it to be refused", lambda: all(d["state"] == "rejected" and d["rule"] == "STATUS-REVOKED"
                                                   for d in page(ke, message)["deliveries"]))
        assert message not in fr.all_ids()
        refused = [q for q in rilo.get("/v1/quarantine")["items"] if q["id"] == message]
        assert len(refused) == 1, refused

    def passed_on():
        """...and the nodes without the internet know it too"""
        n.wait_for("FR to know", lambda: page(fr, sent["first"])["certificate"]["revoked"])
        assert page(fr, sent["first"])["certificate"]["reason"] == "key-compromise"

    def stays():
        """what was stored before stays valid, and reeve verify says why"""
        done = fr.reeve("verify", sent["first"])
        text = " ".join(done.stdout.decode().split())
        assert "verified" in text and "was good by the" in text and "is revoked since" in text and "stays valid" in text, text
        text = " ".join(fr.reeve("show", sent["first"]).stdout.decode().split())
        assert "is revoked since" in text and "stays valid" in text, text

    def after_a_restart():
        """a node that is started anew without the servers still knows"""
        server.paths[kenya.path + ".crl"] = server.paths[kenya.path + "-ocsp"] = web.answer(503)
        rilo.stop()
        rilo.start()
        rilo.wait_ready()
        for code in ("KE", "FR"):
            net.link_up(code, "RILO")
        assert page(rilo, sent["first"])["certificate"]["revoked"]
        message = submit(ke)
        n.wait_for("it to be refused", lambda: page(ke, message)["deliveries"][0]["state"] == "rejected")

    def hangs():
        """servers that hang disturb neither links nor traffic, nor the end"""
        server.paths["accept"] = "hang"
        while server.accepted.acquire(blocking=False):
            pass
        assert server.accepted.acquire(timeout=n.PATIENCE)
        message = submit(fr)
        arrives(message, ke)
        message = submit(za)
        arrives(message, fr)
        assert all(row["state"] == "up" for row in rilo.get("/v1/links")["links"] if row["peer"] in ("KE", "FR", "ZA"))
        rilo.stop()
    n.Tap().run([by_the_link, listed, told, waits, soft, hard_again, revoked, passed_on, stays, after_a_restart, hangs])


if __name__ == "__main__":
    main()
