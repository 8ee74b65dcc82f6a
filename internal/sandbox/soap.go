package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/sealed"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// minEnvelope is the least MaxEnvelopeSize that a request may ask for (3.1.4.1.7), in bytes.
const minEnvelope = 8192

// envelope is what an answer needs around its streams at most, in bytes.
const envelope = 3 << 10

// defaultTimeout is how long a Receive is held where the request does not say.
const defaultTimeout = time.Minute

// request is one SOAP request on its way through the server.
type request struct {
	*wsman.Request
	operation string // the last part of the action
	remote    string // the client's address
	sealed    bool
	chunked   bool
}

// soap answers one SOAP message, sealed where it came sealed.
func (s *Server) soap(c *connection, w http.ResponseWriter, r *http.Request, message []byte, codec *sealed.Codec) {
	q, err := wsman.ParseRequest(message)
	if err != nil {
		s.log("a message cannot be read: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	in := &request{Request: q, remote: host, sealed: codec != nil, chunked: len(r.TransferEncoding) > 0}
	in.operation = q.Action[strings.LastIndex(q.Action, "/")+1:]
	if _, ok := q.Body.(wsman.Identify); ok {
		in.operation = "Identify"
	}
	if _, ok := q.Body.(*wsman.Input); ok {
		in.operation = "Invoke"
	}
	if identifyAnonymously(r) && in.operation != "Identify" {
		c.refuse(w)
		return
	}
	if s.instead(w, r, in.operation) {
		return
	}
	status, answer := s.answer(r.Context(), in)
	if s.faults.take(FaultLose, in.operation) != nil {
		drop(w)
		return
	}
	s.reply(w, in, status, answer, codec)
}

// instead is what faults do before a request is looked at. It returns true where that was all.
func (s *Server) instead(w http.ResponseWriter, r *http.Request, operation string) bool {
	if f := s.faults.take(FaultDelay, operation); f != nil {
		t := time.NewTimer(f.For)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	}
	if s.faults.take(FaultDrop, operation) != nil {
		drop(w)
		return true
	}
	f := s.faults.take(FaultStatus, operation)
	if f == nil {
		return false
	}
	w.Header().Set("Connection", "close")
	page(w, int(f.Code), http.StatusText(int(f.Code)), "injected")
	return true
}

// reply writes an answer.
func (s *Server) reply(w http.ResponseWriter, in *request, status int, answer []byte, codec *sealed.Codec) {
	contentType := "application/soap+xml;charset=UTF-8"
	if codec != nil && s.faults.take(FaultUnsealed, in.operation) == nil {
		var err error
		if contentType, answer, err = codec.Seal(answer); err != nil {
			s.log("%v", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if s.faults.take(FaultCorrupt, in.operation) != nil {
			answer[len(answer)-len("--Encrypted Boundary--\r\n")-1] ^= 1
		}
	}
	if s.faults.take(FaultClose, in.operation) != nil {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", contentType)
	if s.faults.take(FaultTruncate, in.operation) != nil {
		hijacker, ok := w.(http.Hijacker)
		if !ok {
			return
		}
		if nc, rw, err := hijacker.Hijack(); err == nil {
			_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\nContent-Length: 1000000\r\n\r\n")
			_, _ = rw.Write(answer[:len(answer)/2])
			_ = rw.Flush()
			_ = nc.Close()
		}
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer))) // as http.sys has it; long answers are chunked without
	w.WriteHeader(status)
	_, _ = w.Write(answer) // a client that is gone is found out by the next read
}

// answer performs a request. The answer to a request whose MessageID was seen last is the same as before.
func (s *Server) answer(ctx context.Context, in *request) (status int, answer []byte) {
	if f := s.faults.take(FaultFault, in.operation); f != nil {
		return s.encode(in, nil, &wsman.Fault{Subcode: wsman.Name{Space: wsman.NSManagement, Local: "InternalError"}, Code: wsman.Code(f.Code), Reason: "injected"})
	}
	body, err := s.perform(ctx, in)
	return s.encode(in, body, err)
}

// encode writes an answer, or the fault that err is.
func (s *Server) encode(in *request, body wsman.ResponseBody, err error) (int, []byte) {
	status := http.StatusOK
	if err != nil {
		f, ok := errors.AsType[*wsman.Fault](err)
		if !ok {
			f = fault("InternalError", wsman.CodeInvalidParameter, err.Error())
		}
		f.Machine = s.options.ComputerName
		body, status = f, http.StatusInternalServerError
		s.log("%s: fault %d %s", in.operation, f.Code, f.Error())
	}
	r := wsman.Response{Action: in.Action, MessageID: "uuid:" + wsman.NewID(), RelatesTo: in.MessageID, Body: body}
	return status, r.Encode()
}

// perform carries out a request. Its error is a [*wsman.Fault].
func (s *Server) perform(ctx context.Context, in *request) (wsman.ResponseBody, error) {
	if _, ok := in.Body.(wsman.Identify); ok {
		return &wsman.IdentifyResponse{ProductVendor: "winrmctl sandbox", ProductVersion: "OS: 0.0.0 SP: 0.0 Stack: 3.0"}, nil
	}
	switch {
	case in.chunked:
		// 3.1.4.1.31.8
		return nil, fault("InternalError", wsman.CodeNotSupported, "The request is not supported.")
	case in.MessageID == "" || in.Action == "":
		return nil, sender("InvalidMessageInformationHeader", wsman.CodeInvalidHeader, "The request contains one or more invalid SOAP headers.")
	case in.MaxEnvelopeSize != 0 && in.MaxEnvelopeSize < minEnvelope:
		return nil, sender("EncodingLimit", wsman.CodeEncodingLimit, "The encoding of the request exceeds an internal encoding limit.")
	case isData(in):
		return s.repository().perform(ctx, in)
	case in.ResourceURI != wsman.ResourceCmd:
		return nil, sender("InvalidResourceURI", wsman.CodeInvalidResourceURI, "The resource URI is unknown to the sandbox: "+in.ResourceURI)
	}
	if in.Action == wsman.ActionCreate {
		return s.shells.create(in)
	}
	shell := s.shells.find(in.Selector("ShellId"))
	if shell == nil {
		f := sender("InvalidSelectors", wsman.CodeInvalidSelectors, "The WS-Management service cannot process the request because the request contained invalid selectors for the resource.")
		f.Detail = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors"
		f.Provider = "Shell provider"
		return nil, f
	}
	if in.Action == wsman.ActionDelete {
		s.shells.remove(shell)
		return nil, nil
	}
	return shell.perform(ctx, in)
}

// fault makes a fault of the server's, sender one of the request's.
func fault(subcode string, code wsman.Code, reason string) *wsman.Fault {
	return &wsman.Fault{Subcode: wsman.Name{Space: wsman.NSManagement, Local: subcode}, Code: code, Reason: reason}
}

func sender(subcode string, code wsman.Code, reason string) *wsman.Fault {
	f := fault(subcode, code, reason)
	f.Sender = true
	return f
}
