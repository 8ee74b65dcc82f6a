#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""
"""winrmctl shell in a real cmd.exe, that of wine: at a terminal, as a person sees it, and with lines from a pipe."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness

BANNER = r"Microsoft Windows [0-9.]+\r\n\r\n"
HOME = r"C:\users" + "\\"


class Screen:
    """What stands on a terminal of one very long page: text, line feeds, and the few sequences that winrmctl uses."""

    def __init__(self):
        self.rows, self.y, self.x = [[]], 0, 0

    def write(self, text):
        while text:
            m = re.match(r"\x1b\[\??([0-9;]*)([A-Za-z])", text)
            if m:
                self.sequence(m.group(1), m.group(2))
            elif text[0] == "\x1b":
                return text  # the rest is on its way
            elif text[0] == "\r":
                self.x = 0
            elif text[0] == "\n":
                self.y += 1
                self.rows += [[]] if self.y == len(self.rows) else []
            elif text[0] == "\b":
                self.x = max(0, self.x - 1)
            elif text[0] == "\t":
                self.x += 8 - self.x % 8
            elif text[0] >= " ":
                row = self.rows[self.y]
                row += [" "] * (self.x + 1 - len(row))
                row[self.x] = text[0]
                self.x += 1
            text = text[m.end() if m else 1:]
        return ""

    def sequence(self, arguments, command):
        n = int(arguments or "1") if ";" not in arguments else 1
        if command == "A":
            self.y = max(0, self.y - n)
        elif command == "G":
            self.x = n - 1
        elif command == "J":
            del self.rows[self.y][self.x:]
            del self.rows[self.y + 1:]
        elif command == "K":
            del self.rows[self.y][self.x:]

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows[:self.y]) + "\n" + "".join(self.rows[self.y])[:self.x]


class Terminal:
    """winrmctl shell with a person at it."""

    def __init__(self, test, *arguments):
        self.test, self.screen, self.rest = test, Screen(), ""
        self.keys, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 400, 0, 0))
        self.before, self.terminal = termios.tcgetattr(terminal), terminal
        self.child = harness.start(test.command("shell", *arguments), stdin=terminal, stdout=terminal, stderr=terminal)

    def read(self):
        ready, _, _ = select.select([self.keys], [], [], 0.05)
        if ready:
            self.rest = self.screen.write(self.rest + os.read(self.keys, 65536).decode())

    def sees(self, end):
        """Waits until the screen ends with a text, the cursor behind it."""
        late = time.monotonic() + 30
        while not self.screen.text().endswith(end):
            if time.monotonic() > late:
                self.test.fail("%r does not come, but\n%s" % (end, self.screen.text()))
            self.read()

    def types(self, keys):
        os.write(self.keys, keys.encode())

    def does(self, line):
        self.types(line + "\r")

    def ends(self):
        """The exit code; the terminal is as it was."""
        late = time.monotonic() + 30
        while self.child.poll() is None:
            if time.monotonic() > late:
                self.test.fail("it does not end:\n" + self.screen.text())
            self.read()
        self.test.assertEqual(termios.tcgetattr(self.terminal), self.before)
        os.close(self.keys)
        os.close(self.terminal)
        return self.child.returncode


class Wine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if (os.uname().sysname, os.uname().machine) != ("Linux", "x86_64"):
            harness.skip("wine is used on Linux with x86-64 only")
        cls.dir = tempfile.mkdtemp(dir=harness._root)
        os.environ.update(HOME=cls.dir, XDG_CONFIG_HOME=cls.dir, TMPDIR=cls.dir, WINEPREFIX=os.path.join(cls.dir, "prefix"))
        with open(os.path.join(cls.dir, "err"), "w") as err:
            server = harness.start([os.environ["WINRMCTL"], "sandbox", "--programs", "wine", "-o", "json"], stdout=subprocess.PIPE, stderr=err)
        line = server.stdout.readline()
        if not line:
            with open(os.path.join(cls.dir, "err")) as err:
                said = err.read()
            if "wine is not installed" in said:
                harness.skip("wine is not installed (Debian package wine64)")
            raise AssertionError(said)
        at = json.loads(line)
        cls.url = at["url"]
        with open(os.path.join(cls.dir, "password"), "w") as f:
            f.write(at["password"])

    def command(self, name, *arguments):
        return [os.environ["WINRMCTL"], name, "-u", "sandbox", "--password-file", os.path.join(self.dir, "password"), *arguments]

    def test_terminal(self):
        t = Terminal(self, "--cwd", "C:\\", self.url)
        t.sees("\n\nC:\\>")
        t.does("cd windows")
        t.sees("C:\\>cd windows\n\nC:\\windows>")
        t.does("dir /b system.ini win.ini")
        t.sees("C:\\windows>dir /b system.ini win.ini\nsystem.ini\nwin.ini\n\nC:\\windows>")
        t.does("echo once")
        t.sees("C:\\windows>echo once\nonce\n\nC:\\windows>")
        t.does("set /p who=Who? ")
        t.sees("Who? ")
        t.types("Bib\x7f\x7fob")  # edited here
        t.sees("Who? Bob")
        t.types("\r")
        t.sees("C:\\windows>")
        t.does("echo hello %who%")
        t.sees("C:\\windows>echo hello %who%\nhello Bob\n\nC:\\windows>")
        t.does("for %i in (1 2 3) do @echo n%i")
        t.sees("do @echo n%i\nn1\nn2\nn3\n\nC:\\windows>")
        t.does("pause")
        t.sees("Press any key to continue... ")
        t.types("x")
        t.sees("\nC:\\windows>")
        t.types("\x1b[A\x1b[A\x1b[A")
        t.sees("C:\\windows>echo hello %who%")
        t.types("\x03")
        t.sees("^C\nC:\\windows>")
        t.does("echo now& ping -n 100 127.0.0.1")
        t.sees("127.0.0.1\nnow\n")
        while not t.screen.text().endswith("\n\nC:\\windows>"):  # the first may come before ping has begun
            t.types("\x03")
            for _ in range(30):
                t.read()
                time.sleep(0.05)
        t.types("cd c:\\win\t")
        t.sees("C:\\windows>cd c:\\windows\\")
        t.types("\x15")
        t.does("exit 7")
        self.assertEqual(t.ends(), 7)

    def test_end_of_file(self):
        t = Terminal(self, self.url)
        t.sees(">")
        t.types("\x04")
        self.assertEqual(t.ends(), 0)

    def test_other_program(self):
        t = Terminal(self, self.url, "--", 'echo ready& find "n"')
        t.sees("ready\n")
        t.does("one")
        t.does("two")
        t.types("\x04")
        t.sees("two\n\none\n")
        self.assertEqual(t.ends(), 0)

    def test_prompts(self):
        t = Terminal(self, "--cwd", "C:\\", self.url)
        t.sees("\n\nC:\\>")
        t.does("prompt [$P]$S")
        t.sees("\n[C:\\] ")
        t.does("echo once")
        t.sees("\n[C:\\] echo once\nonce\n\n[C:\\] ")
        t.does("prompt $G")
        t.sees("\n>")
        t.does("cd windows")
        t.sees("\n>cd windows\n\n>")
        t.does("prompt $P$G")
        t.sees("\nC:\\windows>")
        t.does("cmd")
        t.sees("cmd\nMicrosoft Windows 6.1.7601\n\nC:\\windows>")
        t.does("cd \\")
        t.sees("\n\nC:\\>")
        t.does("exit 3")
        t.sees("\n\nC:\\windows>")
        t.does("echo %errorlevel%")
        t.sees("echo %errorlevel%\n3\n\nC:\\windows>")
        t.does("echo off")
        t.sees("\nC:\\windows>echo off\n")
        t.does("echo bare")
        t.sees("echo bare\nbare\n")
        t.does("echo on")
        t.sees("\n\nC:\\windows>")
        t.does("if 1==1 (")
        t.sees("More? ")
        t.does("echo inner")
        t.sees("More? echo inner\nMore? ")
        t.does(")")
        t.sees("More? )\ninner\n\nC:\\windows>")
        t.does("<nul set /p x=no end")
        t.sees("\nno end\nC:\\windows>")
        t.does("dir /b system.ini win.ini | more")
        t.sees("system.ini\nwin.ini\n\nC:\\windows>")
        t.does("echo " + 4000 * "x")
        t.sees("\n" + 4000 * "x" + "\n\nC:\\windows>")
        t.does("exit 4")
        self.assertEqual(t.ends(), 4)

    def test_questions(self):
        with open(os.path.join(os.environ["WINEPREFIX"], "drive_c", "ask.cmd"), "wb") as f:
            f.write(b"@echo off\r\necho first\r\npause\r\nset /p name=name? \r\necho [%name%]\r\nexit /b 5\r\n")
        t = Terminal(self, "--cwd", "C:\\", self.url)
        t.sees("\n\nC:\\>")
        t.does("ask")
        t.sees("first\nPress any key to continue... ")
        t.types("x")
        t.sees("name? ")
        t.does("ünï 日本")
        t.sees("name? ünï 日本\n[ünï 日本]\n\nC:\\>")
        t.does("echo %errorlevel%")
        t.sees("\n5\n\nC:\\>")
        t.does("choice")
        t.sees("[Y,N]?")
        t.does("n")
        t.sees("N\n\nC:\\>C:\\>")  # choice reads one key, cmd.exe the line end
        t.does("echo %errorlevel%")
        t.sees("\n2\n\nC:\\>")
        t.types("\x1b[200~echo one\recho a\tb\r\x1b[201~")
        t.sees("b\n\nC:\\>")
        self.assertRegex(t.screen.text(), r"\none\n\nC:\\>(a   b|echo a       b\na       b)\n\nC:\\>$")  # the second line may come before the prompt
        t.types("\x04")
        self.assertEqual(t.ends(), 0)

    def test_long_output(self):
        t = Terminal(self, "--cwd", "C:\\", self.url)
        t.sees("\n\nC:\\>")
        t.does("cmd /c for /l %i in (1,1,1000000) do @echo line %i")
        while "\nline 100\n" not in t.screen.text():
            t.read()
        t.types("\x03")
        late = time.monotonic() + 30
        while not t.screen.text().endswith("\nC:\\>"):
            self.assertLess(time.monotonic(), late)
            t.read()
        lines = [line.removesuffix("^C") for line in t.screen.text().splitlines() if line.startswith("line ")]
        numbers = sorted({int(line.removeprefix("line ")) for line in lines})
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))  # up to there nothing is lost
        t.does("echo still here")
        t.sees("\nstill here\n\nC:\\>")
        t.types("\x04")
        self.assertEqual(t.ends(), 0)

    def test_bytes(self):
        copier = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "copier.py")
        subprocess.run([sys.executable, copier, os.path.join(os.environ["WINEPREFIX"], "drive_c", "copier.exe")], check=True)
        for data in b"crlf\r\nlf\nbare\rtab\tnul\0high\xff\xe9no end", os.urandom(300000):
            done = subprocess.run(self.command("shell", self.url, "--", "C:\\copier.exe"), input=data, capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertTrue(done.stdout == data, done.stdout[:100])

    def test_pipe(self):
        lines = "cd C:\\\necho one\nset /p x=\nvalue\necho %x%\nfor %i in (a b) do @echo %i\nexit 5\necho not me\n"
        for end in "\r\n", "\n":
            done = subprocess.run(self.command("shell", "--cwd", "C:\\", self.url), input=lines.replace("\n", end).encode(), capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (5, b""))
            out = done.stdout.decode()
            self.assertRegex(out, "^" + BANNER)
            prompt = "\r\nC:\\>"
            self.assertEqual(re.sub(BANNER, "\r\n", out, count=1), prompt + prompt + "one\r\n" + prompt + prompt + "value\r\n" + prompt + "a\r\nb\r\n" + prompt)

    def test_end_of_pipe(self):
        done = subprocess.run(self.command("shell", self.url), input=b"echo only\r\n", capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"only\r\n", done.stdout)


if __name__ == "__main__":
    harness.run()
