// Package sealed is the multipart/encrypted framing in which WS-Management carries sealed messages over HTTP
// (MS-WSMV 2.2.9.1); it knows no keys, no HTTP and no SOAP.
package sealed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
)

// A Sealer encrypts and signs whole messages, in order, for one connection.
type Sealer interface {
	// Seal returns the encryption header (for NTLM: the signature) and the encrypted data; pad is by how many bytes the
	// plaintext was lengthened first. plain is not changed.
	Seal(plain []byte) (header, data []byte, pad int, err error)
	// Open checks and decrypts; it may do so in place.
	Open(header, data []byte) (plain []byte, err error)
}

// Protocol names the security package in the framing (MS-WSMV 2.2.9.1.1 and 2.2.9.1.2). A server answers a wrong one with a bare 400.
type Protocol string

// The protocols. SPNEGO stands for everything that was negotiated under the HTTP scheme Negotiate, raw NTLM included.
const (
	SPNEGO   Protocol = "application/HTTP-SPNEGO-session-encrypted"
	Kerberos Protocol = "application/HTTP-Kerberos-session-encrypted"
)

// ErrNotSealed is returned by Open for a body that is not multipart/encrypted at all.
var ErrNotSealed = errors.New("sealed: the body is not sealed")

// A FormatError says where the framing stops making sense.
type FormatError struct {
	Offset int // in bytes from the start of the body
	Text   string
}

func (e *FormatError) Error() string { return fmt.Sprintf("sealed: offset %d: %s", e.Offset, e.Text) }

// boundary is the one that MS-WSMV 2.2.9.1.1.1 demands.
const boundary = "Encrypted Boundary"

// A Codec seals and opens the bodies of one connection. Like its [Sealer] it has an order to keep: each direction is
// used by one goroutine at a time.
type Codec struct {
	sealer   Sealer
	protocol Protocol
}

// New returns a Codec that writes bodies for protocol.
func New(s Sealer, protocol Protocol) *Codec { return &Codec{s, protocol} }

// Seal frames one SOAP message. The form is that of recorded Windows clients: TAB before the part headers, no empty line after them.
func (c *Codec) Seal(plain []byte) (contentType string, body []byte, err error) {
	header, data, pad, err := c.sealer.Seal(plain)
	if err != nil {
		return "", nil, err
	}
	const delimiter, end = "--" + boundary + "\r\n", "--" + boundary + "--\r\n"
	body = make([]byte, 0, 256+len(header)+len(data))
	body = append(body, delimiter+"\tContent-Type: "...)
	body = append(body, c.protocol...)
	body = append(body, "\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="...)
	body = strconv.AppendInt(body, int64(len(plain)+pad), 10)
	body = append(body, "\r\n"+delimiter+"\tContent-Type: application/octet-stream\r\n"...)
	body = binary.LittleEndian.AppendUint32(body, uint32(len(header)))
	body = append(body, header...)
	body = append(body, data...)
	body = append(body, end...)
	return fmt.Sprintf(`multipart/encrypted;protocol="%s";boundary="%s"`, c.protocol, boundary), body, nil
}

// Open checks and decrypts a body; it may be overwritten. Several parts, as CredSSP sends them, are joined. It returns
// [ErrNotSealed] where the content type says that nothing is sealed, a [FormatError] for broken framing, and else the
// error of the [Sealer].
func (c *Codec) Open(contentType string, body []byte) (plain []byte, err error) {
	delimiter, err := delimiterOf(contentType)
	if err != nil {
		return nil, err
	}
	r := &reader{body: body, delimiter: delimiter}
	for {
		part, last, err := r.part()
		if err != nil {
			return nil, err
		}
		opened, err := c.sealer.Open(part.header, part.data)
		if err != nil {
			return nil, err
		}
		if len(opened) != part.length {
			return nil, &FormatError{r.at, fmt.Sprintf("Length announces %d bytes, %d were sealed", part.length, len(opened))}
		}
		if plain == nil {
			plain = opened
		} else {
			plain = append(plain, opened...)
		}
		if last {
			return plain, nil
		}
	}
}

// IsSealed reports whether a content type announces a sealed body.
func IsSealed(contentType string) bool {
	_, err := delimiterOf(contentType)
	return err == nil
}

// delimiterOf returns the boundary of a sealed content type; x-multi-encrypted is CredSSP's (MS-WSMV 2.2.9.1.3).
func delimiterOf(contentType string) (string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/encrypted" && media != "multipart/x-multi-encrypted" {
		return "", ErrNotSealed
	}
	if params["boundary"] == "" {
		return boundary, nil
	}
	return params["boundary"], nil
}

// reader walks through the parts. Windows begins header lines with TAB and leaves out the empty line after them; others
// leave out the TAB, add empty lines, put a space before the boundary or no hyphens after the last one: all are read.
type reader struct {
	body      []byte
	delimiter string
	at        int
}

// part is one metadata part with the data part after it. header and data alias the body.
type part struct {
	length       int // of the plaintext, as announced
	header, data []byte
}

// maxHeader bounds the encryption header in bytes: NTLM's has 16, Kerberos' and CredSSP's less than 100. The bound also
// tells a length from an empty line, whose CR LF would be a length of at least 2,573.
const maxHeader = 1024

func (r *reader) fail(text string) error { return &FormatError{r.at, text} }

func (r *reader) part() (p part, last bool, err error) {
	p.length = -1
	if !r.skipDelimiter() {
		return p, false, r.fail("the boundary is missing")
	}
	for !r.skipDelimiter() {
		line, ok := r.line()
		if !ok {
			return p, false, r.fail("the part of metadata does not end")
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "OriginalContent") {
			if p.length, err = lengthOf(value); err != nil {
				return p, false, r.fail(err.Error())
			}
		}
	}
	if p.length < 0 {
		return p, false, r.fail("OriginalContent is missing")
	}
	for {
		line, ok := r.line()
		if !ok {
			return p, false, r.fail("the part of data has no Content-Type")
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "Content-Type") && strings.EqualFold(strings.TrimSpace(value), "application/octet-stream") {
			break
		}
		if strings.TrimSpace(line) != "" {
			return p, false, r.fail("expected Content-Type: application/octet-stream")
		}
	}
	if rest := r.body[r.at:]; bytes.HasPrefix(rest, []byte("\r\n")) {
		r.at += 2
	}
	rest := r.body[r.at:]
	if len(rest) < 4 {
		return p, false, r.fail("the body ends before the encryption header")
	}
	n := binary.LittleEndian.Uint32(rest)
	if n == 0 || n > maxHeader {
		return p, false, r.fail(fmt.Sprintf("an encryption header of %d bytes", n))
	}
	rest = rest[4:]
	// Encrypted data is never shorter than what it hides, so a boundary before that is ciphertext by chance.
	if uint64(len(rest)) < uint64(n)+uint64(p.length) {
		return p, false, r.fail("the body ends before the announced length")
	}
	p.header, rest = rest[:n:n], rest[n:]
	end, skip, last := r.end(rest, p.length)
	if end < 0 {
		return p, false, r.fail("the closing boundary is missing")
	}
	p.data = rest[:end:end]
	r.at = len(r.body) - len(rest) + end + skip
	return p, last, nil
}

// end finds the boundary that follows the data, at or after from. skip is how much of it is used up: nothing where it opens another part.
func (r *reader) end(rest []byte, from int) (end, skip int, last bool) {
	for _, lead := range []string{"--", "-- "} {
		i := bytes.Index(rest[from:], []byte(lead+r.delimiter))
		if i < 0 {
			continue
		}
		end = from + i
		after := rest[end+len(lead)+len(r.delimiter):]
		closing := strings.Trim(string(after[:min(len(after), 8)]), "-\r\n")
		if len(after) <= 8 && closing == "" {
			return end, len(rest) - end, true
		}
		return end, 0, false
	}
	return -1, 0, false
}

// skipDelimiter steps over a boundary line and empty lines before it, if one is next.
func (r *reader) skipDelimiter() bool {
	rest := r.body[r.at:]
	for bytes.HasPrefix(rest, []byte("\r\n")) {
		rest = rest[2:]
	}
	for _, lead := range []string{"--", "-- "} {
		if after, ok := bytes.CutPrefix(rest, []byte(lead+r.delimiter+"\r\n")); ok {
			r.at = len(r.body) - len(after)
			return true
		}
	}
	return false
}

// maxLine bounds a header line in bytes.
const maxLine = 1024

// line steps over one header line.
func (r *reader) line() (string, bool) {
	rest := r.body[r.at:]
	i := bytes.Index(rest[:min(len(rest), maxLine)], []byte("\r\n"))
	if i < 0 {
		return "", false
	}
	r.at += i + 2
	return string(rest[:i]), true
}

// lengthOf reads Length from "type=application/soap+xml;charset=UTF-8;Length=1685".
func lengthOf(original string) (int, error) {
	for field := range strings.SplitSeq(original, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if !strings.EqualFold(name, "Length") {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
		if err != nil {
			return 0, errors.New("OriginalContent has a Length that is no number")
		}
		return int(n), nil
	}
	return 0, errors.New("OriginalContent has no Length")
}
