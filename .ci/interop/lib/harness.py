"""What the interop scripts share: the binary under test, temporary files, processes that end with the script.

A script calls need() for what it cannot do without, and ends with run(). Its exit code is 0 (passed), 1 (failed) or
77 (skipped; the last line says why), as .ci/run expects it.
"""
import atexit
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SKIPPED = 77

# A script that takes longer than this (seconds) is ended, and has failed. .ci/run allows three minutes.
LIMIT = 150


def skip(reason):
    print("skipped: " + reason, flush=True)
    sys.exit(SKIPPED)


def need(package, *modules):
    """Imports modules of a Debian package and returns them; without them the script is skipped."""
    try:
        found = [__import__(m, fromlist=["_"]) for m in modules]
    except ImportError as e:
        skip("%s (Debian package %s is not installed)" % (e, package))
    return found[0] if len(found) == 1 else found


def need_file(package, path):
    if not os.path.exists(path):
        skip("%s is missing (Debian package %s is not installed)" % (path, package))
    return path


def need_program(package, name):
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if not path:
        skip("%s is missing (Debian package %s is not installed)" % (name, package))
    return path


_root = None
_children = []


def _clean():
    """Ends what is still running, by its process id, and removes all files."""
    while _children:
        stop(_children[-1])
    if _root:
        shutil.rmtree(_root, ignore_errors=True)


def _end(number, _frame):
    # Not by an exception: unittest, or a client that is tested, could take it for an error like any other.
    print("FAILED: %s" % ("no end within %d s" % LIMIT if number == signal.SIGALRM else signal.Signals(number).name), flush=True)
    _clean()
    os._exit(1)


def run():
    """Runs the tests of the script, and exits."""
    global _root
    binary = os.environ.get("WINRMCTL", "")
    if not os.access(binary, os.X_OK):
        sys.exit("WINRMCTL=%r: need the path of the built winrmctl in the environment" % binary)
    for number in signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
        signal.signal(number, _end)
    signal.alarm(LIMIT)
    # Clients take proxies from the environment, some even for loopback.
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    _root = tempfile.mkdtemp(prefix="winrmctl-interop-")
    atexit.register(_clean)
    program = unittest.main(module="__main__", verbosity=2, exit=False)
    sys.exit(not program.result.wasSuccessful())


def start(arguments, stdin=subprocess.DEVNULL, **options):
    """Starts a process that ends with the script at the latest."""
    child = subprocess.Popen(arguments, stdin=stdin, start_new_session=True, **options)
    _children.append(child)
    return child


def stop(child):
    """Ends a process, if it has not ended."""
    if child in _children:
        _children.remove(child)
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # with its own children
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
    for pipe in (child.stdout, child.stderr):
        if pipe:
            pipe.close()


def listens(child, port):
    """Waits until a process takes connections. False if it has ended."""
    while child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def certificate(directory):
    """Makes a certificate of 127.0.0.1 for an hour or so. Returns the paths of it and of its key."""
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-sha256",
         "-subj", "/CN=winrmctl interop", "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key],
        check=True, capture_output=True)
    return cert, key


def sha256(data):
    return hashlib.sha256(data).digest()


def digest(cert):
    """SHA-256 of a certificate in a PEM file."""
    with open(cert, encoding="ascii") as f:
        return sha256(ssl.PEM_cert_to_DER_cert(f.read()))


def tls(cert, key):
    """TLS for a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


class Server(http.server.ThreadingHTTPServer):
    """An HTTP/1.1 server on loopback; a handler object lives as long as its TCP connection does."""

    daemon_threads = True

    def __init__(self, handler, tls=None):
        self.errors = []  # what a handler did not expect; a test asserts that there is nothing
        self.scheme = "https" if tls else "http"
        super().__init__(("127.0.0.1", 0), handler)
        if tls:
            # The handshake happens in the connection's own thread, with its first read.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d/wsman" % (self.scheme, self.server_address[1])

    def handle_error(self, _request, _address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, ssl.SSLError)):  # a client may close its connection
            self.errors.append(error)

    def finish(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True
    timeout = 30

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Result:
    """How a run of winrmctl ended."""

    def __init__(self, out, err, code):
        self.code, self.raw = code, out
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __repr__(self):
        return "exit code %d\nstdout: %.500r\nstderr: %.2000s" % (self.code, self.out, self.err)


class Case(unittest.TestCase):
    """A test with its own directory."""

    def shortDescription(self):
        return None  # the name of the test says it

    def setUp(self):
        self.directory = tempfile.mkdtemp(dir=_root)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def environment(self):
        """No configuration of the user who runs the tests reaches winrmctl."""
        keep = {n: v for n, v in os.environ.items() if not n.startswith("WINRMCTL")}
        return dict(keep, HOME=self.directory, XDG_CONFIG_HOME=self.directory)

    def winrmctl(self, *arguments, stdin=os.devnull, timeout=30):
        """Runs winrmctl to its end."""
        with open(stdin, "rb") as source:
            child = start([os.environ["WINRMCTL"], *arguments], stdin=source, env=self.environment(), cwd=self.directory,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            return Result(*child.communicate(timeout=timeout), child.returncode)
        finally:
            stop(child)

    def sandbox(self, *arguments, user="bob", password="Pa55-word"):
        """Starts a sandbox. Returns what it prints: url, user, password, ca_file."""
        with open(os.path.join(self.directory, "sandbox.log"), "wb") as log:
            child = start([os.environ["WINRMCTL"], "sandbox", "-v", "-o", "json", "-u", user, "--password-file",
                           self.file("sandbox-password", password), *arguments],
                          env=self.environment(), stdout=subprocess.PIPE, stderr=log, cwd=self.directory)
        self.addCleanup(stop, child)
        line = child.stdout.readline()
        if not line:
            self.fail("the sandbox does not start: " + self.sandbox_log())
        return json.loads(line)

    def sandbox_log(self):
        with open(os.path.join(self.directory, "sandbox.log"), encoding="utf-8", errors="replace") as log:
            return log.read()


def free_port():
    """A port of 127.0.0.1 that nobody listens on just now."""
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
