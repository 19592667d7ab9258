package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// dialTimeout bounds how long one client waits for Redis to accept.
const dialTimeout = 10 * time.Second

// Proxy is a running proxy. Its methods may be called from any goroutine.
type Proxy struct {
	core   *core
	cfg    Config
	ln     net.Listener
	tls    *tls.Config
	pem    []byte
	engine engine // nil: every connection is portable
	done   chan struct{}
	wg     sync.WaitGroup
	once   sync.Once
	mu     sync.Mutex // guards closed against wg.Add
	closed bool
	more   []net.Listener // from Adopt
}

// engine carries connections that are raw sockets; see epoll_linux.go.
type engine interface {
	// adopt takes over both connections, or reports false and leaves them alone.
	adopt(client, server net.Conn, drops int) bool
	close()
}

// New makes a proxy that does not listen: clients come through Serve. It
// touches no socket by itself, so it can live in a testing/synctest bubble.
func New(cfg Config) *Proxy {
	cfg = cfg.withDefaults()
	return &Proxy{core: newCore(cfg), cfg: cfg, done: make(chan struct{})}
}

// Start makes a proxy and listens. ctx bounds the start alone; Close ends the
// proxy.
func Start(ctx context.Context, cfg Config) (*Proxy, error) {
	if cfg.Dial == nil {
		return nil, errors.New("start proxy: Config.Dial is missing: it says where Redis is")
	}
	p := New(cfg)
	p.tls = cfg.ServerTLS
	if p.tls == nil && cfg.SelfSigned {
		cert, pem, err := selfSigned(time.Now())
		if err != nil {
			return nil, fmt.Errorf("start proxy: make certificate: %w", err)
		}
		p.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		p.pem = pem
	}
	p.ln = cfg.Listener
	if p.ln == nil {
		network, address := "tcp", cfg.Listen
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			network, address = "unix", path
		} else if address == "" {
			address = "127.0.0.1:0"
		}
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, network, address)
		if err != nil {
			return nil, fmt.Errorf("start proxy: listen at %s: %w", address, err)
		}
		p.ln = ln
	}
	if !cfg.Portable && cfg.Confine == nil { // the engine's bytes can't be changed
		e, err := newEngine(p.core, &p.wg)
		if err != nil {
			p.cfg.Log.Info("proxy uses the portable engine", "reason", err)
		}
		p.engine = e
	}
	p.wg.Go(func() { p.accept(p.ln) })
	return p, nil
}

// Addr is where clients connect: HOST:PORT, or the path of a Unix socket; ""
// for a proxy that does not listen.
func (p *Proxy) Addr() string {
	if p.ln == nil {
		return ""
	}
	return p.ln.Addr().String()
}

// CertificatePEM is the certificate that Config.SelfSigned made: a client that
// takes it for an authority trusts the proxy at 127.0.0.1, ::1 and localhost.
func (p *Proxy) CertificatePEM() []byte { return p.pem }

// Adopt has the proxy accept clients of ln, too, as it is: no TLS is added.
// Close closes ln.
func (p *Proxy) Adopt(ln net.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		ln.Close()
		return
	}
	p.more = append(p.more, ln)
	p.wg.Go(func() { p.accept(ln) })
}

func (p *Proxy) accept(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			select {
			case <-p.done:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			p.cfg.Log.Warn("proxy accept", "error", err) // out of descriptors, most likely
			select {
			case <-p.done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		if p.cfg.Admit != nil {
			if err := p.cfg.Admit(conn); err != nil {
				p.cfg.Log.Error("proxy", "error", err)
				_ = conn.Close()
				continue
			}
		}
		if p.tls != nil && ln == p.ln {
			conn = tls.Server(conn, p.tls)
		}
		p.serve(conn, p.engine)
	}
}

// Serve connects an in-memory client, one end of a net.Pipe or the like, to
// Redis and returns at once; the proxy closes client when the connection ends.
// It uses nothing but goroutines, channels and timers.
func (p *Proxy) Serve(client net.Conn) { p.serve(client, nil) }

func (p *Proxy) serve(client net.Conn, e engine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		client.Close()
		return
	}
	if p.cfg.InMemory && p.join(client) {
		return
	}
	drops := p.drops()
	p.wg.Go(func() {
		server, err := p.dial()
		if err != nil {
			p.core.mu.Lock()
			p.core.unreachable(err)
			p.core.mu.Unlock()
			client.Close()
			return
		}
		if e != nil && e.adopt(client, server, drops) {
			return
		}
		p.link(client, server, drops)
	})
}

// drops counts the calls of DropConnections.
func (p *Proxy) drops() int {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	return p.core.drops
}

// dial connects to Redis; Close interrupts it.
func (p *Proxy) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	p.wg.Go(func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	})
	return p.cfg.Dial(ctx)
}

// StartTrial begins a trial: all counters, names and Seq begin again, and times
// count from now. Both s and r may be nil: nothing is decided, nothing recorded.
func (p *Proxy) StartTrial(s harness.Scheduler, r harness.Recorder) { p.core.startTrial(s, r) }

// Begin says that a test begins; it ends the one before, if End did not.
func (p *Proxy) Begin(test string) { p.core.begin(test) }

// End says that the test has ended. Frames that are still held go at once;
// delayed ones keep their time.
func (p *Proxy) End() TestStats { return p.core.end() }

// DropConnections ends all connections now; frames on their way are dropped.
func (p *Proxy) DropConnections() {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	p.core.drops++ // also those for which Redis has not answered yet
	for s := range p.core.sessions {
		s.driver.end(false)
	}
}

// Close stops listening, ends all connections and waits for every goroutine.
// A second call is harmless.
func (p *Proxy) Close() error {
	var err error
	p.once.Do(func() {
		p.core.mu.Lock()
		p.core.closed = true
		p.core.mu.Unlock()
		p.mu.Lock()
		p.closed = true
		more := p.more
		p.mu.Unlock()
		close(p.done)
		for _, ln := range more {
			ln.Close()
		}
		if p.ln != nil {
			err = p.ln.Close()
		}
		p.DropConnections()
		if p.engine != nil {
			p.engine.close()
		}
	})
	p.wg.Wait()
	p.core.pauses.Wait()
	p.core.vacate()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}
