package probe

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/netns"
)

// open makes the addresses: on this machine, or in a private loopback.
func (c Config) open(ctx context.Context, p *proxy.Proxy, takeover []string, all []Setting) (addrs []*ListenAddr, env []string, wrap environ.CommandWrapper, adopt func(net.Listener), err error) {
	if len(takeover) > 0 {
		return c.openPrivate(ctx, p, takeover, all)
	}
	var kept []net.Listener
	env, addrs, err = plan(all, aliases(), freePort(func(l net.Listener) { kept = append(kept, l) }))
	byAddr := index(addrs)
	for _, l := range kept {
		if d := byAddr[l.Addr().String()]; d != nil && err == nil {
			p.Adopt(&counted{l, d})
		} else {
			_ = l.Close()
		}
	}
	if err != nil {
		return nil, nil, nil, nil, err
	}
	for _, d := range addrs {
		for _, addr := range d.optional {
			if l, err := net.Listen("tcp", addr); err == nil { // somebody else's, or there is none: then this stays untold
				p.Adopt(&counted{l, d})
			}
		}
	}
	return addrs, env, nil, p.Adopt, nil
}

func (c Config) openPrivate(ctx context.Context, p *proxy.Proxy, takeover []string, all []Setting) (addrs []*ListenAddr, env []string, wrap environ.CommandWrapper, adopt func(net.Listener), err error) {
	next := 21000 // all are free there; the kernel's own choices begin at 32768
	env, addrs, err = plan(all, true, func(...string) (int, error) { next++; return next, nil })
	if err != nil {
		return nil, nil, nil, nil, err
	}
	var also []string
	for _, d := range addrs {
		also = append(append(also, d.listen...), d.optional...)
	}
	byAddr := index(addrs)
	for _, t := range takeover {
		d := &ListenAddr{Name: t, Fixed: true, takeover: t, seen: &atomic.Int64{}, tls: &atomic.Int64{}}
		host, port, err := net.SplitHostPort(t)
		if err != nil {
			continue // the private network says it better
		}
		for _, h := range []string{host, "127.0.0.1", "::1"} {
			if a := net.JoinHostPort(h, port); byAddr[a] == nil && (h == host || isLoopback(host)) {
				byAddr[a] = d
			}
		}
		addrs = append(addrs, d)
	}
	n, err := netns.New(ctx, netns.Config{Takeover: takeover, Also: also, Forward: c.Target.Forward, Log: c.Log})
	if err != nil {
		return nil, nil, nil, nil, &SetupError{err}
	}
	return addrs, env, n.Wrapper(), func(l net.Listener) {
		if d := byAddr[l.Addr().String()]; d != nil {
			l = &counted{l, d}
		}
		p.Adopt(l)
	}, nil
}

// SetupError is an error about what was asked for: addresses that cannot be
// taken over, or a machine that has no private loopback.
type SetupError struct{ err error }

func (e *SetupError) Error() string { return e.err.Error() }
func (e *SetupError) Unwrap() error { return e.err }

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func index(addrs []*ListenAddr) map[string]*ListenAddr {
	m := map[string]*ListenAddr{}
	for _, d := range addrs {
		for _, a := range append(slices.Clone(d.listen), d.optional...) {
			m[a] = d
		}
	}
	return m
}
