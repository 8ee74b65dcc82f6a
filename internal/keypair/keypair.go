// Package keypair reads a TLS client certificate with its private key from files: PEM, PKCS#8 encrypted or not, PKCS#12;
// it does not know what they are used for, nor where a password comes from.
package keypair

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// An Error is a file that cannot be used.
type Error struct {
	File string
	Text string
	Err  error // cause, or nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.File, e.Text, e.Err)
	}
	return e.File + ": " + e.Text
}

func (e *Error) Unwrap() error { return e.Err }

// ErrNoKey is a certificate without its private key.
var ErrNoKey = errors.New("there is no private key in it, and no other file is given for it")

// Load reads a certificate, with the chain that is in its file, and its key. keyFile is "" where the key is in the
// certificate's file, as with PKCS#12. password is called, once, where the key is encrypted. Errors are [*Error] and
// those of password.
func Load(certificateFile, keyFile string, password func() (string, error)) (*tls.Certificate, error) {
	data, err := os.ReadFile(certificateFile)
	if err != nil {
		return nil, &Error{certificateFile, "certificate", errors.Unwrap(err)}
	}
	var c *tls.Certificate
	var key crypto.PrivateKey
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		c, key, err = fromPEM(certificateFile, data, keyFile == "", password)
	} else {
		c, key, err = fromPKCS12(certificateFile, data, password)
	}
	if err != nil {
		return nil, err
	}
	if keyFile != "" {
		data, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, &Error{keyFile, "key", errors.Unwrap(err)}
		}
		if key, err = keyIn(keyFile, data, password); err != nil {
			return nil, err
		}
	}
	return pair(certificateFile, c, key)
}

// Certificate reads a certificate alone, in PEM or DER: the first of the file. Errors are [*Error].
func Certificate(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &Error{file, "certificate", errors.Unwrap(err)}
	}
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		c, err := x509.ParseCertificate(data)
		if err != nil {
			return nil, &Error{file, "there is no certificate in it, in PEM or DER", nil}
		}
		return c, nil
	}
	c, _, err := fromPEM(file, data, false, nil)
	if err != nil {
		return nil, err
	}
	return c.Leaf, nil
}

// pair finds the certificate that the key belongs to. It goes to the front, as TLS wants it: files have theirs in any order.
func pair(file string, c *tls.Certificate, key crypto.PrivateKey) (*tls.Certificate, error) {
	if key == nil {
		return nil, &Error{file, "key", ErrNoKey}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, &Error{file, "the key cannot sign", nil}
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, &Error{file, "the key is of a kind that is not known", nil}
	}
	for i, der := range c.Certificate {
		if leaf, err := x509.ParseCertificate(der); err == nil && public.Equal(leaf.PublicKey) {
			rest := slices.Delete(slices.Clone(c.Certificate), i, i+1)
			return &tls.Certificate{Leaf: leaf, Certificate: append([][]byte{der}, rest...), PrivateKey: key}, nil
		}
	}
	return nil, &Error{file, "the key belongs to another certificate", nil}
}

// fromPEM reads the certificates of a file, the leaf first, and its key if that is wanted.
func fromPEM(file string, data []byte, wantKey bool, password func() (string, error)) (*tls.Certificate, crypto.PrivateKey, error) {
	c := &tls.Certificate{}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, &Error{file, "certificate", err}
		}
		if c.Leaf == nil {
			c.Leaf = parsed
		}
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if c.Leaf == nil {
		return nil, nil, &Error{file, "there is no certificate in it", nil}
	}
	if !wantKey {
		return c, nil, nil
	}
	key, err := keyIn(file, data, password)
	return c, key, err
}

// keyIn reads the first private key of a PEM file; nil where there is none.
func keyIn(file string, data []byte, password func() (string, error)) (crypto.PrivateKey, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, nil
		}
		var key crypto.PrivateKey
		var err error
		switch {
		case block.Headers["DEK-Info"] != "":
			return nil, &Error{file, "the key is encrypted in the old way of PEM, which protects little; convert it: openssl pkcs8 -topk8", nil}
		case block.Type == "ENCRYPTED PRIVATE KEY":
			secret, err := password()
			if err != nil {
				return nil, err
			}
			if key, _, err = pkcs8.ParsePrivateKey(block.Bytes, []byte(secret)); err != nil {
				// The library's errors quote what it took for ASN.1, decrypted with the wrong password.
				return nil, &Error{file, "the key cannot be decrypted: another password, or an algorithm that is not known", nil}
			}
			return key, nil
		case block.Type == "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, &Error{file, "key", err}
		}
		return key, nil
	}
}

// fromPKCS12 reads a .pfx or .p12 file.
func fromPKCS12(file string, data []byte, password func() (string, error)) (*tls.Certificate, crypto.PrivateKey, error) {
	secret := ""
	key, leaf, chain, err := pkcs12.DecodeChain(data, secret)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		if secret, err = password(); err != nil {
			return nil, nil, err
		}
		key, leaf, chain, err = pkcs12.DecodeChain(data, secret)
	}
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, nil, &Error{file, "it cannot be decrypted: another password", nil}
	case err != nil:
		return nil, nil, &Error{file, "neither PEM nor PKCS#12", err}
	}
	c := &tls.Certificate{Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, more := range chain {
		c.Certificate = append(c.Certificate, more.Raw)
	}
	return c, key, nil
}
