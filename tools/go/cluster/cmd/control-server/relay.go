package main

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stun/stuntest"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
	"tailscale.com/types/nettype"
)

// startRelay starts a DERP relay and a STUN responder on free ports of the address; the answer is the map that tells
// nodes of them. The package that Tailscale's own tests start theirs with also brings in an SSH server.
func startRelay(address string) (*tailcfg.DERPMap, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	relay := httptest.NewUnstartedServer(derpserver.Handler(derpserver.New(key.NewNode(), logger.Discard)))
	if err := relay.Listener.Close(); err != nil {
		return nil, err
	}
	relay.Listener = listener
	relay.Config.ErrorLog = logger.StdLogger(logger.Discard)
	// DERP takes over the connection, which HTTP/2 has no way to give it.
	relay.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	relay.StartTLS()
	stun, _ := stuntest.ServeWithPacketListener(testingTB{}, nettype.Std{})
	node := &tailcfg.DERPNode{
		Name:             "test",
		RegionID:         1,
		HostName:         address,
		IPv4:             address,
		IPv6:             "none",
		STUNPort:         stun.Port,
		STUNTestIP:       address,
		DERPPort:         listener.Addr().(*net.TCPAddr).Port,
		InsecureForTests: true,
	}
	region := &tailcfg.DERPRegion{RegionID: 1, RegionCode: "test", Nodes: []*tailcfg.DERPNode{node}}
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{1: region}}, nil
}

// testingTB stands in for a test: the STUN responder's constructor takes one, though it only logs, fails and registers
// clean-ups that the end of the process does as well. What is not overridden here panics on the nil interface inside.
type testingTB struct{ testing.TB }

func (testingTB) Helper()                           {}
func (testingTB) Cleanup(func())                    {}
func (testingTB) Logf(format string, args ...any)   { log.Printf(format, args...) }
func (testingTB) Fatal(args ...any)                 { log.Fatal(args...) }
func (testingTB) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
func (testingTB) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
