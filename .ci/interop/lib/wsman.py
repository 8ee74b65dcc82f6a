"""A remote shell of MS-WSMV that runs nothing: each command gives the output that it was made with.

It is written from the specification, and shares no code and no test data with winrmctl. It checks what a server would
reject: resource, action, message id, selectors, command id.
"""
import base64
import threading
import uuid
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "i": "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd",
}
CMD = NS["rsp"] + "/cmd"
ANONYMOUS = NS["a"] + "/role/anonymous"

INVALID_SELECTORS = 2150858843
TIMED_OUT = 2150858793


class Fault(Exception):
    def __init__(self, code, subcode, text):
        super().__init__(text)
        self.code, self.subcode = code, subcode


class Service:
    """One shell at a time. `pieces` are the answers to the Receives of a command: dictionaries of streams, or None for
    a Receive that times out. With `stdin` a command waits for the end of its input first, which it gives back."""

    def __init__(self, pieces, exit_code, stdin=False):
        self.pieces, self.exit_code = pieces, exit_code
        self.seen = []  # the operations, in order
        self.command = None
        self.shell = self.process = None
        self.input = b"" if stdin else None
        self.ended = threading.Event()

    def answer(self, soap):
        """Answers one message: HTTP status and body."""
        request = ET.fromstring(soap)
        if request.find("s:Body/i:Identify", NS) is not None:  # has no addressing (DSP0226 11)
            self.seen.append("Identify")
            return 200, ('<s:Envelope xmlns:s="%(s)s" xmlns:i="%(i)s"><s:Header/><s:Body><i:IdentifyResponse><i:ProtocolVersion>'
                         "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</i:ProtocolVersion><i:ProductVendor>interop</i:ProductVendor>"
                         "<i:ProductVersion>1</i:ProductVersion></i:IdentifyResponse></s:Body></s:Envelope>" % NS).encode()
        relates = request.findtext("s:Header/a:MessageID", None, NS)
        action = request.findtext("s:Header/a:Action", "", NS)
        operation = action.rsplit("/", 1)[-1]
        self.seen.append(operation)
        try:
            if not relates or request.findtext("s:Header/w:ResourceURI", None, NS) != CMD:
                raise Fault(2150858752, "w:InvalidResourceURI", "no MessageID, or no ResourceURI of the command shell")
            body, status = getattr(self, "do_" + operation)(request), 200
        except Fault as f:
            body, status, action = self.fault(f), 500, "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
        return status, self.envelope(action if status == 500 else action + "Response", relates, body)

    def envelope(self, action, relates, body):
        spaces = " ".join('xmlns:%s="%s"' % item for item in NS.items())
        return ('<s:Envelope xml:lang="en-US" %s><s:Header><a:Action>%s</a:Action><a:MessageID>uuid:%s</a:MessageID>'
                "<a:To>%s</a:To><a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body>%s</s:Body></s:Envelope>" % (
                    spaces, action, str(uuid.uuid4()).upper(), ANONYMOUS, escape(relates or ""), body)).encode()

    def fault(self, f):
        return ('<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Code><s:Reason>'
                '<s:Text xml:lang="en-US">%s</s:Text></s:Reason><s:Detail><f:WSManFault Code="%d" Machine="127.0.0.1">'
                "<f:Message>%s</f:Message></f:WSManFault></s:Detail></s:Fault>" % (f.subcode, escape(str(f)), f.code, escape(str(f))))

    def do_Create(self, request):
        streams = [request.findtext("s:Body/rsp:Shell/rsp:" + n, "", NS).split() for n in ("InputStreams", "OutputStreams")]
        if streams != [["stdin"], ["stdout", "stderr"]]:
            raise Fault(2150858752, "w:InvalidParameter", "streams: %r" % streams)
        self.shell = str(uuid.uuid4()).upper()
        return ('<x:ResourceCreated><a:Address>http://127.0.0.1/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>%s</w:ResourceURI>'
                '<w:SelectorSet><w:Selector Name="ShellId">%s</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>'
                "<rsp:Shell><rsp:ShellId>%s</rsp:ShellId></rsp:Shell>" % (CMD, self.shell, self.shell))

    def find(self, request, element=None):
        """Checks the shell of a request, and the command that an element of it names."""
        selectors = {e.get("Name"): e.text for e in request.iterfind("s:Header/w:SelectorSet/w:Selector", NS)}
        if not self.shell or selectors != {"ShellId": self.shell}:
            raise Fault(INVALID_SELECTORS, "w:InvalidSelectors", "no such shell: %r" % selectors)
        if element:
            found = request.find("s:Body/" + element, NS)
            if found is None or not self.process or found.get("CommandId") != self.process:
                raise Fault(INVALID_SELECTORS, "w:InvalidSelectors", "no such command")
            return found
        return None

    def do_Command(self, request):
        self.find(request)
        self.command = request.findtext("s:Body/rsp:CommandLine/rsp:Command", None, NS)
        self.process, self.left = str(uuid.uuid4()).upper(), list(self.pieces)
        return "<rsp:CommandResponse><rsp:CommandId>%s</rsp:CommandId></rsp:CommandResponse>" % self.process

    def do_Send(self, request):
        self.find(request)
        stream = self.find(request, "rsp:Send/rsp:Stream")
        self.input += base64.b64decode(stream.text or "")
        if stream.get("End", "").lower() == "true":
            self.ended.set()
        return "<rsp:SendResponse/>"

    def do_Receive(self, request):
        self.find(request, "rsp:Receive/rsp:DesiredStream")
        if self.input is not None:
            if not self.ended.wait(20):
                raise Fault(TIMED_OUT, "w:TimedOut", "stdin does not end")
            self.left = [{"stdout": self.input[i:i + 100000]} for i in range(0, len(self.input), 100000)]
            self.input = None
        piece = self.left.pop(0)
        if piece is None:
            raise Fault(TIMED_OUT, "w:TimedOut", "The WS-Management service cannot complete the operation within the time "
                        "specified in OperationTimeout.")
        streams = "".join('<rsp:Stream Name="%s" CommandId="%s">%s</rsp:Stream>' % (
            name, self.process, base64.b64encode(data).decode()) for name, data in piece.items())
        state = NS["rsp"] + "/CommandState/"
        if self.left:
            return '<rsp:ReceiveResponse>%s<rsp:CommandState CommandId="%s" State="%sRunning"/></rsp:ReceiveResponse>' % (
                streams, self.process, state)
        end = "".join('<rsp:Stream Name="%s" CommandId="%s" End="true"/>' % (n, self.process) for n in ("stdout", "stderr"))
        return ('<rsp:ReceiveResponse>%s%s<rsp:CommandState CommandId="%s" State="%sDone"><rsp:ExitCode>%d</rsp:ExitCode>'
                "</rsp:CommandState></rsp:ReceiveResponse>" % (streams, end, self.process, state, self.exit_code))

    def do_Signal(self, request):
        self.find(request, "rsp:Signal")
        return "<rsp:SignalResponse/>"

    def do_Delete(self, request):
        self.find(request)
        self.shell = self.process = None
        return ""
