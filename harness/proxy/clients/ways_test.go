package clients

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
)

// target is where a client connects.
type target struct {
	addr     string
	protocol int
	ca       string      // file of the authority to trust; "": no TLS
	tls      *tls.Config // the same for a client in Go
}

func (to target) split(t *testing.T) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(to.addr)
	require.NoError(t, err)
	return host, port
}

// way is one way through the proxy.
type way struct {
	name     string
	portable bool
	secure   bool // TLS on both sides; the engine is the portable one
}

// engines are the ways without TLS.
func engines() []way { return []way{{name: "native"}, {name: "portable", portable: true}} }

// ways are those that each client takes; TLS, which is below the protocol, in
// RESP3 alone.
func ways(protocol int) []way {
	if protocol == 3 {
		return append(engines(), way{name: "TLS", secure: true})
	}
	return engines()
}

// route is a running proxy that records, and what leads to it.
type route struct {
	to  target
	p   *proxy.Proxy
	rec *history.Buffer
	log *syncBuffer
}

// open starts a proxy before s.
func (w way) open(t *testing.T, s *server, protocol int) *route {
	t.Helper()
	r := &route{log: &syncBuffer{}, rec: history.NewBuffer(history.BufferConfig{Dir: t.TempDir()})}
	cfg := proxy.Config{
		Dial: dialTo(s.inst.Addr()), Portable: w.portable, SelfSigned: w.secure,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if w.secure {
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			d := tls.Dialer{Config: &tls.Config{RootCAs: s.roots}}
			return d.DialContext(ctx, "tcp", s.tlsAddr)
		}
	}
	p, err := proxy.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, p.Close())
		assert.NoError(t, r.rec.Close())
	})
	if runtime.GOOS == "linux" {
		require.NotContains(t, r.log.String(), "portable engine", "the engine of this platform does not start")
	}
	r.p, r.to = p, target{addr: p.Addr(), protocol: protocol}
	if w.secure {
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM(p.CertificatePEM()))
		r.to.tls = &tls.Config{RootCAs: roots}
		r.to.ca = filepath.Join(t.TempDir(), "ca.pem")
		require.NoError(t, os.WriteFile(r.to.ca, p.CertificatePEM(), 0o600))
	}
	p.StartTrial(nil, r.rec)
	p.Begin("clients")
	return r
}

// close ends the test and gives what was recorded. Nothing may have been warned of.
func (r *route) close(t *testing.T) []harness.Event {
	t.Helper()
	st := r.p.End()
	assert.Empty(t, st.Warnings)
	events, err := r.rec.All()
	require.NoError(t, err)
	frames := 0
	for _, e := range events {
		if !e.Point.IsZero() && e.Test != "" {
			frames++
		}
	}
	assert.Equal(t, st.Frames, frames, "frames that arrived, and that were recorded")
	return events
}

func dialTo(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
