"""Sealed messages of WS-Management by a security context of GSS-API, and the mechanisms.

How gss-ntlmssp 1.2.0 lays out what it wraps, as read in its source (gssntlm_wrap): the signature of 16 bytes, then the
sealed data. MS-WSMV 2.2.9.1.1.2.2 puts the length of the signature before the same two, so no byte has to be moved.
"""
import base64
import re
import struct

import harness

gssapi = harness.need("python3-gssapi", "gssapi")

# A step that fails raises its error at once, with the token for the peer in it.
gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False

NTLMSSP = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
if NTLMSSP not in gssapi.raw.indicate_mechs():
    harness.skip("GSS-API has no NTLMSSP (Debian package gss-ntlmssp is not installed)")

# The one form in which Windows writes a sealed message (MS-WSMV 2.2.9.1.1.1 and recordings).
CONTENT_TYPE = 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
PART = (b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%s\r\n"
        b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n%s%s--Encrypted Boundary--\r\n")
SEALED = re.compile(re.escape(PART) % (rb"(\d+)", b"(.{4})", b"(.*)"), re.DOTALL)
SIGNATURE = struct.pack("<I", 16)


def same(message):
    return message


def flip(at):
    """Returns a function that inverts one bit of the byte at a place."""
    def change(message):
        message = bytearray(message)
        message[at] ^= 1
        return bytes(message)
    return change


def seal(context, plain, change=same):
    return PART % (str(len(plain)).encode(), SIGNATURE, change(context.wrap(plain, True).message))


def unseal(context, body, change=same):
    """Opens a sealed body. The signature is verified by the library, which raises a GSSError."""
    part = SEALED.fullmatch(body)
    if not part or part[2] != SIGNATURE:
        raise AssertionError("the framing is not that of MS-WSMV 2.2.9.1.1.1: %r" % body[:300])
    opened = context.unwrap(change(part[3]))
    if not opened.encrypted or len(opened.message) != int(part[1]):
        raise AssertionError("Length says %s, %d bytes were sealed" % (part[1], len(opened.message)))
    return opened.message


def header(token):
    return "Negotiate " + base64.b64encode(token).decode()


def token(header):
    """The token of an Authorization or WWW-Authenticate header; empty without one."""
    scheme, _, text = (header or "").partition(" ")
    return base64.b64decode(text) if scheme == "Negotiate" else b""


def bindings(digest):
    """Channel bindings of the type tls-server-end-point (RFC 5929)."""
    return gssapi.raw.ChannelBindings(application_data=b"tls-server-end-point:" + digest)
