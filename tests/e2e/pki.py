# SPDX-License-Identifier: Apache-2.0
"""A national certification authority for tests, made on the spot with the openssl command: it issues, revokes, publishes CRLs and
answers OCSP, behind a web server that can also hang."""
import os
import subprocess
import time

CONFIG = """
[ca]
default_ca = own
[own]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 20
default_crl_days = 1
policy = any
unique_subject = no
x509_extensions = member
crl_extensions = crl
[any]
commonName = optional
countryName = optional
organizationName = optional
[member]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[crl]
authorityKeyIdentifier = keyid
"""


class Pki:
    def __init__(self, folder, name, server):
        self.folder, self.name, self.server = folder, name, server
        self.path = "/" + name.lower().replace(" ", "-")
        os.mkdir(folder)
        for file, content in (("ca.cnf", CONFIG), ("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "01\n")):
            with open(os.path.join(folder, file), "w") as f:
                f.write(content)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                     f"/CN={name}", "-keyout", "ca.key", "-out", "ca.crt", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
        self.published = 0

    def openssl(self, *args, stdin=None):
        done = subprocess.run(["openssl", *args], cwd=self.folder, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise AssertionError(f"openssl {' '.join(args)}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def issue(self, request):
        """Certifies the request in that file; returns the certificate's DER."""
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-in", request, "-out", "member.crt")
        return self.openssl("x509", "-in", "member.crt", "-outform", "DER")

    def der(self):
        return self.openssl("x509", "-in", "ca.crt", "-outform", "DER")

    def revoke(self, der, reason="keyCompromise"):
        self.openssl("x509", "-inform", "DER", "-out", "revoked.crt", stdin=der)
        self.openssl("ca", "-config", "ca.cnf", "-revoke", "revoked.crt", "-crl_reason", reason)

    def crl_url(self):
        return self.server.base + self.path + ".crl"

    def ocsp_url(self):
        return self.server.base + self.path + "-ocsp"

    def publish(self, answer):
        """Puts the present CRL on the server, and answers OCSP from now on. answer: web.answer."""
        while int(time.time()) == self.published:  # thisUpdate counts seconds
            time.sleep(0.05)
        self.published = int(time.time())
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl")
        self.server.paths[self.path + ".crl"] = answer(200, self.openssl("crl", "-in", "ca.crl", "-outform", "DER"))

        def ocsp(request, _):
            with open(os.path.join(self.folder, "ask.der"), "wb") as f:
                f.write(request.body)
            self.openssl("ocsp", "-index", "index.txt", "-CA", "ca.crt", "-rsigner", "ca.crt", "-rkey", "ca.key", "-ndays", "1", "-reqin",
                         "ask.der", "-respout", "answer.der")
            with open(os.path.join(self.folder, "answer.der"), "rb") as f:
                return answer(200, f.read(), Content_Type="application/ocsp-response")
        self.server.paths[self.path + "-ocsp"] = ocsp
