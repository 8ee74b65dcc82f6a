#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""

# Disconnect, Reconnect and Connect, with nothing of winrmctl on the other side: a client that sends the requests of MS-WSMV
# 4.7.9 and 4.7.10, and those that pypsrp sends to Windows, to the sandbox; and a server that answers winrmctl in the words
# that Windows Server 2016 used to pypsrp. Both read XML by Python's parser, and know of the protocol what stands here.
import base64
import http.client
import os
import re
import sys
import threading
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness

S = "http://www.w3.org/2003/05/soap-envelope"
A = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
X = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
W = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
P = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
R = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
F = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
N = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
NAMES = {"s": S, "a": A, "x": X, "w": W, "p": P, "rsp": R, "f": F, "n": N}
DONE = R + "/CommandState/Done"
PASSWORD = "Pa55-word"


def new_id():
    return str(uuid.uuid4()).upper()


# The envelope of the examples, with what differs put in.
REQUEST = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">
<s:Header>
<a:To>http://localhost:5985/wsman</a:To>
<a:ReplyTo>
<a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>
</a:ReplyTo>
<a:Action s:mustUnderstand="true">%(action)s</a:Action>
<w:MaxEnvelopeSize s:mustUnderstand="true">153600</w:MaxEnvelopeSize>
<a:MessageID>uuid:%(message)s</a:MessageID>
<w:Locale xml:lang="en-US" s:mustUnderstand="false" />
<p:DataLocale xml:lang="en-US" s:mustUnderstand="false" />
<p:SessionId s:mustUnderstand="false">uuid:%(session)s</p:SessionId>
<w:ResourceURI xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"> %(resource)s</w:ResourceURI>%(selectors)s
<w:OperationTimeout>PT10.000S</w:OperationTimeout>
</s:Header>
<s:Body>%(body)s</s:Body>
</s:Envelope>"""
SELECTORS = """
<w:SelectorSet xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">
<w:Selector Name="ShellId">%s</w:Selector>
</w:SelectorSet>"""


def rsp(name, content="", attributes=""):
    return '<rsp:%s xmlns:rsp="%s"%s>%s</rsp:%s>' % (name, R, attributes, content, name)


class Fault(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Client:
    """A client with a session of its own."""

    def __init__(self, url):
        self.address, self.session = urllib.parse.urlsplit(url), new_id()

    def ask(self, action, shell="", body="", resource=R + "/cmd"):
        c = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=20)
        try:
            message = REQUEST % {"action": action, "message": new_id(), "session": self.session, "resource": resource,
                                 "selectors": SELECTORS % shell if shell else "", "body": body}
            login = "Basic " + base64.b64encode(("bob:" + PASSWORD).encode()).decode()
            c.request("POST", self.address.path, message.encode(),
                      {"Content-Type": "application/soap+xml;charset=UTF-8", "Authorization": login})
            answer = c.getresponse()
            text = answer.read()
        finally:
            c.close()
        tree = ET.fromstring(text)
        fault = tree.find(".//f:WSManFault", NAMES)
        if fault is not None:
            assert answer.status == 500
            raise Fault(int(fault.get("Code")))
        assert answer.status == 200 and tree.find("s:Header/a:Action", NAMES).text == action + "Response", text
        return tree.find("s:Body", NAMES)

    def open(self, shell=""):
        body = self.ask(X + "/Create", body=rsp("Shell", "<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams>",
                                                ' ShellId="%s"' % shell if shell else ""))
        return body.find(".//rsp:Shell/rsp:ShellId", NAMES).text, body

    def command(self, shell, line, command):
        body = self.ask(R + "/Command", shell, rsp("CommandLine", "<rsp:Command>%s</rsp:Command>" % line, ' CommandId="%s"' % command))
        return body.find("rsp:CommandResponse/rsp:CommandId", NAMES).text

    def receive(self, shell, command):
        """What comes until the end."""
        streams = {"stdout": b"", "stderr": b""}
        while True:
            body = self.ask(R + "/Receive", shell, rsp("Receive", '<rsp:DesiredStream CommandId="%s">stdout stderr</rsp:DesiredStream>' % command))
            for stream in body.findall(".//rsp:Stream", NAMES):
                streams[stream.get("Name")] += base64.b64decode(stream.text or "")
            state = body.find(".//rsp:CommandState", NAMES)
            if state is not None and state.get("State") == DONE:
                return streams["stdout"], streams["stderr"], int(state.find("rsp:ExitCode", NAMES).text)

    def disconnect(self, shell, content="<rsp:IdleTimeOut>PT180.000S</rsp:IdleTimeOut>"):
        body = self.ask(R + "/Disconnect", shell, rsp("Disconnect", content))
        assert len(body) == 0

    def reconnect(self, shell):
        body = self.ask(R + "/Reconnect", shell)
        assert len(body) == 0

    def connect(self, shell, command=""):
        return self.ask(R + "/Connect", shell, rsp("Connect", "", ' CommandId="%s"' % command if command else "")).find("rsp:ConnectResponse", NAMES)

    def delete(self, shell):
        self.ask(X + "/Delete", shell)


class Sandbox(harness.Case):
    """The requests of the document, answered by the sandbox."""

    def setUp(self):
        super().setUp()
        self.url = self.sandbox("--programs", "builtin", "--auth", "basic", "--allow-unencrypted", password=PASSWORD)["url"]

    def exec(self, *arguments):
        return self.winrmctl("exec", "-u", "bob", "--password-file", self.file("password", PASSWORD), "--auth", "basic", "--encryption", "never", *arguments)

    def assertFault(self, code, f, *arguments):
        with self.assertRaises(Fault) as caught:
            f(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_life_of_a_shell(self):
        first, second, shell, command = Client(self.url), Client(self.url), new_id(), new_id()
        opened, body = first.open(shell)
        self.assertEqual((opened, body.find(".//rsp:State", NAMES).text), (shell, "Connected"))
        self.assertEqual(first.command(shell, "echo before ; sleep 0.3 ; echo after ; exit 5", command), command)
        self.assertFault(2150859213, second.connect, shell)
        first.disconnect(shell)
        first.disconnect(shell, "")
        self.assertFault(2150859204, first.receive, shell, command)
        self.assertFault(2150859206, second.reconnect, shell)
        first.reconnect(shell)
        first.reconnect(shell)
        self.assertFault(2150859213, second.reconnect, shell)
        first.disconnect(shell, "")
        answer = second.connect(shell)
        self.assertEqual([c.text for c in answer], ["stdin", "stdout stderr"])
        self.assertEqual(len(second.connect(shell, command)), 0)
        self.assertFault(2150859213, first.receive, shell, command)
        self.assertEqual(second.receive(shell, command), (b"before\nafter\n", b"", 5))
        second.delete(shell)
        self.assertFault(2150858843, second.connect, shell)

    def test_without_ids(self):
        """A shell without an id of its client's shows no State, as recorded; its session makes that it can be disconnected."""
        c, other = Client(self.url), Client(self.url)
        shell, body = c.open()
        self.assertIsNone(body.find(".//rsp:State", NAMES))
        c.disconnect(shell)
        self.assertFault(2150859206, other.reconnect, shell)
        other.connect(shell)
        self.assertFault(2150859213, c.reconnect, shell)
        other.delete(shell)

    def test_winrmctl_comes_back(self):
        c, shell, command = Client(self.url), new_id(), new_id()
        c.open(shell)
        c.command(shell, "echo kept ; err too ; exit 300", command)
        held = self.exec("--attach", shell + "/" + command, self.url)
        self.assertEqual(held.code, 76, held)
        c.disconnect(shell)
        result = self.exec("--attach", shell.lower(), self.url)
        self.assertEqual((result.out, result.err, result.code), ("kept\n", "too\n", 300 % 256), result)
        self.assertFault(2150858843, c.reconnect, shell)

    def test_winrmctl_leaves(self):
        left = self.exec("--detach", self.url, "count ; exit 6")
        self.assertEqual(left.code, 0, left)
        shell, command = left.out.strip().split("/")
        c = Client(self.url)
        body = c.ask(N + "/Enumerate", body='<n:Enumerate xmlns:n="%s"><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements></n:Enumerate>' % N, resource=R)
        self.assertEqual([(i.find("rsp:ShellId", NAMES).text, i.find("rsp:State", NAMES).text) for i in body.iter("{%s}Shell" % R)], [(shell, "Disconnected")])
        c.connect(shell)
        c.connect(shell, command)
        self.assertEqual(c.receive(shell, command), (b"0\n", b"", 6))
        c.delete(shell)


ANSWER = """<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" \
xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" \
xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">\
<s:Header><a:Action>%(action)sResponse</a:Action><a:MessageID>uuid:F5A9ACAD-5805-4CCB-8CA4-42A8CF753F9E</a:MessageID>\
<p:ActivityId>28E1345C-036D-0000-0839-E1286D03D401</p:ActivityId><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>\
<a:RelatesTo>%(message)s</a:RelatesTo></s:Header><s:Body>%(body)s</s:Body></s:Envelope>"""
FAULT = """<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:InternalError</s:Value></s:Subcode></s:Code><s:Reason>\
<s:Text xml:lang="">refused</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" \
Code="%d" Machine="web1"><f:Message>refused</f:Message></f:WSManFault></s:Detail></s:Fault>"""


class State:
    """One shell with one command, that has written something when it is asked for it the first time."""

    def __init__(self):
        self.lock, self.seen = threading.Lock(), []
        self.shell = self.command = self.client = None
        self.connected, self.given, self.cut = False, 0, set()


class Windows(harness.Handler):
    """Answers in recorded words, by the rules of 3.1.4.15 to 3.1.4.17."""

    def do_POST(self):
        tree, state = ET.fromstring(self.body()), self.server.state
        action = tree.find("s:Header/a:Action", NAMES).text
        message = tree.find("s:Header/a:MessageID", NAMES).text
        name = action.rsplit("/", 1)[1]
        with state.lock:
            state.seen.append(name)
            try:
                status, body = 200, self.perform(name, tree, state)
            except Fault as e:
                status, body = 500, FAULT % e.code
            cut = name in state.cut
            state.cut.discard(name)
        if cut:
            self.close_connection = True
            return self.connection.close()
        self.answer(status, [("Content-Type", "application/soap+xml;charset=UTF-8")],
                    (ANSWER % {"action": action, "message": message, "body": body}).encode())

    def perform(self, name, tree, state):
        body = tree.find("s:Body", NAMES)
        session = tree.find("s:Header/p:SessionId", NAMES).text
        if name == "Create":
            state.shell, state.client, state.connected = body.find("rsp:Shell", NAMES).get("ShellId"), session, True
            return ('<x:ResourceCreated><a:Address>http://web1:5985/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>%s/cmd</w:ResourceURI><w:SelectorSet>'
                    '<w:Selector Name="ShellId">%s</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated><rsp:Shell><rsp:ShellId>%s</rsp:ShellId>'
                    '<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams><rsp:BufferMode>Block</rsp:BufferMode>'
                    '<rsp:State>Connected</rsp:State></rsp:Shell>') % (R, state.shell, state.shell)
        if tree.find("s:Header/w:SelectorSet/w:Selector", NAMES).text != state.shell:
            raise Fault(2150858843)
        if name == "Delete":
            state.shell = None
            return ""
        if name == "Disconnect":
            if session != state.client or body.find("rsp:Disconnect", NAMES) is None:
                raise Fault(2150859206)
            state.connected = False
            return ""
        connect = body.find("rsp:Connect", NAMES)
        if name == "Connect" and connect.get("CommandId") is None:
            if state.connected:
                raise Fault(2150859213)
            state.client, state.connected = session, True
            return "<rsp:ConnectResponse><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:ConnectResponse>"
        if name == "Reconnect" and session == state.client:
            state.connected = True
            return ""
        if not state.connected or session != state.client:
            raise Fault(2150859204 if not state.connected else 2150859213)
        if name == "Connect":
            if connect.get("CommandId") != state.command:
                raise Fault(2150858843)
            return "<rsp:ConnectResponse/>"
        if name == "Command":
            state.command = body.find("rsp:CommandLine", NAMES).get("CommandId")
            return "<rsp:CommandResponse><rsp:CommandId>%s</rsp:CommandId></rsp:CommandResponse>" % state.command
        if name == "Send":
            assert body.find("rsp:Send/rsp:Stream", NAMES).get("End") == "true"
            return "<rsp:SendResponse/>"
        if name == "Receive":
            state.given += 1
            data, end = base64.b64encode(b"part %d\n" % state.given).decode(), ""
            if state.given == 2:
                end = '<rsp:CommandState CommandId="%s" State="%s"><rsp:ExitCode>4</rsp:ExitCode></rsp:CommandState>' % (state.command, DONE)
            return '<rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="%s">%s</rsp:Stream>%s</rsp:ReceiveResponse>' % (state.command, data, end)
        raise Fault(2150858771)


class Server(harness.Case):
    """winrmctl as the client."""

    def setUp(self):
        super().setUp()
        self.server = harness.Server(Windows)
        self.server.state = State()
        self.addCleanup(self.server.finish)

    def exec(self, *arguments):
        result = self.winrmctl("exec", "-u", "bob", "--password-file", self.file("password", PASSWORD), "--auth", "basic", "--encryption", "never", *arguments)
        self.assertEqual(self.server.errors, [])
        return result

    def test_detach_and_attach(self):
        state = self.server.state
        for cut in [], ["Disconnect"], ["Connect"]:
            with self.subTest(cut=cut):
                state.__init__()
                state.cut = set(cut)
                left = self.exec("--detach", self.server.url, "backup.cmd")
                self.assertEqual((left.code, left.out), (0, "%s/%s\n" % (state.shell, state.command)), left)
                self.assertTrue(re.fullmatch(r"[0-9A-F-]{36}/[0-9A-F-]{36}\n", left.out))
                self.assertEqual(state.seen, ["Create", "Command", "Send"] + ["Disconnect"] * (1 + len(cut) if cut == ["Disconnect"] else 1))
                state.seen = []
                back = self.exec("--attach", left.out.strip(), self.server.url)
                self.assertEqual((back.code, back.out, back.err), (4, "part 1\npart 2\n", ""), back)
                # A server that does not keep answers refuses the second Connect: whose the first one was a Reconnect finds out.
                self.assertEqual(state.seen, (["Connect", "Connect", "Reconnect"] if cut == ["Connect"] else ["Connect"]) + ["Connect", "Receive", "Receive", "Delete"])


if __name__ == "__main__":
    harness.run()
