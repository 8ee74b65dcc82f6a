#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""

# winrmctl as a client of Apache with mod_auth_gssapi and gss-ntlmssp: an HTTP server that we did not write, which
# authenticates connections by NTLM. Behind it stands a small server that answers WS-Man messages in clear and runs
# nothing; Apache passes on only what it has authenticated. So this is about the login over HTTP: two requests on one
# TCP connection, no body in the first, and what to say where the server does not keep the connection. Sealing is not
# tested here: Apache knows nothing of it (see gss_acceptor.py).
#
# How mod_auth_gssapi 1.6.4 behaves, as read in its source and seen here:
#   - It offers "Negotiate" and "NTLM", in this order, and takes raw NTLM messages under both: GSS-API tells raw ones from
#     SPNEGO by their signature.
#   - Without GssapiConnectionBound it cannot go on after the first message, and answers 401 without a challenge.
#   - The answer to a NEGOTIATE carries one WWW-Authenticate line, the challenge. The connection stays open.
#   - A user name beyond ASCII cannot log in: gss-ntlmssp compares names in the locale of the process, Apache has the C one.
#   - An answer that ends a failed login offers the schemes again, with the connection open.
import collections
import concurrent.futures
import json
import os
import pwd
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness
import wsman

APACHE = harness.need_program("apache2", "apache2")
MODULES = os.environ.get("APACHE_MODULES", "/usr/lib/apache2/modules")
harness.need_file("libapache2-mod-auth-gssapi", MODULES + "/mod_auth_gssapi.so")
harness.need_program("openssl", "openssl")
harness.need_file("gss-ntlmssp", "/etc/gss/mech.d/mech.ntlmssp.conf")

ACCOUNTS = "LAB:alice:Pa55-word\nLAB:eve:gëheim-€-パスワード\n"  # in gss-ntlmssp's format: DOMAIN:user:password

CONFIGURATION = """\
ServerRoot "{directory}"
DefaultRuntimeDir "{directory}"
PidFile "{directory}/pid"
ErrorLog "{directory}/error.log"
LogLevel warn
Mutex posixsem
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_gssapi_module {modules}/mod_auth_gssapi.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
{global_lines}
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
KeepAlive {keep_alive}
LogFormat "%{{remote}}p %>s \\"%u\\" %{{Authorization}}i" login
CustomLog "{directory}/access.log" login
<Location "/wsman">
  {location_lines}
  ProxyPass "{backend}" {proxy_options}
</Location>
"""

LOGIN = """\
  AuthType GSSAPI
  AuthName "WSMAN"
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound %s
  Require valid-user
  RequestHeader set X-User expr=%%{REMOTE_USER}
  RequestHeader set X-Port expr=%%{REMOTE_PORT}
"""


# What says that the TLS session authorizes a request (DSP0226 C.3.5).
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


class Backend(harness.Handler):
    """Answers in clear what Apache passes on: also what it cannot read. Where it maps a certificate to an account, it wants
    that one."""

    def do_POST(self):
        s = self.server
        body = self.body()
        if s.mapped and (self.headers["Authorization"], self.headers["X-User"]) != (MUTUAL, s.mapped):
            self.answer(401)
            return
        s.logins.append((self.headers["X-User"], self.headers["X-Port"]))
        if not body:  # the last request of a login, as probe-auth sends it: Windows answers it with an empty 200
            self.answer(200)
            return
        if self.headers["Content-Type"].startswith("application/soap+xml"):
            status, answer = s.service_of(self.headers["X-Port"]).answer(body)
        else:
            s.unreadable += 1
            status, answer = 200, b"<Envelope/>"
        self.answer(status, [("Content-Type", "application/soap+xml;charset=UTF-8")], answer)


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.backend = harness.Server(Backend)
        self.addCleanup(self.backend.finish)
        self.service = wsman.Service([{"stdout": b"hello\n"}, None, {"stderr": b"oops\n"}], 7)
        self.backend.service_of = lambda port: self.service
        self.backend.logins, self.backend.unreadable, self.backend.mapped = [], 0, None
        self.accounts = self.file("accounts", ACCOUNTS)

    def apache(self, keep_alive="On", bound="On", backend=None, proxy_options="", tls=None, tls_lines=(), location=None):
        """Starts Apache and returns the URL of its WS-Man."""
        lines = []
        if os.geteuid() == 0:
            # Then Apache's children run as another user, and open the accounts' file with each login.
            user = pwd.getpwnam("www-data")
            lines += ["User www-data", "Group www-data"]
            os.chown(self.accounts, user.pw_uid, user.pw_gid)
            for directory in self.directory, os.path.dirname(self.directory):
                os.chmod(directory, 0o711)
        if tls:
            lines += ["LoadModule ssl_module %s/mod_ssl.so" % MODULES, "SSLEngine on", "SSLSessionCache none",
                      'SSLCertificateFile "%s"' % tls[0], 'SSLCertificateKeyFile "%s"' % tls[1], *tls_lines]
        for _ in range(5):
            port = harness.free_port()
            path = self.file("apache.conf", CONFIGURATION.format(
                directory=self.directory, port=port, modules=MODULES, global_lines="\n".join(lines), keep_alive=keep_alive,
                location_lines=location or (LOGIN % bound if not backend else ""), backend=backend or self.backend.url, proxy_options=proxy_options))
            child = self.child = harness.start(
                [APACHE, "-f", path, "-D", "FOREGROUND"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C", "NTLM_USER_FILE": self.accounts, "NETBIOS_COMPUTER_NAME": "HOST7"})
            self.addCleanup(harness.stop, child)
            if harness.listens(child, port):
                return "%s://127.0.0.1:%d/wsman" % ("https" if tls else "http", port)
            if "could not bind" not in self.log("error.log"):
                break  # else somebody took the port meanwhile
        self.fail("Apache does not start: " + self.log("error.log"))

    def log(self, name):
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def requests(self):
        """What Apache has seen: port, status, user, and how its Authorization header begins, of each request. It writes that
        behind its answers, and so has to come to its end before."""
        self.child.send_signal(signal.SIGWINCH)  # graceful-stop
        self.child.wait(30)
        return [re.fullmatch(r'(\d+) (\d+) "(.*?)" (-|\S+ .{16}).*', line).groups() for line in self.log("access.log").splitlines()]

    def execute(self, url, *arguments, user="LAB\\alice", password="Pa55-word"):
        r = self.winrmctl("exec", "-u", user, "--password-file", self.file("password", password), *arguments, url, "--", "run this")
        self.assertEqual(self.backend.errors, [], r)
        return r

    def assertRuns(self, r):
        self.assertEqual((r.code, r.out, r.err), (7, "hello\n", "oops\n"), (r, self.log("error.log")))
        self.assertEqual(self.service.seen[-6:], ["Create", "Command", "Receive", "Receive", "Receive", "Delete"])
        self.assertEqual(self.service.command, "run this")

    def assertNoLogin(self, r, text):
        self.assertEqual((r.code, r.out), (77, ""), r)
        self.assertRegex(r.err, r"\Awinrmctl: .*%s.*\n(hint: .*\n)?\Z" % text)
        self.assertEqual(self.backend.logins, [])

class Login(Case):
    def test_login(self):
        """Raw NTLM messages under Negotiate; whatever belongs to a login travels on one connection."""
        url = self.apache()
        self.assertRuns(self.execute(url, "--encryption", "never"))
        requests = self.requests()
        first, second = requests[0][0], requests[-1][0]
        negotiate, authenticate = "Negotiate TlRMTVNTUAABAAAA", "Negotiate TlRMTVNTUAADAAAA"
        self.assertEqual(requests, [
            (first, "401", "-", negotiate),
            (first, "200", "LAB\\\\alice", authenticate),  # with the Create
            (first, "200", "LAB\\\\alice", "-"),  # Command
            (first, "200", "LAB\\\\alice", "-"),  # Receive
            # The fault "nothing yet". Apache closes the connection behind each answer with the status 500: what is next
            # needs another login.
            (first, "500", "LAB\\\\alice", "-"),
            (second, "401", "-", negotiate),
            (second, "200", "LAB\\\\alice", authenticate),  # with a Receive
            (second, "200", "LAB\\\\alice", "-"),  # Delete
        ])
        self.assertNotEqual(first, second)
        self.assertEqual(self.backend.logins, [("LAB\\alice", first)] * 4 + [("LAB\\alice", second)] * 2)

    def test_password_beyond_ascii(self):
        self.assertRuns(self.execute(self.apache(), "--encryption", "never", user="LAB\\eve", password="gëheim-€-パスワード"))

    def test_wrong_password(self):
        r = self.execute(self.apache(), "--encryption", "never", password="Pa55-worD")
        self.assertNoLogin(r, re.escape("the server refuses user LAB\\alice (NTLM login, answered with 401)"))

    def test_many_at_once(self):
        """Each connection has a login of its own."""
        services = collections.defaultdict(lambda: wsman.Service([{"stdout": b"hello\n"}], 7))
        self.backend.service_of = services.__getitem__
        url = self.apache()
        arguments = ["exec", "-u", "LAB\\alice", "--password-file", self.file("password", "Pa55-word"), "--encryption", "never", url, "x"]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            results = list(pool.map(lambda _: self.winrmctl(*arguments), range(36)))
        self.assertEqual({(r.code, r.out, r.err) for r in results}, {(7, "hello\n", "")})
        self.assertEqual([s.seen for s in services.values()], [["Create", "Command", "Receive", "Delete"]] * 36)

    def test_broken_keep_alive(self):
        """The founding case: a server that closes the connection behind its challenge."""
        r = self.execute(self.apache(keep_alive="Off"), "--encryption", "never")
        self.assertNoLogin(r, "the connection is closed in the middle of the NTLM login")
        self.assertEqual(len(self.requests()), 1)

    def test_no_challenge(self):
        """A server that offers Negotiate, but cannot go on after the first message."""
        r = self.execute(self.apache(bound="Off"), "--encryption", "never")
        self.assertNoLogin(r, "the server answers the first NTLM message without a challenge")

    def test_sealing_is_not_given_up(self):
        """Apache logs a client in and passes a sealed message on; the answer comes in clear, as it does when somebody
        between the two takes sealing away."""
        r = self.execute(self.apache())
        self.assertEqual((r.code, r.out), (69, ""), r)
        self.assertIn("answers in clear within a sealed session", r.err)
        self.assertEqual((self.backend.unreadable, self.service.seen), (1, []))

    def test_https(self):
        """OpenSSL's TLS. mod_auth_gssapi 1.6.4 does not look at channel bindings (see gss_acceptor.py)."""
        cert, key = harness.certificate(self.directory)
        url = self.apache(tls=(cert, key))
        self.assertRuns(self.execute(url, "--ca-file", cert))
        self.assertRuns(self.execute(url, "--fingerprint", harness.digest(cert).hex()))
        r = self.execute(url)
        self.assertEqual((r.code, r.out), (69, ""), r)
        self.assertRegex(r.err, r"\Awinrmctl: .*TLS with .*certificate.*\nhint: ")


class Probe(Case):
    """probe-auth logs in to a server that nobody here wrote, and says why where it cannot."""

    def probe(self, url, *arguments, user="LAB\\alice", password="Pa55-word"):
        r = self.winrmctl("probe-auth", "-o", "json", "-u", user, "--password-file", self.file("password", password), *arguments, url)
        self.assertEqual(self.backend.errors, [], r)
        report = json.loads(r.out)
        self.steps = {s["name"]: s for s in report["steps"]}
        return r, report, [f["code"] for f in report["findings"]]

    def statuses(self):
        return " ".join("%s:%s" % (s["name"], s["status"]) for s in self.steps.values())

    def test_https(self):
        cert, key = harness.certificate(self.directory)
        r, report, codes = self.probe(self.apache(tls=(cert, key)), "--ca-file", cert)
        self.assertEqual((r.code, codes, report["logged_in"]), (0, [], True), r)
        self.assertEqual(self.statuses(), "resolve:skipped tcp:ok tls:ok identify:skipped offers:ok challenge:ok clock:ok login:ok spnego:ok shell:ok")
        self.assertEqual(self.steps["offers"]["data"]["schemes"], ["Negotiate", "NTLM"])
        self.assertEqual(self.steps["challenge"]["data"]["computer"], "HOST7")
        self.assertEqual(self.service.seen, ["Identify"] * 4 + ["Create", "Delete"])

    def test_http(self):
        """Apache seals nothing: that takes an explicit --encryption never, and is a finding without it."""
        url = self.apache()
        r, _, codes = self.probe(url, "--encryption", "never")
        self.assertEqual((r.code, codes), (0, []), r)
        r, report, codes = self.probe(url)
        self.assertEqual((r.code, codes, report["logged_in"]), (77, ["unsealed-answer"], False), r)

    def test_without_credentials(self):
        r = self.winrmctl("probe-auth", self.apache())
        self.assertEqual((r.code, r.err), (0, ""), r)
        self.assertRegex(r.out, r"\n  ok       challenge .* computer HOST7")
        self.assertEqual(self.backend.logins, [])

    def test_wrong_password(self):
        r, _, codes = self.probe(self.apache(), "--encryption", "never", password="Pa55-worD")
        self.assertEqual((r.code, codes[0]), (77, "credentials"), r)
        self.assertEqual(self.backend.logins, [])

    def test_broken_keep_alive(self):
        r, _, codes = self.probe(self.apache(keep_alive="Off"), "--encryption", "never")
        self.assertEqual((r.code, codes), (77, ["login-split"]), r)

    def test_no_challenge(self):
        r, _, codes = self.probe(self.apache(bound="Off"), "--encryption", "never")
        self.assertEqual((r.code, codes), (77, ["challenge-unusable"]), r)

    def test_not_ready_and_gone(self):
        """Apache as a proxy whose server is not there, and a path that it does not have."""
        nobody = "http://127.0.0.1:%d/wsman" % harness.free_port()
        url = self.apache(backend=nobody)
        r, _, codes = self.probe(url)
        self.assertEqual((r.code, codes), (69, ["not-ready"]), r)  # 503, as mod_proxy says it
        r, _, codes = self.probe(url.replace("/wsman", "/elsewhere"))
        self.assertEqual((r.code, codes), (69, ["not-winrm"]), r)


MAPPED = """\
  SSLVerifyClient %s
  RequestHeader set X-User expr=%%{SSL_CLIENT_S_DN_CN}
  RequestHeader set X-Port expr=%%{REMOTE_PORT}
"""


class Certificate(Case):
    """Apache asks for a client certificate once it has seen the path, as http.sys does: with TLS 1.2 by renegotiation,
    with TLS 1.3 by post-handshake authentication, which clients other than browsers seldom have."""

    everywhere = ""  # a line that holds for the whole server, and so for the handshake

    def client(self, name):
        cert, key = (os.path.join(self.directory, name + end) for end in (".pem", ".key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=" + name, "-out", cert,
                        "-keyout", key], check=True, capture_output=True)
        return cert, key

    def start(self, *protocols, verify="optional_no_ca"):
        self.cert, key = harness.certificate(self.directory)
        self.backend.mapped = "client"
        return self.apache(tls=(self.cert, key), tls_lines=["SSLProtocol -all " + " ".join("+" + p for p in protocols), self.everywhere],
                           location=MAPPED % verify)

    def run_with(self, url, name, *command, behind=()):
        cert, key = self.client(name)
        r = self.winrmctl(*command, "--ca-file", self.cert, "--auth", "certificate", "--cert", cert, "--key", key, url, *behind)
        self.assertEqual(self.backend.errors, [], r)
        return r

    def test_renegotiation(self):
        """TLS 1.2: the certificate is asked for after the request, its body included."""
        url = self.start("TLSv1.2")
        r = self.run_with(url, "client", "exec", "-v", behind=("--", "run this"))
        self.assertEqual((r.code, r.out), (7, "hello\n"), r)
        self.assertIn("TLS 1.2", r.err)
        self.assertEqual({user for user, _ in self.backend.logins}, {"client"})

    def test_capped(self):
        """A server that would speak TLS 1.3 is talked to with TLS 1.2, as it could not ask otherwise."""
        url = self.start("TLSv1.2", "TLSv1.3")
        r = self.run_with(url, "client", "exec", "-v", behind=("--", "run this"))
        self.assertEqual((r.code, r.out), (7, "hello\n"), r)
        self.assertRegex(r.err, r"TLS 1\.2")

    def test_probe(self):
        url = self.start("TLSv1.2", "TLSv1.3")
        r = self.run_with(url, "client", "probe-auth")
        self.assertEqual((r.code, r.err), (0, ""), r)
        self.assertRegex(r.out, r"\n  ok       login .* certificate of CN=client\n")
        self.assertRegex(r.out, r"\n  ok       shell ")

    def test_not_mapped(self):
        url = self.start("TLSv1.2", "TLSv1.3")
        r = self.run_with(url, "stranger", "exec", behind=("--", "run this"))
        self.assertEqual((r.code, r.out), (77, ""), r)
        self.assertIn("maps the certificate CN=stranger to no account", r.err)
        r = self.run_with(url, "stranger", "probe-auth")
        self.assertEqual(r.code, 77, r)
        self.assertRegex(r.out, r"\ncertificate-not-mapped: ")

    def not_trusted(self, *protocols):
        url = self.start(*protocols, verify="require")
        r = self.run_with(url, "client", "exec", behind=("--", "run this"))
        self.assertEqual((r.code, r.out), (77, ""), r)
        self.assertIn("the server refuses the certificate CN=client: ", r.err)
        r = self.run_with(url, "client", "probe-auth")
        self.assertEqual(r.code, 77, r)
        self.assertRegex(r.out, r"\ncertificate-refused: ")

    def test_not_trusted(self):
        """A server that checks the certificate in the TLS session, and knows no issuer of it."""
        self.not_trusted("TLSv1.2")

    def test_not_trusted_in_the_handshake(self):
        self.everywhere = "SSLVerifyClient require"
        self.not_trusted("TLSv1.2")

    def test_not_trusted_behind_the_handshake(self):
        self.everywhere = "SSLVerifyClient require"
        self.not_trusted("TLSv1.3")

    def test_not_asked(self):
        url = self.start("TLSv1.2", "TLSv1.3", verify="none")
        r = self.run_with(url, "client", "probe-auth")
        self.assertEqual(r.code, 77, r)
        self.assertRegex(r.out, r"\ncertificate-not-offered: ")


class Proxy(Case):
    """Apache as a reverse proxy that knows nothing of NTLM, before a sandbox, which does log in and seal."""

    def behind(self, **options):
        self.server = self.sandbox("--programs", "builtin")
        return self.apache(backend=self.server["url"], **options)

    def execute_behind(self, url, command):
        return self.winrmctl("exec", "-u", "bob", "--password-file", self.file("password", "Pa55-word"), url, "--", command)

    def test_one_connection_behind(self):
        """As long as the proxy keeps one connection for one client, nothing is missing."""
        r = self.execute_behind(self.behind(), "echo hello ; flood 1000000 ; exit 7")
        self.assertEqual((r.code, r.err, len(r.out)), (7, "", 1000006))

    def test_other_connections_behind(self):
        """A proxy that takes another connection for each request: no login can succeed, and a client cannot see why."""
        r = self.execute_behind(self.behind(proxy_options="disablereuse=on"), "echo hello")
        self.assertEqual((r.code, r.out), (77, ""), r)
        self.assertIn("an AUTHENTICATE_MESSAGE arrives on a connection that no challenge was sent on", self.sandbox_log())


if __name__ == "__main__":
    harness.run()
