package keypair

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// make writes a certificate and its key in every form, and returns the directory.
func makeFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, blocks ...*pem.Block) {
		var b []byte
		for _, block := range blocks {
			b = append(b, pem.EncodeToMemory(block)...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	leaf, err := x509.ParseCertificate(der)
	check(err)
	certificate := &pem.Block{Type: "CERTIFICATE", Bytes: der}
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	sec1, err := x509.MarshalECPrivateKey(key)
	check(err)
	encrypted, err := pkcs8.MarshalPrivateKey(key, []byte("pässword"), nil)
	check(err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	check(err)
	pfx, err := pkcs12.Modern.Encode(key, leaf, []*x509.Certificate{leaf}, "pässword")
	check(err)
	check(os.WriteFile(filepath.Join(dir, "both.pfx"), pfx, 0o600))
	issuer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	issuerDER, err := x509.CreateCertificate(rand.Reader, template, template, &issuer.PublicKey, issuer)
	check(err)
	issuerCertificate, err := x509.ParseCertificate(issuerDER)
	check(err)
	pfx, err = pkcs12.Modern.Encode(key, issuerCertificate, []*x509.Certificate{leaf}, "pässword")
	check(err)
	check(os.WriteFile(filepath.Join(dir, "issuerfirst.pfx"), pfx, 0o600))
	check(os.WriteFile(filepath.Join(dir, "cert.der"), der, 0o600))
	open, err := pkcs12.Passwordless.Encode(key, leaf, nil, "")
	check(err)
	check(os.WriteFile(filepath.Join(dir, "open.pfx"), open, 0o600))
	check(os.WriteFile(filepath.Join(dir, "junk"), []byte("junk"), 0o600))
	write("cert.pem", certificate)
	write("issuerfirst.pem", &pem.Block{Type: "CERTIFICATE", Bytes: issuerDER}, certificate)
	write("both.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: plain}, certificate)
	write("key.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: plain})
	write("ec.pem", &pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}}, &pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})
	write("encrypted.pem", &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted})
	write("old.pem", &pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: sec1})
	write("rsa.pem", &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})
	write("broken.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	write("brokencert.pem", &pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	return dir
}

func TestLoad(t *testing.T) {
	dir := makeFiles(t)
	refused := errors.New("nobody is there to ask")
	for _, tc := range []struct {
		certificate, key, password string
		text                       string // of the error
	}{
		{"cert.pem", "key.pem", "", ""},
		{"cert.pem", "ec.pem", "", ""},
		{"cert.pem", "both.pem", "", ""},
		{"issuerfirst.pem", "key.pem", "", ""},
		{"issuerfirst.pfx", "", "pässword", ""},
		{"both.pem", "", "", ""},
		{"cert.pem", "encrypted.pem", "pässword", ""},
		{"both.pfx", "", "pässword", ""},
		{"open.pfx", "", "", ""},
		{"cert.pem", "encrypted.pem", "wrong", "encrypted.pem: the key cannot be decrypted: another password"},
		{"both.pfx", "", "wrong", "both.pfx: it cannot be decrypted: another password"},
		{"cert.pem", "encrypted.pem", "-", refused.Error()},
		{"both.pfx", "", "-", refused.Error()},
		{"cert.pem", "", "", "there is no private key in it"},
		{"cert.pem", "cert.pem", "", "there is no private key in it"},
		{"cert.pem", "rsa.pem", "", "the key belongs to another certificate"},
		{"cert.pem", "old.pem", "", "openssl pkcs8 -topk8"},
		{"cert.pem", "broken.pem", "", "broken.pem: key: "},
		{"brokencert.pem", "key.pem", "", "brokencert.pem: certificate: "},
		{"key.pem", "", "", "there is no certificate in it"},
		{"junk", "", "", "neither PEM nor PKCS#12"},
		{"nothing.pem", "", "", "nothing.pem: certificate: no such file"},
		{"cert.pem", "nothing.pem", "", "nothing.pem: key: no such file"},
	} {
		key := tc.key
		if key != "" {
			key = filepath.Join(dir, key)
		}
		c, err := Load(filepath.Join(dir, tc.certificate), key, func() (string, error) {
			if tc.password == "-" {
				return "", refused
			}
			return tc.password, nil
		})
		switch {
		case tc.text == "" && (err != nil || c.Leaf.Subject.CommonName != "client" || c.PrivateKey == nil):
			t.Errorf("%s %s: %v", tc.certificate, tc.key, err)
		case tc.text == "" && !c.PrivateKey.(crypto.Signer).Public().(*ecdsa.PublicKey).Equal(c.Leaf.PublicKey):
			t.Errorf("%s %s: the certificate of another key", tc.certificate, tc.key)
		case tc.text == "" && !bytes.Equal(c.Certificate[0], c.Leaf.Raw):
			t.Errorf("%s %s: the leaf is not at the front", tc.certificate, tc.key)
		case tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)):
			t.Errorf("%s %s: %v", tc.certificate, tc.key, err)
		case err != nil && strings.Contains(err.Error(), "wrong"):
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

func TestCertificate(t *testing.T) {
	dir := makeFiles(t)
	for file, text := range map[string]string{
		"cert.pem": "", "cert.der": "", "both.pem": "", "key.pem": "there is no certificate in it", "junk": "in PEM or DER", "nothing": "no such file", "brokencert.pem": "certificate: ",
	} {
		c, err := Certificate(filepath.Join(dir, file))
		if text == "" && (err != nil || c.Subject.CommonName != "client") || text != "" && (err == nil || !strings.Contains(err.Error(), text)) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestOpenSSL reads what openssl writes.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir := makeFiles(t)
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	run("pkcs8", "-topk8", "-in", "key.pem", "-out", "openssl.pem", "-passout", "pass:secret")
	run("pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", "openssl.pfx", "-passout", "pass:secret")
	for _, tc := range [][2]string{{"cert.pem", "openssl.pem"}, {"openssl.pfx", ""}} {
		key := tc[1]
		if key != "" {
			key = filepath.Join(dir, key)
		}
		if _, err := Load(filepath.Join(dir, tc[0]), key, func() (string, error) { return "secret", nil }); err != nil {
			t.Errorf("%v: %v", tc, err)
		}
	}
}
