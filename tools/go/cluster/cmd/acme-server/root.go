package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const lifetime = 10 * 365 * 24 * time.Hour

// root is the one certificate that nodes and browsers trust. It is kept, because they are told of it once and must still
// agree after a restart.
type root struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// openRoot reads root.pem and root-key.pem of the directory, or makes them. The key is written first, so that a root.pem
// that can be read is complete.
func openRoot(directory string) (*root, error) {
	certFile, keyFile := filepath.Join(directory, "root.pem"), filepath.Join(directory, "root-key.pem")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	switch {
	case err == nil:
		return &root{pair.Leaf, pair.PrivateKey.(crypto.Signer)}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "GuildNet test authority"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	made := &root{template, key}
	raw, err := made.sign(template, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	if err := writeAside(keyFile, &pem.Block{Type: "PRIVATE KEY", Bytes: keyBytes}, 0o600); err != nil {
		return nil, err
	}
	if err := writeAside(certFile, &pem.Block{Type: "CERTIFICATE", Bytes: raw}, 0o644); err != nil {
		return nil, err
	}
	made.certificate, err = x509.ParseCertificate(raw)
	return made, err
}

// endpoint is a certificate of the ACME endpoint itself, new in every run.
func (r *root) endpoint(address net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	raw, err := r.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "ACME endpoint"},
		IPAddresses: []net.IP{address},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{raw, r.certificate.Raw}, PrivateKey: key}, err
}

// vouchFor is a certificate by us for the name and key of another root: whoever trusts us then trusts what it issues.
func (r *root) vouchFor(other *x509.Certificate) ([]byte, error) {
	return r.sign(&x509.Certificate{
		Subject:               other.Subject,
		SubjectKeyId:          other.SubjectKeyId,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              other.KeyUsage,
	}, other.PublicKey)
}

func (r *root) sign(template *x509.Certificate, key crypto.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.Add(lifetime)
	return x509.CreateCertificate(rand.Reader, template, r.certificate, key, r.key)
}

func writeAside(path string, block *pem.Block, mode os.FileMode) error {
	aside := path + ".new"
	if err := os.WriteFile(aside, pem.EncodeToMemory(block), mode); err != nil {
		return err
	}
	return os.Rename(aside, path)
}
