package auth

import (
	"crypto"
	"crypto/x509"

	_ "crypto/sha256" // the hashes of RFC 5929
	_ "crypto/sha512"
)

// EndPointBindings returns the channel bindings of type tls-server-end-point for a server's certificate (RFC 5929 4.1):
// a hash of it by the hash of its signature, or by SHA-256 where that is MD5 or SHA-1.
func EndPointBindings(certificate *x509.Certificate) []byte {
	hash := crypto.SHA256
	switch certificate.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write(certificate.Raw)
	return h.Sum([]byte("tls-server-end-point:"))
}
