#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""openapi.json and the server agree: every path, method, status and schema of the document is met by the real server.

Each answer is validated against the schema that the document has for it, with the Draft 2020-12 dialect that OpenAPI 3.1 uses. A status of
the document that no request here brings about is a failure, unless it is one that only a failing node gives.
"""
import re
import sys

sys.dont_write_bytecode = True
from fake import Events, Fake, TOP, json, net, os, sample  # noqa: E402

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(0)

ROUTES = os.path.join(TOP, "node", "api", "routes.c")
DOCUMENT = os.path.join(TOP, "node", "api", "openapi.json")
# Only a node with a broken disk or short of memory answers so.
NOT_BROUGHT_ABOUT = {"500"}
UNKNOWN = "019a7c1e-0b52-7cc3-98c5-2d1f6a3b9e10"


class Checker:
    def __init__(self, fake, document):
        self.fake = fake
        self.document = document
        self.met = set()
        self.resolver = jsonschema.RefResolver.from_schema(document)

    def operation(self, method, path):
        """The document's path for a concrete one."""
        for template, methods in self.document["paths"].items():
            pattern = re.sub(r"\{[a-z]+\}", "[^/]+", re.escape(template).replace(r"\{", "{").replace(r"\}", "}"))
            if re.fullmatch(pattern, path) and method.lower() in methods:
                return template, methods[method.lower()]
        raise AssertionError(f"the document does not have {method} {path}")

    def check_query(self, operation, query):
        known = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
        for pair in filter(None, query.split("&")):
            assert pair.split("=")[0] in known, f"the document does not have the parameter {pair}"

    def check(self, method, target, status, answer):
        path, _, query = target.partition("?")
        template, operation = self.operation(method, path)
        if status < 400:
            self.check_query(operation, query)
        assert str(status) in operation["responses"], f"{method} {template} answered {status}, which the document does not have: " \
            f"{answer.body[:300]}"
        self.met.add((template, method.lower(), str(status)))
        response = operation["responses"][str(status)]
        content = response.get("content")
        if not content:
            assert answer.body == b"", answer.body
            return
        kind = answer.headers["Content-Type"]
        assert kind in content, f"{method} {template} answered {kind}"
        schema = content[kind]["schema"]
        value = json.loads(answer.body) if kind.endswith("json") else answer.body.decode("utf-8", "replace")
        errors = list(jsonschema.Draft202012Validator(schema, resolver=self.resolver).iter_errors(value))
        assert not errors, f"{method} {template} {status}: {errors[0].message} at {list(errors[0].path)}"
        for header in response.get("headers", {}):
            assert header in answer.headers, header

    def ask(self, method, target, status, body=None, headers=None):
        answer = self.fake.ask(method, target, body, headers or {})
        assert answer.status == status, (method, target, answer.status, answer.body[:500])
        self.check(method, target, status, answer)
        return answer


def main():
    with open(DOCUMENT) as f:
        document = json.load(f)
    with Fake(fake_streams=1) as fake:
        c = Checker(fake, document)
        net.Tap().run(cases(fake, c, document))


def cases(fake, c, document):
    seizure = sample("seizure-long-cash.xml")
    faulty = seizure.replace(b"<HandlingCode>H", b"<HandlingCode>X", 1)
    submit = "/v1/messages?operation=CRANE-26"

    def itself():
        """the document is OpenAPI 3.1 with good schemas, and what the server answers with"""
        assert document["openapi"].startswith("3.1.")
        for name, schema in document["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
        assert c.ask("GET", "/v1/openapi.json", 200).json == document
        ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
        assert len(ids) == len(set(ids))
        text = json.dumps(document)
        for name in document["components"]["schemas"]:
            assert f'"#/components/schemas/{name}"' in text or name == "MessageId", f"{name} is not used"

    def table():
        """every route of the server's table is in the document, and the other way round"""
        with open(ROUTES) as f:
            rows = re.findall(r'\{HTTP_(GET|POST), "([^"]+)", "([^"]*)"', f.read())
        routes = {(path, method.lower()): set(params.split()) for method, path, params in rows}
        assert len(routes) == len(rows) and len(rows) > 15
        documented = {(path, method): {p["name"] for p in o.get("parameters", []) if p["in"] == "query"}
                      for path, methods in document["paths"].items() for method, o in methods.items()}
        differ = {k: (routes.get(k), documented.get(k)) for k in routes.keys() | documented.keys() if routes.get(k) != documented.get(k)}
        assert not differ, differ
        for path, methods in document["paths"].items():
            for o in methods.values():
                named = {p["name"] for p in o.get("parameters", []) if p["in"] == "path"}
                assert named == set(re.findall(r"\{([a-z]+)\}", path)), path

    def good():
        """what goes well"""
        for path in ("/v1/status", "/v1/links", "/v1/inbox", "/v1/outbox", "/v1/transit", "/v1/quarantine", "/v1/trust", "/v1/operations",
                     "/v1/codes/units", "/v1/codes/units?prefix=K", "/v1/templates/warning"):
            c.ask("GET", path, 200)
        key = net.uuid7()
        blob = c.ask("POST", "/v1/attachments", 201, b"a picture").json
        c.ask("GET", "/v1/attachments/" + blob["digest"], 200)
        attached = f"{submit}&to=FR&attachment={blob['digest']},image/png,a.png"
        c.ask("POST", attached, 201, seizure, {"Idempotency-Key": key})
        c.ask("POST", attached, 200, seizure, {"Idempotency-Key": key})
        c.ask("POST", submit + "&dry-run=true", 200, seizure)
        c.ask("POST", "/v1/check", 200, seizure)
        c.ask("POST", "/v1/check?operation=CRANE-26", 200, faulty)
        fake.say("receive " + key)
        rejected = c.ask("POST", submit, 201, seizure).json["id"]
        fake.say("reject " + rejected)
        inbound = fake.arrive()
        fake.say("withhold " + os.path.join(net.SAMPLES, "seizure-long-cash.xml"))
        for name in ("update-seizure.xml", "alert-trade-mark.xml", "operation-full.xml", "feedback-clean.xml", "seizure-arabic.xml"):
            c.ask("GET", "/v1/messages/" + fake.arrive(1, name), 200)
        for message in (key, rejected, inbound):
            c.ask("GET", "/v1/messages/" + message, 200)
            c.ask("GET", f"/v1/messages/{message}/content", 200)
        c.ask("POST", f"/v1/messages/{inbound}/read", 204)
        for box in ("inbox", "outbox", "transit"):
            c.ask("GET", f"/v1/{box}?after=0&limit=2&operation=CRANE-26&order=newest", 200)
        c.ask("GET", "/v1/inbox?unread=true", 200)
        invite = {"code": "KE", "name": "Kenya", "roles": ["administration"], "operations": ["CRANE-26"], "guest": "0" * 40,
                  "expires": "2099-01-01T00:00:00Z"}
        c.ask("POST", "/v1/invites", 201, json.dumps(invite).encode())
        c.ask("POST", "/v1/invites", 409, json.dumps(invite).encode())
        for wrong in ({"code": "ug"}, {"roles": ["king"]}, {"roles": []}, {"guest": "x"}, {"expires": "2001-01-01T00:00:00Z"},
                      {"operations": ["x"]}, {"name": ""}):
            c.ask("POST", "/v1/invites", 400, json.dumps({**invite, **wrong}).encode())
        c.ask("POST", "/v1/invites", 413, b" " * (1 << 20))
        c.ask("POST", "/v1/invites/KE/refuse", 413, b" " * (1 << 20))
        assert c.ask("GET", "/v1/invites", 200).json["items"][0]["state"] == "open"
        c.ask("GET", "/v1/invites/KE/request", 404)
        # a request of another day's network: what the waiting room kept of it
        fake.say("join " + "0" * 40 + " " + os.path.join(TOP, "protocol", "vectors", "trust", "join.xml"))
        c.ask("GET", "/v1/invites/KE/request", 200)
        c.ask("POST", "/v1/invites/KE/refuse", 204, b'{"reason": "another one"}')
        assert c.ask("GET", "/v1/invites", 200).json["items"][0]["state"] == "refused"
        fake.say("refuse")
        number = c.ask("GET", "/v1/quarantine?after=0&limit=10", 200).json["items"][0]["cursor"]
        c.ask("GET", f"/v1/quarantine/{number}", 200)
        c.ask("GET", f"/v1/quarantine/{number}/content", 200)

    def events():
        """events are entries, and their places are taken"""
        follower = Events(fake, "/v1/events?after=0")
        entry = follower.entry()
        schema = {"$ref": "#/components/schemas/Entry"}
        jsonschema.Draft202012Validator(schema, resolver=c.resolver).validate(entry)
        assert follower.response.status == 200
        c.operation("GET", "/v1/events")
        c.met.add(("/v1/events", "get", "200"))
        c.ask("GET", "/v1/events", 503)
        follower.close()

    def bad():
        """what goes wrong, as the document tells it"""
        for path, methods in document["paths"].items():
            concrete = path.replace("{id}", UNKNOWN).replace("{digest}", "0" * 64).replace("{n}", "999999").replace("{list}", "nope") \
                .replace("{kind}", "nope").replace("{code}", "NOPE")
            for method, o in methods.items():
                if "400" in o["responses"]:
                    c.ask(method.upper(), concrete + "?nonsense=1", 400, b"x" if method == "post" else None)
                if "404" in o["responses"] and "{" in path:
                    c.ask(method.upper(), concrete, 404, b"{}" if method == "post" else None)
        c.ask("POST", submit + "&to=fr", 400, seizure)
        c.ask("POST", submit, 422, faulty)
        c.ask("POST", "/v1/messages?operation=OTHER", 422, seizure)
        c.ask("POST", "/v1/check?operation=OTHER", 422, seizure)
        c.ask("POST", submit, 413, b" " * ((1 << 20) + 1))
        c.ask("POST", "/v1/check", 413, b" " * ((1 << 20) + 1))
        fake.say("busy")
        c.ask("POST", submit, 503, seizure)
        c.ask("POST", f"/v1/messages/{UNKNOWN}/read", 503)
        fake.say("ready")
        s = fake.dial()
        s.sendall(b"POST /v1/attachments HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\nExpect: 100-continue\r\n\r\n")
        answer = s.recv(65536)
        assert b" 413 " in answer
        c.met.add(("/v1/attachments", "post", "413"))
        s.close()
        # What the core decides, and a node without a trust list, are met by a core that says so.
        fake.say("answer denied")
        c.ask("POST", submit, 403, seizure)
        fake.say("answer exists")
        c.ask("POST", submit, 409, seizure)
        fake.say("answer normal")
        fake.say("distrust")
        c.ask("GET", "/v1/trust", 404)
        c.ask("GET", "/v1/operations", 404)

    def complete():
        """nothing of the document was left out"""
        want = {(path, method, status) for path, methods in document["paths"].items() for method, o in methods.items()
                for status in o["responses"] if status not in NOT_BROUGHT_ABOUT}
        assert want <= c.met, sorted(want - c.met)

    return [itself, table, good, events, bad, complete]


main()
