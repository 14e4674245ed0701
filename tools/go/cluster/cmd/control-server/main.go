// Program control-server is a tailnet's coordination server for development and tests: Tailscale's own test control
// server with an address, a MagicDNS domain, one auth key, tags, app capabilities and users with login names of choice,
// a DERP relay and a STUN responder beside it, and a state file, so that its nodes find it unchanged after a restart.
//
// It trusts whoever holds the auth key with any tag and any host name. It is not for a network that others can reach.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/dnstype"
)

// pairs is a flag that is given any number of times as NAME=VALUE.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" || value == "" {
		return errors.New("want NAME=VALUE")
	}
	p[name] = value
	return nil
}

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	listen := flag.String("listen", "", "`IP:PORT` to serve on; the relay and STUN take free ports of the same address")
	domain := flag.String("domain", "", "MagicDNS `domain` of the tailnet, without a dot at either end")
	keyFile := flag.String("auth-key-file", "", "`file` with the auth key that every node must present")
	state := flag.String("state", "", "`directory` for the state file")
	users, tags, capabilities := pairs{}, pairs{}, pairs{}
	flag.Var(users, "user", "`HOSTNAME=LOGIN`: the user that a node of this host name belongs to (repeatable)")
	flag.Var(tags, "tag-owner", "`TAG=OWNER[,OWNER]`: who may set a tag, such as tag:web=tag:web (repeatable)")
	flag.Var(capabilities, "capability", "`NAME=JSON-ARRAY`: app capability granted to every node on every node (repeatable)")
	flag.Parse()
	if err := run(*listen, *domain, *keyFile, *state, users, tags, capabilities); err != nil {
		log.Fatalf("control-server: %v", err)
	}
}

func run(listen, domain, keyFile, state string, users, tags, capabilities pairs) error {
	if listen == "" || domain == "" || keyFile == "" || state == "" {
		return errors.New("-listen, -domain, -auth-key-file and -state are all needed")
	}
	address, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	authKey, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	grants, err := parseCapabilities(capabilities)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	control := &testcontrol.Server{
		Logf:            log.Printf,
		ExplicitBaseURL: "http://" + listen,
		RequireAuthKey:  strings.TrimSpace(string(authKey)),
		MagicDNSDomain:  domain,
		DNSConfig: &tailcfg.DNSConfig{
			Proxied: true,
			Domains: []string{domain},
			Routes:  map[string][]*dnstype.Resolver{domain: {}},
		},
		TagOwners: parseOwners(tags),
		AllOnline: true,
		// A node asks for a TXT record to prove its name to the certificate authority, which here believes every proof.
		OnSetDNS: func(*tailcfg.SetDNSRequest) error { return nil },
	}
	if len(grants) > 0 {
		control.SetGlobalAppCaps(grants)
	}
	tailnet := &tailnet{control: control, path: filepath.Join(state, "state.json"), users: users}
	if err := tailnet.restore(); err != nil {
		return err
	}
	control.SetOnMapRequest(tailnet.assignUser)
	control.HoldMapRequest = tailnet.holdMapRequest
	if control.DERPMap, err = startRelay(address); err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") })
	mux.HandleFunc("GET /nodes", tailnet.serveNodes)
	mux.Handle("/", control)
	log.Printf("ready: %s, domain %s, %d nodes known", control.BaseURL(), domain, control.NumNodes())
	return (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

func parseOwners(tags pairs) map[string][]string {
	owners := map[string][]string{}
	for tag, names := range tags {
		owners[tag] = strings.Split(names, ",")
	}
	return owners
}

func parseCapabilities(capabilities pairs) (tailcfg.PeerCapMap, error) {
	grants := tailcfg.PeerCapMap{}
	for name, text := range capabilities {
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			return nil, fmt.Errorf("-capability %s: want a JSON array: %w", name, err)
		}
		for _, value := range values {
			grants[tailcfg.PeerCapability(name)] = append(grants[tailcfg.PeerCapability(name)], tailcfg.RawMessage(value))
		}
	}
	return grants, nil
}
