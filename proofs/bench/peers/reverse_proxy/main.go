// A reverse proxy of Go's standard library, tuned: one transport that keeps connections, buffers that are reused.
package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

type pool struct{ sync.Pool }

func (p *pool) Get() []byte  { return p.Pool.Get().([]byte) }
func (p *pool) Put(b []byte) { p.Pool.Put(b) }

func main() {
	port, upstream := os.Args[1], os.Args[2]
	target, err := url.Parse("http://127.0.0.1:" + upstream)
	if err != nil {
		panic(err)
	}
	panic(http.ListenAndServe("127.0.0.1:"+port, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport:     &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
		BufferPool:    &pool{sync.Pool{New: func() any { return make([]byte, 32<<10) }}},
		FlushInterval: -1,
	}))
}
