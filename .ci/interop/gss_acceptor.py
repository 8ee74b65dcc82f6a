#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""

# winrmctl as a client of gss-ntlmssp, a C library that accepts NTLM logins behind GSS-API.
#
# The server in this script only moves bytes between HTTP and GSS-API. That a login is right, that its MIC is right, that
# a sealed message opens and that its signature verifies is decided by the library for what winrmctl sends, and by
# winrmctl for what the library seals. So each test that passes is agreement of two implementations of MS-NLMP, and the
# tests that damage a message show that both ends do look.
#
# How gss-ntlmssp 1.2.0 behaves, as read in its source and seen here:
#   - unwrap compares the whole signature, sequence number included (gssntlm_unwrap).
#   - The MIC is verified when MsvAvFlags says that there is one (gssntlm_accept_sec_context); it need not be there.
#   - The challenge has TargetInfo, with a timestamp, only for a NEGOTIATE that sets REQUEST_TARGET.
#   - A login whose response was computed with an empty domain is accepted whatever the domain of the account is
#     (gssntlm_srv_auth tries both), one computed with another domain is not.
#   - Channel bindings are compared when the server knows its own and the client's are not all zero.
#   - Names are looked up in the locale of the process: one beyond ASCII is found in a UTF-8 locale only.
#   - A name is displayed with the NUL that ends it (gssntlm_display_name), and without the backslash after an empty domain.
#   - The LMv2 response is not looked at (LM_COMPAT_LEVEL 3).
#   - The library takes the flags of its own CHALLENGE for the session, not those of the AUTHENTICATE.
import locale
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness
import gss
import wsman
from gss import flip, same

gssapi = gss.gssapi
harness.need_program("openssl", "openssl")

# The accounts, in the library's own format: DOMAIN:user:password.
ACCOUNTS = """\
LAB:alice:Pa55-word
LAB:jürgen:gëheim-€-パスワード
LAB:svc\\ops:two words
:bob:bob's own
HOST7:carol:local
:dave@corp.example:principal
"""
COMPUTER = "HOST7"  # the acceptor's name in its challenge

# Flags of 2.2.2.5.
UNICODE, OEM, REQUEST_TARGET, SEAL = 0x1, 0x2, 0x4, 0x20
EXTENDED_SESSIONSECURITY, VERSION, BITS_128, KEY_EXCH = 0x80000, 0x2000000, 0x20000000, 0x40000000


def flags(drop=0, add=0):
    """Returns a function that changes the flags of a NEGOTIATE_MESSAGE (2.2.1.1: at offset 12)."""
    def change(message):
        (value,) = struct.unpack_from("<I", message, 12)
        return message[:12] + struct.pack("<I", value & ~drop | add) + message[16:]
    return change


class Acceptor(harness.Handler):
    """One TCP connection: one security context, as NTLM authenticates connections."""

    context = None
    consent = None

    def do_POST(self):
        s = self.server
        s.requests += 1
        body = self.body()
        token = gss.token(self.headers["Authorization"])
        if token and not self.login(token):
            return
        if not self.context or not self.context.complete:
            self.refuse()
        elif not body:
            self.answer(200)
        elif self.headers["Content-Type"] == gss.CONTENT_TYPE:
            self.sealed(body)
        elif s.scheme == "https":
            status, plain = s.service.answer(body)
            self.answer(status, [("Content-Type", "application/soap+xml;charset=UTF-8")], plain)
        else:
            self.refuse()

    def login(self, token):
        """Hands a token to the library. True after the last one of a login."""
        s = self.server
        at = token.find(b"NTLMSSP\0")
        (kind,) = struct.unpack_from("<I", token, at + 8)
        s.tokens.append(("wrapped " if at else "raw ") + {1: "NEGOTIATE", 3: "AUTHENTICATE"}[kind])
        if s.spnego and at == 0:
            self.refuse()  # as a server answers that insists on SPNEGO: without a challenge
            return False
        if kind == 1:
            self.context = gssapi.SecurityContext(creds=s.credentials, usage="accept", channel_bindings=s.bindings)
            token = s.change.get("negotiate", same)(token)
        else:
            s.authenticate = token[at:]
            token = s.change.get("authenticate", same)(token)
        try:
            reply = self.context.step(token)
        except gssapi.exceptions.GSSError as e:
            s.refused.append(str(e))
            self.refuse(e.token)
            return False
        if self.context.complete:
            s.names.append(str(self.context.initiator_name).rstrip("\0"))
            self.consent = reply  # SPNEGO's last token, with a mechListMIC; raw NTLM has none
            return True
        s.challenge = s.change.get("challenge", same)(reply)
        self.answer(401, [("WWW-Authenticate", gss.header(s.challenge))])
        return False

    def answer(self, status, headers=(), body=b""):
        if self.consent:
            token = self.server.change.get("consent", same)(self.consent)
            headers, self.consent = [*headers, ("WWW-Authenticate", gss.header(token))], None
        super().answer(status, headers, body)

    def refuse(self, token=None):
        """SPNEGO gives a token to say no with."""
        self.close_connection = True
        self.answer(401, [("WWW-Authenticate", gss.header(token) if token else "Negotiate"), ("Connection", "close")])

    def sealed(self, body):
        s = self.server
        try:
            message = gss.unseal(self.context, body, s.change.get("request", same))
        except gssapi.exceptions.GSSError as e:
            s.refused.append(str(e))
            self.close_connection = True
            self.answer(400, [("Connection", "close")])
            return
        status, plain = s.service.answer(message)
        self.answer(status, [("Content-Type", gss.CONTENT_TYPE)], gss.seal(self.context, plain, s.change.get("answer", same)))


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
        # The library reads these with each login.
        os.environ["NTLM_USER_FILE"] = self.file("accounts", ACCOUNTS)
        os.environ["NETBIOS_COMPUTER_NAME"] = COMPUTER
        os.environ.pop("NETBIOS_DOMAIN_NAME", None)

    def server(self, change=None, service=None, tls=None, bindings=None, spnego=False):
        s = harness.Server(Acceptor, tls)
        self.addCleanup(s.finish)
        s.credentials = gssapi.Credentials(usage="accept", mechs=[gss.SPNEGO, gss.NTLMSSP] if spnego else [gss.NTLMSSP])
        s.change, s.bindings, s.spnego = change or {}, bindings, spnego
        s.service = service or wsman.Service(
            [{"stdout": b"hello from C\n"}, None, {"stderr": "wärning\n".encode(), "stdout": b"bye\n"}], 7)
        s.tokens, s.names, s.refused, s.requests = [], [], [], 0
        s.challenge = s.authenticate = b""
        return s

    def execute(self, s, *arguments, user="LAB\\alice", password="Pa55-word", command="run this"):
        r = self.winrmctl("exec", "-u", user, "--password-file", self.file("password", password), *arguments, s.url, "--", command)
        self.assertEqual(s.errors, [], r)
        return r

    def assertRuns(self, r, s):
        self.assertEqual((r.code, r.out, r.err), (7, "hello from C\nbye\n", "wärning\n"), (r, s.refused))
        self.assertEqual(s.service.seen, ["Create", "Command", "Receive", "Receive", "Receive", "Delete"])
        self.assertEqual(s.service.command, "run this")
        self.assertIsNone(s.service.shell)
        self.assertEqual(s.refused, [])

    def assertNoLogin(self, r, s, text="the server refuses user"):
        self.assertEqual((r.code, r.out), (77, ""), r)
        self.assertRegex(r.err, r"\Awinrmctl: .*%s.*\n(hint: .*\n)?\Z" % text)
        self.assertEqual(s.service.seen, [])


class Login(Case):
    def test_login_and_sealed_session(self):
        s = self.server()
        self.assertRuns(self.execute(s), s)
        # Raw NTLM under Negotiate; the Create travels with the AUTHENTICATE, so that seven requests are all.
        self.assertEqual(s.tokens, ["raw NEGOTIATE", "raw AUTHENTICATE"])
        self.assertEqual(s.requests, 7)
        self.assertEqual(s.names, ["LAB\\alice"])
        self.assertIn("HTTP/127.0.0.1".encode("utf-16-le"), s.authenticate)  # MsvAvTargetName

    def test_wrong_password(self):
        s = self.server()
        self.assertNoLogin(self.execute(s, password="Pa55-worD"), s)
        self.assertTrue(s.refused)

    def test_unknown_user(self):
        s = self.server()
        self.assertNoLogin(self.execute(s, user="LAB\\nobody"), s)

    def test_names(self):
        for user, password, name in [
            ("LAB\\ALICE", "Pa55-word", "LAB\\ALICE"),  # NTOWFv2 takes the user's name in upper case (3.3.2)
            ("alice", "Pa55-word", "alice"),  # an empty domain
            ("LAB\\jürgen", "gëheim-€-パスワード", "LAB\\jürgen"),
            ("LAB\\JÜRGEN", "gëheim-€-パスワード", "LAB\\JÜRGEN"),
            ("bob", "bob's own", "bob"),
            ("LAB\\svc\\ops", "two words", "LAB\\svc\\ops"),  # only the first backslash ends the domain
            (".\\carol", "local", "HOST7\\carol"),  # the domain is the computer's name, from the challenge
            ("dave@corp.example", "principal", "\\dave@corp.example"),
        ]:
            with self.subTest(user):
                s = self.server()
                self.assertRuns(self.execute(s, user=user, password=password), s)
                self.assertEqual(s.names, [name])

    def test_other_domain(self):
        s = self.server()
        self.assertNoLogin(self.execute(s, user="OTHER\\alice"), s)

    def test_mic(self):
        """The MIC is over all three messages, and the library verifies it: only it can tell these changes."""
        for name, change in [
            ("none", {}),
            ("negotiate", {"negotiate": flip(39)}),  # the version's last byte, "for debugging only" (2.2.2.10)
            ("challenge", {"challenge": flip(55)}),  # the same
            ("authenticate", {"authenticate": flip(71)}),  # the same
            ("mic", {"authenticate": flip(72)}),  # 2.2.1.3: where the MIC stands
        ]:
            with self.subTest(name):
                s = self.server(change)
                r = self.execute(s)
                if change:
                    self.assertNoLogin(r, s)
                else:
                    self.assertRuns(r, s)
                self.assertTrue(struct.unpack_from("<I", s.authenticate, 60)[0] & VERSION)

    def test_channel_bindings(self):
        """The binding to the TLS certificate (RFC 5929), compared by the library."""
        cert, key = harness.certificate(self.directory)
        digest = harness.digest(cert)
        for name, binding, runs in [("right", digest, True), ("other certificate", digest[::-1], False), ("unchecked", None, True)]:
            for encryption in "auto", "always":
                with self.subTest(name, encryption=encryption):
                    s = self.server(tls=harness.tls(cert, key), bindings=binding and gss.bindings(binding))
                    r = self.execute(s, "--ca-file", cert, "--encryption", encryption)
                    if runs:
                        self.assertRuns(r, s)
                    else:
                        self.assertNoLogin(r, s)

    def test_challenge_without_target_info(self):
        """Then there is no timestamp, and a client sends LMv2 and no MIC (3.1.5.1.2)."""
        s = self.server({"negotiate": flags(drop=REQUEST_TARGET)})
        self.assertRuns(self.execute(s), s)
        self.assertEqual(struct.unpack_from("<H", s.challenge, 40), (0,))

    # With no TargetInfo there is no MIC, so these may change what the client asks for without its notice.

    def test_oem_names(self):
        s = self.server({"negotiate": flags(drop=REQUEST_TARGET | UNICODE, add=OEM)})
        self.assertRuns(self.execute(s), s)
        self.assertIn(b"alice", s.authenticate)

    def test_session_without_key_exchange(self):
        """Then signatures are not encrypted (3.4.4.2)."""
        s = self.server({"negotiate": flags(drop=REQUEST_TARGET | KEY_EXCH)})
        self.assertRuns(self.execute(s), s)

    def test_weak_sessions_are_refused(self):
        for name, flag in [("SEAL", SEAL), ("128", BITS_128), ("EXTENDED_SESSIONSECURITY", EXTENDED_SESSIONSECURITY)]:
            with self.subTest(name):
                s = self.server({"negotiate": flags(drop=REQUEST_TARGET | flag)})
                self.assertNoLogin(self.execute(s), s, "challenge cannot be used: .*" + name)
                self.assertEqual(s.tokens, ["raw NEGOTIATE"])


class Sealing(Case):
    def test_damaged_requests(self):
        """The library verifies what winrmctl signs: data, checksum (byte 4) and sequence number (byte 12)."""
        for at in -1, 4, 12:
            with self.subTest(at):
                s = self.server({"request": flip(at)})
                r = self.execute(s)
                # A 400 in answer to the login's last request may mean that the server wants it empty: one more login.
                self.assertEqual((r.code, r.out), (69, ""), r)
                self.assertIn("cannot read the request (HTTP 400)", r.err)
                self.assertEqual(len(s.refused), 2)
                self.assertEqual(s.service.seen, [])

    def test_damaged_answers(self):
        """winrmctl verifies what the library signs."""
        for at in -1, 4, 12:
            with self.subTest(at):
                s = self.server({"answer": flip(at)})
                r = self.execute(s)
                self.assertEqual((r.code, r.out), (69, ""), r)
                self.assertIn("does not open: ntlm: the signature does not verify", r.err)
                self.assertEqual(s.service.seen, ["Create"])

    def test_replayed_answer(self):
        """An answer that was right once is refused a second time: it has another sequence number."""
        sent = []

        def replay(wrapped):
            sent.append(wrapped)
            return sent[0]
        s = self.server({"answer": replay})
        r = self.execute(s)
        self.assertEqual((r.code, r.out), (69, ""), r)
        self.assertIn("does not open", r.err)

    def test_much_output(self):
        """Three megabytes, with both RC4 states far from their beginning."""
        pieces = [os.urandom(150000).hex().encode() for _ in range(10)]
        s = self.server(service=wsman.Service([{"stdout": p} for p in pieces], 0))
        r = self.execute(s)
        self.assertEqual((r.code, r.err), (0, ""), r)
        self.assertEqual(r.out.encode(), b"".join(pieces))

    def test_input_on_a_second_connection(self):
        """Send travels on a connection of its own: two sessions of one account at the same time."""
        data = os.urandom(400000)
        s = self.server(service=wsman.Service([], 0, stdin=True))
        path = os.path.join(self.directory, "input")
        with open(path, "wb") as f:
            f.write(data)
        r = self.winrmctl("exec", "-i", "-u", "LAB\\alice", "--password-file", self.file("password", "Pa55-word"), s.url, "cat", stdin=path)
        self.assertEqual((r.code, r.raw), (0, data), r.err)
        self.assertEqual(s.names, ["LAB\\alice"] * 2)
        self.assertEqual((s.errors, s.refused), ([], []))


class Wrapped(Case):
    """NTLM within SPNEGO, as some servers insist on; MIT's SPNEGO takes part."""

    def test_login_and_sealed_session(self):
        """A login with a MIC signs the list of mechanisms too, both ways; then the RC4 states start afresh, while the
        sequence numbers go on (MS-SPNG 3.3.5.1): else the first message would not open."""
        s = self.server(spnego=True)
        self.assertRuns(self.execute(s), s)
        self.assertEqual(s.tokens, ["raw NEGOTIATE", "wrapped NEGOTIATE", "wrapped AUTHENTICATE"])

    def test_wrong_password(self):
        s = self.server(spnego=True)
        self.assertNoLogin(self.execute(s, password="wrong"), s)

    def test_mech_list_mic(self):
        """It ends both last tokens. Each end verifies the other's."""
        s = self.server({"authenticate": flip(-1)}, spnego=True)
        self.assertNoLogin(self.execute(s), s)
        s = self.server({"consent": flip(-1)}, spnego=True)
        r = self.execute(s)
        self.assertEqual((r.code, r.out), (77, ""), r)
        self.assertIn("the signature does not verify", r.err)

    def test_channel_bindings(self):
        cert, key = harness.certificate(self.directory)
        for digest, runs in (harness.digest(cert), True), (bytes(32), False):
            s = self.server(spnego=True, tls=harness.tls(cert, key), bindings=gss.bindings(digest))
            r = self.execute(s, "--ca-file", cert)
            if runs:
                self.assertRuns(r, s)
            else:
                self.assertNoLogin(r, s)


if __name__ == "__main__":
    harness.run()
