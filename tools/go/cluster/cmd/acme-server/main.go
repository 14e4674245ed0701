// Program acme-server is a certificate authority for development and tests: pebble's packages with a validation that
// believes every proof, under one root that stays the same from run to run.
//
// It issues a certificate for any name to whoever can reach it. It is not for a network that others can reach.
package main

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// Paths of pebble's front end that it does not export.
const (
	finalizePath    = "/finalize-order/"
	orderPath       = "/my-order/"
	certificatePath = "/certZ/"
)

// A year: longer than a test cluster lives, within what browsers accept.
const validitySeconds = 365 * 24 * 60 * 60

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	listen := flag.String("listen", "", "`IP:PORT` to serve ACME on, over TLS")
	state := flag.String("state", "", "`directory` for root.pem, the certificate to trust, and its key")
	flag.Parse()
	if err := run(*listen, *state); err != nil {
		log.Fatalf("acme-server: %v", err)
	}
}

func run(listen, state string) error {
	if listen == "" || state == "" {
		return errors.New("-listen and -state are both needed")
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	address := net.ParseIP(host)
	if address == nil {
		return fmt.Errorf("-listen: %q is not an IP address", host)
	}
	root, err := openRoot(state)
	if err != nil {
		return err
	}
	endpoint, err := root.endpoint(address)
	if err != nil {
		return err
	}
	handler, err := acmeHandler(root)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", listen, &tls.Config{
		Certificates: []tls.Certificate{endpoint},
		NextProtos:   []string{"http/1.1"},
	})
	if err != nil {
		return err
	}
	log.Printf("ready: https://%s/dir, root in %s", listen, state)
	return (&http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

// acmeHandler is pebble's ACME front end. Pebble makes an issuing root of its own in every run; ours vouches for it.
func acmeHandler(root *root) (http.Handler, error) {
	// These are pebble's only way to be told: believe every challenge, at once; reject no nonce; ask for a proof each time.
	for name, value := range map[string]string{
		"PEBBLE_VA_ALWAYS_VALID": "1",
		"PEBBLE_VA_NOSLEEP":      "1",
		"PEBBLE_WFE_NONCEREJECT": "0",
		"PEBBLE_AUTHZREUSE":      "0",
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	logger := log.Default()
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "the only one", ValidityPeriod: validitySeconds}}
	authority := ca.New(logger, store, "", "ecdsa", 0, 1, profiles)
	link, err := root.vouchFor(authority.GetRootCert(0).Cert)
	if err != nil {
		return nil, err
	}
	validation := va.New(logger, 80, 443, false, "", store)
	front := wfe.New(logger, store, validation, authority, []string{"acme.test"}, false, false, 1, 1)
	return withLink(link, withOrderLocation(front.Handler())), nil
}

// withOrderLocation adds the order's address to the answer of a finalize request. Pebble leaves it out, Let's Encrypt sends
// it, and Tailscale's ACME client polls that address: without it, it fails with "unsupported protocol scheme".
func withOrderLocation(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if order, found := strings.CutPrefix(r.URL.Path, finalizePath); found {
			w.Header().Set("Location", "https://"+r.Host+orderPath+order)
		}
		next.ServeHTTP(w, r)
	})
}

// withLink adds the certificate that leads to our root to the end of every chain handed out.
func withLink(link []byte, next http.Handler) http.Handler {
	block := append([]byte("\n"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: link})...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		if strings.HasPrefix(r.URL.Path, certificatePath) && answer.status == http.StatusOK {
			if _, err := w.Write(block); err != nil {
				log.Printf("a chain was cut short: %v", err)
			}
		}
	})
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
