package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

// tailnet adds to the test control server what it has no setting for: login names, a name that goes over to the newest
// node that asks for it, and a state file.
type tailnet struct {
	control *testcontrol.Server
	path    string
	users   pairs // host name -> login name

	saving sync.Mutex
}

// kept is the state file. Without the keys every node would take the restarted server for another one.
type kept struct {
	Noise   key.MachinePrivate
	Control key.ControlPrivate
	Nodes   map[key.NodePublic]*tailcfg.Node
	Users   map[key.NodePublic]*tailcfg.User
	Logins  map[key.NodePublic]*tailcfg.Login
}

// hidden is a field of the test control server that has no accessor. The version is pinned and a missing field or another
// type stops the program at its start, in restore, not later. The server's lock must be held, or nobody else know it yet.
func hidden[T any](control *testcontrol.Server, name string) *T {
	field := reflect.ValueOf(control).Elem().FieldByName(name)
	if want := reflect.TypeFor[T](); !field.IsValid() || field.Type() != want {
		panic(fmt.Sprintf("testcontrol.Server has no field %s of type %s", name, want))
	}
	return (*T)(unsafe.Pointer(field.UnsafeAddr()))
}

func (t *tailnet) nodes() map[key.NodePublic]*tailcfg.Node {
	return *hidden[map[key.NodePublic]*tailcfg.Node](t.control, "nodes")
}

func (t *tailnet) owners() (map[key.NodePublic]*tailcfg.User, map[key.NodePublic]*tailcfg.Login) {
	return *hidden[map[key.NodePublic]*tailcfg.User](t.control, "users"),
		*hidden[map[key.NodePublic]*tailcfg.Login](t.control, "logins")
}

// restore gives the server the keys and nodes of the state file, or new keys when there is none. Call it before serving.
func (t *tailnet) restore() error {
	state := kept{
		Nodes:  map[key.NodePublic]*tailcfg.Node{},
		Users:  map[key.NodePublic]*tailcfg.User{},
		Logins: map[key.NodePublic]*tailcfg.Login{},
	}
	content, err := os.ReadFile(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		state.Noise, state.Control = key.NewMachine(), key.NewControl()
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(content, &state); err != nil {
			return fmt.Errorf("%s: %w", t.path, err)
		}
	}
	*hidden[key.MachinePrivate](t.control, "noisePrivKey") = state.Noise
	*hidden[key.MachinePublic](t.control, "noisePubKey") = state.Noise.Public()
	*hidden[key.ControlPrivate](t.control, "privKey") = state.Control
	*hidden[key.MachinePublic](t.control, "pubKey") = state.Control.Public()
	*hidden[map[key.NodePublic]*tailcfg.Node](t.control, "nodes") = state.Nodes
	*hidden[map[key.NodePublic]*tailcfg.User](t.control, "users") = state.Users
	*hidden[map[key.NodePublic]*tailcfg.Login](t.control, "logins") = state.Logins
	return t.save()
}

// save writes the state file aside and renames it, so that it is never half a file.
func (t *tailnet) save() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	lock := hidden[sync.Mutex](t.control, "mu")
	lock.Lock()
	users, logins := t.owners()
	content, err := json.Marshal(kept{
		Noise:   *hidden[key.MachinePrivate](t.control, "noisePrivKey"),
		Control: *hidden[key.ControlPrivate](t.control, "privKey"),
		Nodes:   t.nodes(),
		Users:   users,
		Logins:  logins,
	})
	lock.Unlock()
	if err != nil {
		return err
	}
	aside := t.path + ".new"
	if err := os.WriteFile(aside, content, 0o600); err != nil {
		return err
	}
	return os.Rename(aside, t.path)
}

// assignUser gives the node that polls the user its host name stands for. The server calls it with its lock held, before
// any other node is told of the new one by this poll. Nodes of one user share the user's ID, as in a real tailnet.
func (t *tailnet) assignUser(nodeKey key.NodePublic) {
	node := t.nodes()[nodeKey]
	users, logins := t.owners()
	if node == nil || logins[nodeKey] == nil {
		return
	}
	// The stock picture is an address on the internet that every page would load.
	logins[nodeKey].ProfilePicURL = ""
	login, named := t.users[hostname(node)]
	if !named || logins[nodeKey].LoginName == login {
		return
	}
	for other, known := range logins {
		if known.LoginName == login {
			users[nodeKey], logins[nodeKey], node.User = users[other], known, users[other].ID
			return
		}
	}
	display, _, _ := strings.Cut(login, "@")
	logins[nodeKey].LoginName, logins[nodeKey].DisplayName = login, display
	users[nodeKey].DisplayName = display
}

// holdMapRequest is called by the server, without its lock, before and after each poll.
func (t *tailnet) holdMapRequest(request *tailcfg.MapRequest) func() {
	t.yieldName(request.NodeKey)
	if request.Stream {
		// The end of a stream changes nothing; its start may be a new node's first sign of life.
		t.saveOrLog()
		return nil
	}
	return t.saveOrLog
}

func (t *tailnet) saveOrLog() {
	if err := t.save(); err != nil {
		log.Printf("the state was not saved: %v", err)
	}
}

// yieldName renames the older nodes that carry the name of the node that polls. A node whose state was lost comes back with
// a new key; the plain server would keep both under one name, and peers might dial the dead one.
func (t *tailnet) yieldName(nodeKey key.NodePublic) {
	newest := t.control.Node(nodeKey)
	if newest == nil {
		return
	}
	for _, node := range t.control.AllNodes() {
		if node.Name == newest.Name && node.ID < newest.ID {
			first, rest, _ := strings.Cut(node.Name, ".")
			node.Name = fmt.Sprintf("%s-%d.%s", first, node.ID, rest)
			t.control.UpdateNode(node)
		}
	}
}

// serveNodes answers who is on the tailnet, for people and tests.
func (t *tailnet) serveNodes(w http.ResponseWriter, _ *http.Request) {
	type row struct {
		Name      string   `json:"name"`
		Addresses []string `json:"addresses"`
		Tags      []string `json:"tags"`
		Login     string   `json:"login"`
	}
	rows := []row{}
	for _, node := range t.control.AllNodes() {
		found := row{Name: strings.TrimSuffix(node.Name, "."), Tags: append([]string{}, node.Tags...)}
		for _, address := range node.Addresses {
			found.Addresses = append(found.Addresses, address.Addr().String())
		}
		found.Login = t.login(node.Key)
		rows = append(rows, found)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(rows); err != nil {
		log.Printf("nodes: %v", err)
	}
}

func (t *tailnet) login(nodeKey key.NodePublic) string {
	lock := hidden[sync.Mutex](t.control, "mu")
	lock.Lock()
	defer lock.Unlock()
	if _, logins := t.owners(); logins[nodeKey] != nil {
		return logins[nodeKey].LoginName
	}
	return ""
}

func hostname(node *tailcfg.Node) string {
	if !node.Hostinfo.Valid() {
		return ""
	}
	return node.Hostinfo.Hostname()
}
