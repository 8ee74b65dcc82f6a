#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""

# pywinrm, the client that Ansible uses, on a sandbox: its NTLM (python3-ntlm-auth), its channel bindings
# (python3-requests-ntlm), its framing, SOAP and command loop against ours.
#
# How pywinrm 0.3.0 behaves, as read in its source:
#   - It verifies the signature of what it opens, and holds Length against it.
#   - It asks with a bare request first, and sends both NTLM messages with an empty body when it seals, with the SOAP
#     message in each of them when it does not.
#   - MaxEnvelopeSize is always 153600, the code page 437 if not told otherwise.
#   - It takes the fault 2150858793 for "nothing yet" and every other one for an error.
#   - It cannot send stdin (send_command_input came with 0.4.2).
#   - ntlm-auth offers OEM names only, and writes them in ASCII: no user name can have another letter.
#   - Of several environment variables it sends the last one only.
import ctypes
import ctypes.util
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness

winrm = harness.need("python3-winrm", "winrm")
requests_ntlm = harness.need("python3-requests-ntlm", "requests_ntlm.requests_ntlm")
from winrm.exceptions import InvalidCredentialsError, WinRMError, WinRMOperationTimeoutError, WinRMTransportError
from winrm.protocol import Protocol


def enable_md4():
    """NTLM hashes passwords with MD4, which OpenSSL 3 has in its legacy provider: loads that in this process alone."""
    crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    crypto.OSSL_PROVIDER_load.restype = ctypes.c_void_p
    crypto.OSSL_PROVIDER_load.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    for name in b"legacy", b"default":
        crypto.OSSL_PROVIDER_load(None, name)


try:
    hashlib.new("md4")
except ValueError:
    try:
        enable_md4()
        hashlib.new("md4")
    except (AttributeError, OSError, TypeError, ValueError) as e:
        harness.skip("OpenSSL has no MD4 here, which NTLM needs: %s" % e)


class Client(Protocol):
    """pywinrm's client, with a count of its timeouts and the size of the largest answer."""

    timeouts = 0
    largest = 0

    def send_message(self, message):
        try:
            answer = super().send_message(message)
        except WinRMOperationTimeoutError:
            self.timeouts += 1
            raise
        self.largest = max(self.largest, len(answer))
        return answer

    def run(self, line, arguments=(), shell=None, **options):
        """Runs one command; in a shell of its own if none is given."""
        own = shell or self.open_shell(codepage=65001, **options)
        command = self.run_command(own, line, arguments)
        try:
            return self.get_command_output(own, command)
        finally:
            self.cleanup_command(own, command)
            if not shell:
                self.close_shell(own)

    def send_stdin(self, shell, command, data, end):
        if hasattr(Protocol, "send_command_input"):
            return self.send_command_input(shell, command, data, end=end)
        # A version without it: the message of MS-WSMV 3.1.4.13, in pywinrm's own envelope and sealing.
        import base64
        import xmltodict
        envelope = self._get_soap_header(
            resource_uri="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd",
            action="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send", shell_id=shell)
        envelope["env:Body"] = {"rsp:Send": {"rsp:Stream": {
            "@Name": "stdin", "@CommandId": command, "@End": "true" if end else "false", "#text": base64.b64encode(data).decode()}}}
        return self.send_message(xmltodict.unparse({"env:Envelope": envelope}))


class Case(harness.Case):
    def connect(self, server, **options):
        c = Client(server["url"], **{"transport": "ntlm", "username": server["user"], "password": server["password"], **options})
        self.addCleanup(lambda: c.transport.session and c.transport.session.close())
        return c


def flood(size):
    """What the sandbox's program of that name writes: numbered lines of 64 bytes."""
    return b"".join(b"%062d\r\n" % i for i in range(size // 64 + 1))[:size]


class Sealed(Case):
    """NTLM and sealing over http, as against a default Windows host."""

    def client(self, server=None, **options):
        return self.connect(server or self.sandbox("--programs", "builtin"), **{"message_encryption": "always", **options})

    def test_streams_and_exit_codes(self):
        c = self.client()
        self.assertEqual(c.run("echo hello ; err oops ; exit 7"), (b"hello\n", b"oops\n", 7))
        self.assertEqual(c.run("echo", ["two", "words"]), (b"two words\n", b"", 0))
        for code in 0, 1, 255, 256, 300, 3221225786, 4294967295:
            self.assertEqual(c.run("exit %d" % code), (b"", b"", code))
        self.assertEqual(c.run("bytes 00ff0d0a1a"), (b"\x00\xff\r\n\x1a", b"", 0))

    def test_unicode(self):
        text = "Grüße, 世界, emoji \U0001f600, & < > ' ]]>"
        self.assertEqual(self.client().run("echo " + text), ((text + "\n").encode(), b"", 0))

    def test_environment_and_directory(self):
        c = self.client()
        self.assertEqual(c.run("env ; cwd ; codepage", env_vars={"STAGE": "prüf & <x>"}, working_directory="C:\\a b"),
                         ("STAGE=prüf & <x>\nC:\\a b\n65001\n".encode(), b"", 0))

    def test_two_commands_in_one_shell(self):
        c = self.client()
        shell = c.open_shell()
        self.assertEqual(c.run("echo 1", shell=shell), (b"1\n", b"", 0))
        self.assertEqual(c.run("err 2 ; exit 2", shell=shell), (b"", b"2\n", 2))
        c.close_shell(shell)
        with self.assertRaisesRegex(WinRMError, "2150858843"):
            c.run("echo 3", shell=shell)

    def test_much_output(self):
        c = self.client()
        self.assertEqual(c.run("flood 1048576"), (flood(1048576), b"", 0))
        # MaxEnvelopeSize of the request binds the server (DSP0226 6.4), and is made good use of.
        self.assertLessEqual(c.largest, 153600)
        self.assertGreater(c.largest, 100000)

    def test_enumeration(self):
        """WS-Enumeration in pywinrm's envelopes and sealing, whose MaxEnvelopeSize bounds the pages."""
        import xml.etree.ElementTree as ET
        import xmltodict
        c = self.client()
        enumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"

        def ask(action, body, uri="http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*"):
            envelope = c._get_soap_header(resource_uri=uri, action=enumeration + "/" + action)
            envelope["env:Body"] = {"n:" + action: body}
            root = ET.fromstring(c.send_message(xmltodict.unparse({"env:Envelope": envelope})))
            context = root.find(".//{%s}EnumerationContext" % enumeration)
            items = [i for e in root.iter() if e.tag.endswith("}Items") for i in e]
            return context.text if context is not None else None, items

        numbers, pages = [], 0
        context, items = ask("Enumerate", {"w:OptimizeEnumeration": None, "w:MaxElements": "32000", "w:Filter": {
            "@Dialect": "http://schemas.microsoft.com/wbem/wsman/1/WQL", "#text": "SELECT Number FROM Sandbox_Number WHERE Number <= 5000"}})
        while True:
            numbers += [int("".join(i.itertext())) for i in items]
            pages += 1
            if not context:
                break
            context, items = ask("Pull", {"n:EnumerationContext": context, "n:MaxElements": "32000"})
        self.assertEqual(numbers, list(range(1, 5001)))
        self.assertGreater(pages, 2)
        self.assertLessEqual(c.largest, c.max_env_sz)
        # A shell is among those that are listed.
        shell = c.open_shell()
        _, items = ask("Enumerate", {"w:OptimizeEnumeration": None, "w:MaxElements": "32000"}, "http://schemas.microsoft.com/wbem/wsman/1/windows/shell")
        self.assertEqual([e.text for i in items for e in i if e.tag.endswith("}ShellId")], [shell])
        c.close_shell(shell)

    def test_silent_command(self):
        c = self.client(operation_timeout_sec=1, read_timeout_sec=5)
        self.assertEqual(c.run("sleep 2.5 ; echo late ; exit 3"), (b"late\n", b"", 3))
        self.assertGreaterEqual(c.timeouts, 1)

    def test_stdin(self):
        c = self.client()
        shell = c.open_shell()
        command = c.run_command(shell, "cat ; exit 4", console_mode_stdin=False)
        data = os.urandom(60000)
        c.send_stdin(shell, command, data[:50000], end=False)
        c.send_stdin(shell, command, data[50000:], end=True)
        self.assertEqual(c.get_command_output(shell, command), (data, b"", 4))
        c.close_shell(shell)

    def test_terminate(self):
        """Cleaning up after a command ends it, and frees its id."""
        c = self.client()
        shell = c.open_shell()
        command = c.run_command(shell, "sleep 60")
        c.cleanup_command(shell, command)
        with self.assertRaisesRegex(WinRMError, "2150858843"):
            c.get_command_output(shell, command)
        c.close_shell(shell)

    def test_no_shell_is_left(self):
        """MaxShellsPerUser is 30: what counts against it after a close would show."""
        c = self.client()
        for _ in range(3):
            c.run("echo x")
        shells = [c.open_shell() for _ in range(30)]
        with self.assertRaisesRegex(WinRMError, "2150859173"):
            c.open_shell()
        for shell in shells:
            c.close_shell(shell)
        self.assertEqual(c.run("echo again"), (b"again\n", b"", 0))

    def test_accounts(self):
        for written, user, password in [("bob", "bob", "Pa55-word"), ("BOB", "bob", "Pa55-word"), ("SANDBOX\\bob", "bob", "Pa55-word"),
                                        ("bob", "bob", "gëheim-€-パスワード")]:
            with self.subTest(written, password=password):
                server = self.sandbox("--programs", "builtin", user=user, password=password)
                self.assertEqual(self.client(server, username=written).run("echo in"), (b"in\n", b"", 0))

    def test_refused(self):
        server = self.sandbox("--programs", "builtin")
        for options in {"password": "Pa55-worD"}, {"username": "mallory"}:
            with self.subTest(options), self.assertRaises(InvalidCredentialsError):
                self.client(server, **options).open_shell()

    def test_damaged_messages(self):
        """Both ends verify what the other has signed."""
        c = self.client(self.sandbox("--programs", "builtin", "--fault", "corrupt,on=Command"))
        with self.assertRaisesRegex(Exception, "signature checksum does not match"):
            c.run("echo x")
        c = self.client()
        shell = c.open_shell()
        security = c.transport.session.auth.session_security
        wrap = security.wrap

        def damaged(message):
            sealed, signature = wrap(message)
            return sealed, signature[:4] + bytes([signature[4] ^ 1]) + signature[5:]  # in the checksum
        security.wrap = damaged
        with self.assertRaises(WinRMTransportError) as e:
            c.run("echo x", shell=shell)
        self.assertEqual(e.exception.code, 400)
        self.assertIn("the signature does not verify", self.sandbox_log())

    def test_unsealed_is_refused(self):
        """AllowUnencrypted=false: the right password does not help who sends in clear."""
        for transport in "ntlm", "plaintext":
            with self.subTest(transport), self.assertRaises(InvalidCredentialsError):
                self.client(message_encryption="never", transport=transport).open_shell()


class HostPrograms(Case):
    def test_local_shell(self):
        c = self.connect(self.sandbox("--programs", "host"), message_encryption="always")
        self.assertEqual(c.run("printf '%s\\n' \"$GREETING\" ; echo oops >&2 ; pwd ; exit 42", env_vars={"GREETING": "grüß dich"},
                               working_directory=self.directory), (("grüß dich\n%s\n" % self.directory).encode(), b"oops\n", 42))


class HTTPS(Case):
    """In clear within TLS, the certificate checked, and bound to the login."""

    def client(self, **options):
        server = self.sandbox("--programs", "builtin", "--https", "--ca-out", os.path.join(self.directory, "ca.pem"))
        return self.connect(server, **{"ca_trust_path": server["ca_file"], **options})

    def test_ntlm(self):
        for encryption in "auto", "never", "always":
            with self.subTest(encryption):
                self.assertEqual(self.client(message_encryption=encryption).run("echo x ; exit 9"), (b"x\n", b"", 9))

    def test_channel_bindings(self):
        """The sandbox compares the bindings that requests-ntlm computes; without any it lets a client in, as Windows does
        by default (CbtHardeningLevel Relaxed)."""
        self.assertEqual(self.client(send_cbt=False).run("echo x"), (b"x\n", b"", 0))
        original = requests_ntlm._get_certificate_hash
        self.addCleanup(setattr, requests_ntlm, "_get_certificate_hash", original)
        asked = []

        def other(certificate):
            asked.append(original(certificate))
            return hashlib.sha256(b"another certificate").hexdigest().upper()
        requests_ntlm._get_certificate_hash = other
        with self.assertRaises(InvalidCredentialsError):
            self.client().open_shell()
        self.assertTrue(asked[0])
        self.assertIn("channel bindings are those of another TLS end point", self.sandbox_log())

    def test_certificate_is_checked(self):
        with self.assertRaisesRegex(Exception, "CERTIFICATE_VERIFY_FAILED"):
            self.client(ca_trust_path=None).open_shell()


class Basic(Case):
    def client(self, *arguments, **options):
        server = self.sandbox("--programs", "builtin", "--auth", "basic", *arguments)
        return self.connect(server, **{"transport": "plaintext", **options})

    def test_allowed(self):
        c = self.client("--allow-unencrypted")
        self.assertEqual(c.run("echo hello ; err oops ; exit 300"), (b"hello\n", b"oops\n", 300))
        self.assertEqual(c.run("flood 300000"), (flood(300000), b"", 0))

    def test_refused(self):
        for arguments, options in [
            ((), {}),
            (("--allow-unencrypted",), {"password": "wrong"}),
            (("--allow-unencrypted",), {"transport": "ntlm"}),
        ]:
            with self.subTest(arguments, **options), self.assertRaises(InvalidCredentialsError):
                self.client(*arguments, **options).open_shell()


if __name__ == "__main__":
    harness.run()
