package sandbox

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/recorded"
	"github.com/winrmctl/winrmctl/internal/secret"
)

// TestRecordedRefusals sends what a real host refused, and gets refusals with the same headers, in the same spelling: without a
// login, and after a right one whose last request is in clear. Only a challenge keeps the connection.
func TestRecordedRefusals(t *testing.T) {
	s := start(t, Options{Programs: Builtin{}})
	client := ntlm.NewClient(ntlm.ClientConfig{Account: ntlm.ParseAccount(s.User()), Password: secret.New(s.Password())})
	var challenge []byte
	for _, dialogue := range []struct {
		name      string
		exchanges int
	}{{"pcap-s02-401-no-auth-negotiate-only", 1}, {"pcap-s03-401-ntlm-plaintext-body-refused-AllowUnencrypted-false", 2}} {
		nc, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		in := bufio.NewReader(nc)
		for i := range dialogue.exchanges {
			file := func(n int, kind string) []byte {
				return recorded.File(t, fmt.Sprintf("recordings/http/%s-%02d-%s.http", dialogue.name, 2*i+n, kind))
			}
			request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(file(0, "request"))))
			if err != nil {
				t.Fatal(err)
			}
			if request.Header.Get("Authorization") != "" {
				token, err := client.Negotiate()
				if challenge != nil {
					token, err = client.Authenticate(challenge)
				}
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Authorization", "Negotiate "+base64.StdEncoding.EncodeToString(token))
			}
			if err := request.Write(nc); err != nil {
				t.Fatal(err)
			}
			want, _ := head(t, bufio.NewReader(bytes.NewReader(file(1, "response"))))
			got, token := head(t, in)
			if !slices.Equal(got, want) {
				t.Errorf("%s %d: %q, recorded %q", dialogue.name, i, got, want)
			}
			challenge = token
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("%s: the connection goes on: %v", dialogue.name, err)
		}
	}
	if n := s.Stats().Logins; n != 1 {
		t.Errorf("%d logins", n)
	}
}

// head reads status and headers of an answer, in one order and without what differs from one to the next, and the token that
// comes with it.
func head(t *testing.T, in *bufio.Reader) (lines []string, token []byte) {
	t.Helper()
	r := textproto.NewReader(in)
	for {
		line, err := r.ReadLine()
		if err != nil {
			t.Fatal(err)
		}
		if line == "" {
			slices.Sort(lines)
			return lines, token
		}
		if rest, ok := strings.CutPrefix(line, "WWW-Authenticate: Negotiate "); ok {
			if token, err = base64.StdEncoding.DecodeString(rest); err != nil {
				t.Fatal(err)
			}
			line = strings.TrimSuffix(line, rest)
		}
		if strings.HasPrefix(line, "Date: ") {
			line = "Date"
		}
		lines = append(lines, strings.TrimSuffix(line, "Unauthorized")) // Windows gives no reason
	}
}
