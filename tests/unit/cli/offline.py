#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that need no node: what they print and how they end."""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from play import INVALID, SAMPLES, Fake, environment, json, net, on_terminal, reeve, sample  # noqa: E402

KINDS = ["seizure-short", "seizure-long", "warning", "alert", "feedback", "situation-report", "update", "cancel", "request", "reply",
         "operation", "seizure"]
BAD = os.path.join(INVALID, "xsd-bad-handling-code.xml")


def squeeze(text):
    return re.sub(" +", " ", text)


def new():
    """a template of each kind is a good draft"""
    for kind in KINDS:
        text = reeve("new", kind).out
        checked = reeve("check", "-", stdin=text.encode())
        assert checked.out == "" and checked.err == "1 file checked: fine\n", (kind, checked.out, checked.err)
    assert reeve("new", "seizure").out == reeve("new", "seizure-short").out
    near = reeve("new", "warnign", status=2).err
    assert near == "reeve: there is no kind 'warnign'; did you mean 'warning'?\n'reeve new --help' tells more.\n", near
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "draft.xml")
        assert reeve("new", "alert", "--out", path).out == ""
        with open(path) as f:
            assert "<TypeCode>alert</TypeCode>" in f.read()
        reeve("new", "alert", "-o", os.path.join(d, "no", "such", "folder"), status=1)


def check():
    """faults are told with file, line, column, rule, path and mend; the exit status tells programs"""
    done = reeve("check", BAD, status=1)
    assert done.out == (
        f"{BAD}:11:5: error: HandlingCode is 'H4'; allowed are H0, H1, H2 and H3 [XSD-ENUM]\n"
        "    at /Message/Header/HandlingCode\n"
        "    Choose one of them; 'reeve codes handling' tells what each means.\n"), done.out
    assert done.err == "1 file checked: 1 error\n", done.err
    good = os.path.join(SAMPLES, "seizure-short-drugs.xml")
    assert reeve("check", good, BAD, status=1).err == "2 files checked: 1 error\n"
    rows = reeve("check", "--json", good, BAD, status=1).json
    assert [r["file"] for r in rows] == [good, BAD] and rows[0]["faults"] == []
    fault = rows[1]["faults"][0]
    assert (fault["level"], fault["rule"], fault["line"], fault["column"]) == ("error", "XSD-ENUM", 11, 5)
    assert fault["path"] == "/Message/Header/HandlingCode" and fault["mend"]
    assert "XML-SYNTAX" in reeve("check", "-", stdin=b"<Message>", status=1).out
    assert "XML-DOCTYPE" in reeve("check", "-", stdin=b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", status=1).out
    missing = reeve("check", "/nonexistent/x.xml", status=1)
    assert missing.out == "" and "cannot be opened" in missing.err
    assert "is a folder" in reeve("check", "/tmp", status=1).err
    huge = reeve("check", "-", stdin=b" " * (1 << 20) + b"x", status=1).err
    assert "more than" in huge, huge
    assert "needs FILE..." in reeve("check", status=2).err


def hostile():
    """nothing that stands in a file or a name steers the terminal"""
    draft = sample("seizure-short-drugs.xml").replace(b"<HandlingCode>H1", "<HandlingCode>\u009b31mH9\u202e".encode(), 1)
    done = reeve("check", "-", stdin=draft, status=1)
    assert "\u009b" not in done.out and "\u202e" not in done.out and "\ufffd" in done.out, done.out
    done = reeve("check", "/tmp/\x1b[2J\u202e.xml", status=1)
    assert "\x1b" not in done.err and "\u202e" not in done.err
    assert "\x1b" not in reeve("\x1b[2J", status=2).err
    assert json.loads(reeve("check", "--json", "-", stdin=draft, status=1).out)[0]["errors"] >= 1


def codes():
    """codes are looked up by their beginning or their meaning"""
    assert reeve("codes", "units", "KG").out.splitlines()[:2] == ["CODE  MEANING", "KGM   kilogram"], reeve("codes", "units", "KG").out
    assert "KE" in reeve("codes", "countries", "keny").out
    assert {"code": "KE", "name": "Kenya"} in reeve("codes", "countries", "KE", "--json").json
    assert reeve("codes", "countries", "zzz", status=1).out == ""
    assert "'reeve codes' tells" in reeve("codes", "nope", status=1).err
    lists = reeve("codes").out.split()
    assert "detection-methods" in lists and "countries" in lists and lists == sorted(lists)
    for one in lists:
        reeve("codes", one)


def words():
    """every command tells what it does; a typo is met with the nearest; statuses are 0, 1 and 2"""
    commands = re.findall(r"^  ([a-z]+)  ", reeve("--help").out.split("Options:")[0], re.M)
    assert len(commands) > 15, commands
    for command in commands:
        text = reeve(command, "--help").out
        assert text.startswith("Usage: reeve " + command), text
        assert reeve("help", command).out == text
        assert all(len(line) < 110 for line in text.splitlines()), text
    assert "did you mean 'inbox'?" in reeve("imbox", status=2).err
    assert "did you mean --follow?" in reeve("inbox", "--folow", status=2).err
    assert "no configuration is named" in reeve("inbox", status=1).err
    assert reeve(status=2).out == ""


def terminal():
    """colours on a terminal only, and not against NO_COLOR; tables fit the terminal"""
    on = on_terminal("check", BAD)
    assert "\x1b[1;31merror\x1b[0m" in on, on
    for env in (environment(NO_COLOR="1"), environment(TERM="dumb")):
        assert "\x1b" not in on_terminal("check", BAD, env=env)
    assert "\x1b" not in reeve("check", BAD, status=1).out
    narrow = on_terminal("codes", "detection-methods", columns=40, env=environment(NO_COLOR="1"))
    assert all(len(line) <= 40 for line in narrow.splitlines()) and "\u2026" in narrow, narrow
    assert "\u2026" not in reeve("codes", "detection-methods").out


def with_trust(f, folder):
    trust = ["--trust", os.path.join(f.dir, "trust.xml"), "--authority", os.path.join(f.dir, "authority.pem")]
    conf = ["-c", os.path.join(f.dir, "reeve.conf")]
    store = {}

    def content(message):
        path = os.path.join(folder, message + ".xml")
        with open(path, "wb") as out:
            out.write(f.get(f"/v1/messages/{message}/content"))
        return path

    def verify():
        """a sealed message verifies with the trust list alone, and says who signed and how it may be used"""
        store["first"] = content(f.arrive(1, "seizure-short-drugs.xml"))
        done = reeve("verify", store["first"], *trust)
        assert done.out.startswith(f"{store['first']}: verified\n") and done.err == ""
        page = squeeze(done.out)
        for part in ("from FR, Port Control Unit", "operation CRANE-26, roster 1, number 1 of its originator",
                     "handling H1, TLP:AMBER, onward: ask", "sections event, goods", "CN=FR"):
            assert part in page, (part, page)
        assert all(len(line) <= 80 for line in done.out.splitlines())
        assert reeve(*conf, "verify", store["first"]).out == done.out
        one = reeve("verify", "--json", store["first"], *trust).json[0]
        assert one["verified"] and one["header"]["originator"] == "FR" and one["present"] == ["event", "goods"], one

    def altered():
        """any change is found and named"""
        with open(store["first"], "rb") as g:
            good = g.read()
        cases = {"SEAL-DIGEST": good.replace(b"cocaine</SubCategoryCode>", b"opium</SubCategoryCode>", 1),
                 "SEAL-CANONICAL": good.replace(b"<Event ", b"<Event  ", 1)}
        for rule, bad in cases.items():
            assert bad != good
            path = os.path.join(folder, "altered.xml")
            with open(path, "wb") as g:
                g.write(bad)
            done = reeve("verify", path, *trust, status=1)
            assert f"altered.xml: not verified [{rule}]" in done.out and "why" in done.out, done.out
            one = reeve("verify", "--json", path, *trust, status=1).json[0]
            assert not one["verified"] and one["rule"] == rule, one
        reeve("verify", os.path.join(SAMPLES, "seizure-short-drugs.xml"), *trust, status=1)

    def withheld():
        """what was withheld is named, and the rest still verifies"""
        path = content(f.say("withhold " + os.path.join(SAMPLES, "seizure-long-cash.xml")))
        assert "withheld persons" in squeeze(reeve("verify", path, *trust).out)

    def stranger():
        """a list of another authority is not believed"""
        with Fake() as other:
            done = reeve("verify", store["first"], "--trust", os.path.join(f.dir, "trust.xml"), "--authority",
                         os.path.join(other.dir, "authority.pem"), status=1)
            assert done.out == "" and "trust.xml" in done.err, done.err
            done = reeve("verify", store["first"], "--trust", os.path.join(other.dir, "trust.xml"), "--authority",
                         os.path.join(other.dir, "authority.pem"), status=1)
            assert "not verified" in done.out
        assert "no configuration is named" in reeve("verify", store["first"], status=1).err

    def chain():
        """several messages: the chain of their originator holds, gaps are told, forks refused"""
        files = [content(f.arrive(1, "seizure-short-drugs.xml")) for _ in range(4)]
        assert reeve("verify", *files, *trust).err == ""
        gap = reeve("verify", files[0], files[3], *trust).err
        assert re.search(r"chain of FR in CRANE-26: numbers \d+ to \d+ are not among the files", gap), gap
        assert reeve("verify", files[0], files[0], *trust).err == ""
        path = os.path.join(folder, "forged.xml")
        for behind, words in ((0, "was given to two messages"), (1, "names another predecessor")):
            f.say(f"forge {behind} {os.path.join(SAMPLES, 'seizure-short-drugs.xml')} {path}")
            done = reeve("verify", files[3], path, *trust, status=1)
            assert "not verified" not in done.out and words in done.err, (done.out, done.err)

    def operations():
        """operations are shown as the trust list has them"""
        listed = reeve("operation", "list", *trust).out
        assert re.search(r"^CRANE-26 .* KE .* 2$", listed, re.M), listed
        page = reeve(*conf, "operation", "show", "CRANE-26").out
        assert re.search(r"^FR +Member FR +participant ", page, re.M), page
        assert reeve("operation", "show", "CRANE-26", "--json", *trust).json["lead"] == "KE"
        assert "has no operation NOPE" in reeve("operation", "show", "NOPE", *trust, status=1).err
        assert "needs a sub-command" in reeve("operation", status=2).err

    def check_operation():
        """a draft is checked against an operation's own rules"""
        draft = os.path.join(SAMPLES, "request.xml")
        assert reeve("check", draft).status == 0
        done = reeve("check", draft, "--operation", "CRANE-26", *trust, status=1)
        assert "error" in done.out, done.out
        assert "no operation NOPE" in reeve("check", draft, "--operation", "NOPE", *trust, status=1).err

    return [verify, altered, withheld, stranger, chain, operations, check_operation]


def main():
    folder = tempfile.mkdtemp(prefix="reeve-offline.")
    try:
        with Fake() as f:
            net.Tap().run([new, check, hostile, codes, words, terminal] + with_trust(f, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
