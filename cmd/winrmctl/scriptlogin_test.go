package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// keyPassword is that of the keys that certificate makes.
const keyPassword = "kéy pass"

// certificate makes a self-signed certificate for 127.0.0.1 and writes it with its key in every form: NAME.pem, NAME.key,
// NAME.enc (encrypted), NAME.p12, both with the password in key-password.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certificate NAME")
	}
	pair := newCertificate(ts, args[0])
	plain, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	ts.Check(err)
	encrypted, err := pkcs8.MarshalPrivateKey(pair.PrivateKey, []byte(keyPassword), nil)
	ts.Check(err)
	bundle, err := pkcs12.Modern.Encode(pair.PrivateKey, pair.Leaf, nil, keyPassword)
	ts.Check(err)
	for name, content := range map[string][]byte{
		args[0] + ".pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}),
		args[0] + ".key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: plain}),
		args[0] + ".enc": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted}),
		args[0] + ".p12": bundle,
		"key-password":   []byte(keyPassword + "\n"),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), content, 0o600))
	}
}

func newCertificate(ts *testscript.TestScript, name string) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	leaf, err := x509.ParseCertificate(der)
	ts.Check(err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serve runs `winrmctl sandbox` with these flags until the script ends, as the account bob; what it sets is what sandbox
// sets, and it writes what it tells into sandbox.log.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve [FLAG...]")
	}
	name, program := "winrmctl", ""
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, name); program == "" && fileExists(path) {
			program = path
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs("password"), []byte("S3cret-Pässw0rd\n"), 0o600))
	log, err := os.Create(ts.MkAbs("sandbox.log"))
	ts.Check(err)
	defer log.Close()
	ca := ts.MkAbs("ca.pem")
	flags := []string{"sandbox", "-v", "-o", "json", "--programs", "builtin", "--user", "bob", "--password-file", ts.MkAbs("password")}
	for _, arg := range args {
		if arg == "--https" {
			flags = append(flags, "--ca-out", ca)
		}
	}
	cmd := exec.Command(program, append(flags, args...)...)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TESTSCRIPT_COMMAND=" + ts.Getenv("TESTSCRIPT_COMMAND")}
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var printed struct {
		URL string `json:"url"`
	}
	ts.Check(json.NewDecoder(out).Decode(&printed))
	u, err := url.Parse(printed.URL)
	ts.Check(err)
	ts.Setenv("URL", printed.URL)
	ts.Setenv("HOST", u.Host)
	ts.Setenv("PORT", u.Port())
	ts.Setenv("PW", ts.MkAbs("password"))
	ts.Setenv("CA", ca)
}

// middlebox ends TLS before the server that $URL names, with a certificate of its own ($BOXCA, $BOX): what it passes on goes
// by TLS to an https server, and in clear to an http one.
func middlebox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: middlebox")
	}
	u, err := url.Parse(ts.Getenv("URL"))
	ts.Check(err)
	pair := newCertificate(ts, "box")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*pair}})
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	dial := func() (net.Conn, error) {
		if u.Scheme == "http" {
			return net.Dial("tcp", u.Host)
		}
		return tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true})
	}
	go relayAll(l, dial)
	ts.Setenv("BOX", "https://"+l.Addr().String()+"/wsman")
	ts.Setenv("BOXCA", ts.MkAbs("box.pem"))
	ts.Check(os.WriteFile(ts.MkAbs("box.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}), 0o600))
}

// relayAll passes bytes between each connection that a listener takes and one that dial makes.
func relayAll(l net.Listener, dial func() (net.Conn, error)) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := dial()
		if err != nil {
			_ = in.Close()
			continue
		}
		go func() { _, _ = io.Copy(out, bufio.NewReader(in)); _ = out.Close() }()
		go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	}
}

// raw starts a server that answers each request with the bytes of a file, or with greet begins with them, and sets $RAW to its
// address. Lines become those of HTTP; "Content-Length: @" is filled in.
func raw(ts *testscript.TestScript, neg bool, args []string) {
	greet := len(args) == 2 && args[0] == "greet"
	if neg || len(args) != 1 && !greet {
		ts.Fatalf("usage: raw [greet] FILE")
	}
	answer := strings.ReplaceAll(strings.TrimSuffix(ts.ReadFile(args[len(args)-1]), "\n"), "\n", "\r\n")
	if !strings.Contains(answer, "\r\n\r\n") {
		answer += "\r\n\r\n"
	}
	_, body, _ := strings.Cut(answer, "\r\n\r\n")
	answer = strings.Replace(answer, "Content-Length: @", "Content-Length: "+strconv.Itoa(len(body)), 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	serve := func(c net.Conn) {
		defer c.Close()
		if greet {
			_, _ = io.WriteString(c, answer)
		}
		for in := bufio.NewReader(c); ; {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	ts.Setenv("RAW", l.Addr().String())
}
