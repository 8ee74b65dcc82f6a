#!/bin/sh
""":" # A shell reads these three lines: Debian's packages are those of /usr/bin/python3, not of any python3 in PATH.
[ -x /usr/bin/python3 ] && exec /usr/bin/python3 -B "$0" "$@"
echo "skipped: /usr/bin/python3 is missing (Debian package python3 is not installed)"; exit 77 # "":"""

# wsl, Dell's client of WS-Management in shell scripts around curl and xmllint, on a sandbox: WS-Enumeration, WS-Transfer and
# methods as a program of others asks for them, under the resource URIs of DMTF.
#
# How wsl 0.2.1 behaves, as read in its source:
#   - It logs in with Basic only, and writes neither OperationTimeout nor MaxEnvelopeSize unless told to.
#   - It goes on with Pull as long as an answer has an EnumerationContext, and does not look for EndOfSequence. The last line
#     of an answer with that name counts.
#   - -associators asks for b:AssociationInstances, -references for b:AssociatedInstances: its names are swapped.
#   - The instance that a method is invoked on comes from the EndpointReference in a file, whose text is copied with the
#     prefixes that it has: they have to be those of wsl's own requests.
import os
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness

for package, program in ("wsl", "wslenum"), ("curl", "curl"), ("libxml2-utils", "xmllint"), ("uuid-runtime", "uuidgen"):
    harness.need_program(package, program)

SELECTOR = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
DMTF = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
}

LAB = """{"__CLASS": "Lab_Widget", "__KEYS": ["Id"], "__TYPES": {"Id": "uint32", "Made": "datetime"}}
{"__CLASS": "Lab_Widget", "Id": 1, "Name": "one & <only>", "Tags": ["a", "b"], "Made": "2024-05-01T12:00:00Z"}
{"__CLASS": "Lab_Widget", "Id": 2, "Name": "zwei", "Tags": null, "Made": null}
"""


class Wsl(harness.Case):
    def serve(self, *arguments):
        s = self.sandbox("--auth", "basic", "--dataset", self.file("lab.jsonl", LAB), *arguments)
        where = urllib.parse.urlparse(s["url"])
        self.settings = dict(
            self.environment(), WSENDPOINT=where.netloc, WSUSER=s["user"], WSPASS=s["password"], OUTPREFIX=self.directory, IPINTERACTIVE="0",
            WSDONTASK="y", WSDEFAULTSCHEMA="schemas.dmtf.org")
        if where.scheme == "http":
            self.settings["WSNOSSL"] = "1"
        else:
            os.rename(os.path.join(self.directory, "ca.pem"), os.path.join(self.directory, where.netloc + ".crt"))

    def wsl(self, *arguments):
        """Runs a command of wsl. Returns all answers that came, in their order."""
        for name in os.listdir(self.directory):
            if name.startswith(("request-", "response")):
                os.remove(os.path.join(self.directory, name))
        child = harness.start(arguments, env=self.settings, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = child.communicate(timeout=60)
        harness.stop(child)
        answers = []
        while os.path.exists(path := os.path.join(self.directory, "response-%d.xml" % (len(answers) + 1))):
            try:
                answers.append(ET.parse(path).getroot().find("s:Body", NS))
            except ET.ParseError as e:
                self.fail("%s: %s\n%s\n%s" % (path, e, out.decode(), self.sandbox_log()))
        self.assertTrue(answers, out)
        return answers

    @staticmethod
    def items(answers):
        return [item for a in answers for path in (".//w:Items", ".//n:Items") for items in a.iterfind(path, NS) for item in items]

    @staticmethod
    def values(item):
        """The properties of an instance: name and text, in their order."""
        return [(p.tag.split("}")[-1], "".join(p.itertext()).strip()) for p in item]

    def test_all_instances(self):
        self.serve("--allow-unencrypted")
        answers = self.wsl("wslenum", "Lab_Widget")
        first, second = self.items(answers)
        self.assertEqual(first.tag, "{%sLab_Widget}Lab_Widget" % DMTF)
        self.assertEqual(self.values(first), [("Id", "1"), ("Name", "one & <only>"), ("Tags", "a"), ("Tags", "b"), ("Made", "2024-05-01T12:00:00Z")])
        self.assertEqual(second.find("{%sLab_Widget}Made" % DMTF).get("{http://www.w3.org/2001/XMLSchema-instance}nil"), "true")

    def test_pages(self):
        self.serve("--allow-unencrypted")
        # Not optimised: the first answer has a context only, and each that follows one item.
        answers = self.wsl("wslenum", "Win32_Service")
        self.assertEqual(len(self.items(answers[:1])), 0)
        self.assertEqual(len(answers), 9)
        # Optimised: three at a time, from the first answer on.
        answers = self.wsl("wslenum", "Win32_Service", "-opti", "3")
        self.assertEqual([len(self.items([a])) for a in answers], [3, 3, 2])
        names = [dict(self.values(i))["Name"] for i in self.items(answers)]
        self.assertEqual(names, sorted(names, key=str.lower))
        self.assertEqual([a.find(".//w:EndOfSequence", NS) is not None or a.find(".//n:EndOfSequence", NS) is not None for a in answers], [False, False, True])

    def test_over_https(self):
        self.serve("--https", "--ca-out", os.path.join(self.directory, "ca.pem"))
        self.assertEqual(len(self.items(self.wsl("wslenum", "Lab_Widget", "-opti", "10"))), 2)

    def test_references(self):
        self.serve("--allow-unencrypted")
        for mode, tag in ("epr", "{%(a)s}EndpointReference"), ("objepr", "{%(w)s}Item"):
            items = self.items(self.wsl("wslenum", "Lab_Widget", "-mode", mode, "-opti", "10"))
            self.assertEqual([i.tag for i in items], [tag % NS] * 2)
            self.assertEqual([s.text for i in items for s in i.iterfind(".//w:Selector[@Name='Id']", NS)], ["1", "2"])

    def test_filters(self):
        self.serve("--allow-unencrypted")
        items = self.items(self.wsl("wslenum", "Lab_Widget", "-dialect", SELECTOR, "-filter", "Id=2", "-opti", "10"))
        self.assertEqual([dict(self.values(i))["Name"] for i in items], ["zwei"])
        items = self.items(self.wsl("wslenum", "http://schemas.dmtf.org/wbem/wscim/1/*", "-dialect", WQL, "-filter", "SELECT * FROM Lab_Widget WHERE Id>1", "-opti", "10"))
        self.assertEqual([dict(self.values(i))["Id"] for i in items], ["2"])
        # CQL, its default, is no dialect of Windows.
        (answer,) = self.wsl("wslenum", "Lab_Widget", "-filter", "SELECT * FROM Lab_Widget")
        self.assertEqual(answer.find(".//s:Subcode/s:Value", NS).text.split(":")[1], "FilterDialectRequestedUnavailable")

    def test_associations(self):
        self.serve("--allow-unencrypted")
        (item,) = self.items(self.wsl("wslenum", "Win32_ComputerSystem", "-references", "Name=SANDBOX", "-opti", "10"))
        self.assertEqual(item.tag.split("}")[1], "Win32_OperatingSystem")
        (item,) = self.items(self.wsl("wslenum", "Win32_ComputerSystem", "-associators", "Name=SANDBOX", "-opti", "10"))
        self.assertEqual(item.tag.split("}")[1], "Win32_SystemOperatingSystem")

    def test_one_instance_and_its_methods(self):
        self.serve("--allow-unencrypted")
        (answer,) = self.wsl("wslget", "Win32_Service", "Name=w32time")
        self.assertEqual(dict(self.values(answer[0]))["State"], "Stopped")
        (answer,) = self.wsl("wslget", "Win32_Service", "Name=nothing")
        self.assertEqual(answer.find(".//s:Subcode/s:Value", NS).text, "a:DestinationUnreachable")
        self.wsl("wslenum", "Win32_Service", "-mode", "epr", "-dialect", SELECTOR, "-filter", "Name=w32time", "-opti", "10")
        with open(os.path.join(self.directory, "response.xml"), encoding="utf-8") as f:
            self.file("w32time.xml", re.sub(r"(</?)w:", r"\1wsman:", re.sub(r"(</?)a:", r"\1wsa:", f.read())))
        for method, code in ("StartService", "0"), ("StartService", "10"), ("StopService", "0"):
            answer = self.wsl("wslinvoke", "Win32_Service", method, "-inst", "w32time.xml")[-1]
            self.assertEqual((answer[0].tag.split("}")[1], self.values(answer[0])), (method + "_OUTPUT", [("ReturnValue", code)]))


if __name__ == "__main__":
    harness.run()
