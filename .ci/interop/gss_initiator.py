#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""

# gss-ntlmssp, a C library, as a client of a sandbox: raw NTLM, and NTLM within SPNEGO, which is MIT's own. The script moves
# bytes between GSS-API and HTTP. That logins, signatures and sealed messages are right is decided by the sandbox for what
# the library sends, and by the library for what the sandbox sends.
#
# How gss-ntlmssp 1.2.0 behaves as a client, as read in its source and seen here:
#   - Raw NTLM has no MIC, within SPNEGO there is one, and a mechListMIC too (gssntlm_cli_auth: only a caller that can make
#     that one is given a MIC).
#   - The LM response is empty, not 24 zero bytes, when the challenge has TargetInfo.
#   - NEGOTIATE offers UNICODE and OEM; user names may have any letter.
import http.client
import locale
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness
import gss
from gss import flip, same

gssapi = gss.gssapi
SEALED = gssapi.RequirementFlag.confidentiality | gssapi.RequirementFlag.integrity
IDENTIFY = (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/'
            b'wsmanidentity.xsd"><s:Header/><s:Body><i:Identify/></s:Body>%s</s:Envelope>')


class Refused(Exception):
    pass


class Connection:
    """One TCP connection with one security context."""

    def __init__(self, url, mechanism, user, flags=SEALED, bindings=None, ca=None, change=None):
        scheme, _, rest = url.partition("://")
        host, port = rest.split("/")[0].split(":")
        if scheme == "https":
            self.http = http.client.HTTPSConnection(host, int(port), timeout=20, context=ssl.create_default_context(cafile=ca))
            self.http.connect()
            if callable(bindings):
                bindings = bindings(self.http.sock.getpeercert(True))
        else:
            self.http = http.client.HTTPConnection(host, int(port), timeout=20)
        credentials = gssapi.Credentials(name=gssapi.Name(user, gssapi.NameType.user), usage="initiate",
                                         mechs={mechanism, gss.NTLMSSP})
        if mechanism == gss.SPNEGO:
            gssapi.raw.set_neg_mechs(credentials, [gss.NTLMSSP])
        self.context = gssapi.SecurityContext(
            name=gssapi.Name("HTTP@" + host, gssapi.NameType.hostbased_service), creds=credentials, mech=mechanism, usage="initiate",
            flags=flags, channel_bindings=bindings)
        self.change = change or {}

    def post(self, headers, body=None):
        self.http.request("POST", "/wsman", body, headers)
        answer = self.http.getresponse()
        return answer.status, answer.headers, answer.read()

    def login(self):
        """Logs in with empty bodies, as Windows clients do."""
        token = self.context.step()
        for step in "negotiate", "authenticate":
            status, headers, _ = self.post({"Authorization": gss.header(self.change.get(step, same)(token))})
            token = gss.token(headers["WWW-Authenticate"])
            if status == 200 and not token and self.context.complete:
                return self  # raw NTLM ends with the client's message
            if not token:
                raise Refused(status)
            token = self.context.step(token)
            if status == 200:
                return self
        raise Refused(status)

    def identify(self, padding=0):
        body = gss.seal(self.context, IDENTIFY % (b"<!--%s-->" % (b"x" * padding)), self.change.get("request", same))
        status, headers, body = self.post({"Content-Type": gss.CONTENT_TYPE}, body)
        if status != 200 or headers["Content-Type"] != gss.CONTENT_TYPE:
            raise Refused(status)
        return gss.unseal(self.context, body, self.change.get("answer", same))


class Tests:
    """For both forms of the login."""

    def setUp(self):
        super().setUp()
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")  # names are looked up in the locale of the process

    def connect(self, server, user=None, password="Pa55-word", **options):
        user = user or "LAB\\" + server["user"]
        os.environ["NTLM_USER_FILE"] = self.file("accounts", ":".join(user.split("\\") + [password]) + "\n")
        c = Connection(server["url"], self.mechanism, user, **options)
        self.addCleanup(c.http.close)
        return c

    def assertRefused(self, connection, reason):
        with self.assertRaises(Refused) as e:
            connection.login()
        self.assertEqual(e.exception.args, (401,))
        self.assertIn(reason, self.sandbox_log())

    def test_login_and_sealed_session(self):
        c = self.connect(self.sandbox()).login()
        for padding in 0, 1, 100000, 0:
            self.assertIn(b"IdentifyResponse", c.identify(padding))

    def test_accounts(self):
        for user, password in ("bob", "x"), ("jürgen", "gëheim-€-パスワード"):
            for written in "LAB\\" + user, "LAB\\" + user.upper(), "\\" + user:
                with self.subTest(written):
                    server = self.sandbox(user=user, password=password)
                    self.assertIn(b"IdentifyResponse", self.connect(server, written, password).login().identify())

    def test_wrong_password(self):
        self.assertRefused(self.connect(self.sandbox(), password="Pa55-worD"), "NTProofStr is wrong")

    def test_unknown_user(self):
        self.assertRefused(self.connect(self.sandbox(), user="LAB\\mallory"), "no such account")

    def test_session_without_sealing_is_refused(self):
        c = self.connect(self.sandbox(), flags=gssapi.RequirementFlag.integrity)
        self.assertRefused(c, "SEAL")

    def test_damaged_request(self):
        for at in -1, 4, 12:  # of the data; of the signature, its checksum and its sequence number
            with self.subTest(at):
                c = self.connect(self.sandbox(), change={"request": flip(at)}).login()
                with self.assertRaises(Refused) as e:
                    c.identify()
                self.assertEqual(e.exception.args, (400,))
                self.assertIn("the signature does not verify", self.sandbox_log())

    def test_damaged_answer(self):
        for at in -1, 4, 12:
            with self.subTest(at):
                c = self.connect(self.sandbox(), change={"answer": flip(at)}).login()
                with self.assertRaises(gssapi.exceptions.BadMICError):
                    c.identify()

    def test_channel_bindings(self):
        ca = os.path.join(self.directory, "ca.pem")
        server = self.sandbox("--https", "--ca-out", ca)

        def right(certificate):
            return gss.bindings(harness.sha256(certificate))
        for bindings in right, None:
            c = self.connect(server, ca=ca, bindings=bindings).login()
            self.assertIn(b"IdentifyResponse", c.identify())  # sealed, within TLS
        c = self.connect(server, ca=ca, bindings=gss.bindings(bytes(32)))
        self.assertRefused(c, "channel bindings are those of another TLS end point")


class Raw(Tests, harness.Case):
    mechanism = gss.NTLMSSP


class Wrapped(Tests, harness.Case):
    mechanism = gss.SPNEGO

    def test_mic(self):
        """The MIC of the three NTLM messages: a changed version in the first one shows in nothing else."""
        def change(token):
            return flip(token.index(b"NTLMSSP\0") + 39)(token)
        self.assertRefused(self.connect(self.sandbox(), change={"negotiate": change}), "the MIC is missing or wrong")

    def test_mech_list_mic(self):
        """It ends the client's last token."""
        self.assertRefused(self.connect(self.sandbox(), change={"authenticate": flip(-1)}), "mechListMIC")


if __name__ == "__main__":
    harness.run()
