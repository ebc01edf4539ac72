# SPDX-License-Identifier: Apache-2.0
"""Web servers for tests, honest and hostile, with certificates made on the spot. Each path of a server is a function that writes to
the raw connection what it likes."""
import datetime
import hashlib
import base64
import os
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Certificate:
    """A key with a certificate in PEM, signed by an issuer or by itself."""

    def __init__(self, name, issuer=None, host=None, ca=False, days=(-1, 30)):
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (x509.CertificateBuilder().subject_name(subject).public_key(self.key.public_key())
                   .issuer_name(issuer.x509.subject if issuer else subject).serial_number(x509.random_serial_number())
                   .not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
                   .add_extension(x509.BasicConstraints(ca, None), True))
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        self.x509 = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.pem = self.x509.public_bytes(serialization.Encoding.PEM)
        self.key_pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                              serialization.NoEncryption())
        spki = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.pin = "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()

    def save(self, path, with_key=False):
        with open(path, "wb") as f:
            f.write(self.pem + (self.key_pem if with_key else b""))
        return path


class Request:
    """What a client asked: the first line, headers by lower-case name, the body."""

    def __init__(self, connection):
        self.connection = connection
        raw = b""
        while b"\r\n\r\n" not in raw:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError("gone")
            raw += more
        head, self.body = raw.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.path = self.target.split("?")[0]
        self.headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        while len(self.body) < int(self.headers.get("content-length", 0)):
            self.body += connection.recv(65536)


def answer(status, body=b"", **headers):
    """The bytes of an honest answer; header names with _ for -, None leaves one out."""
    fields = {"Content-Length": len(body), "Connection": "close", **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = [f"HTTP/1.1 {status} x"] + [f"{k}: {v}" for k, v in fields.items() if v is not None]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """with Server(certificate) as s: s.paths["/x"] = function(request, server) -> bytes to send, or None after sending itself.
    released is set when the test is over: what hangs waits for it."""

    def __init__(self, certificate=None, folder=None, name="localhost"):
        self.paths = {}
        self.seen = []
        self.released = threading.Event()
        self.accepted = threading.Semaphore(0)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.save(os.path.join(folder, f"{self.port}.pem"), True))
        self.base = f"{'https' if certificate else 'http'}://{name}:{self.port}"
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted.release()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.paths.get("accept") == "hang":
                self.released.wait()
                return
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            request = Request(connection)
            self.seen.append(request)
            handler = self.paths.get(request.path)
            data = handler(request, self) if callable(handler) else handler
            if data is not None:
                connection.sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            try:
                if self.context is not None and isinstance(connection, ssl.SSLSocket):
                    connection = connection.unwrap()
            except (OSError, ValueError):
                pass
            connection.close()


def pour(connection, chunk, most):
    """Sends the chunk again and again until the client has had enough; returns how much went out."""
    sent = 0
    try:
        while sent < most:
            connection.sendall(chunk)
            sent += len(chunk)
    except OSError:
        pass
    return sent
