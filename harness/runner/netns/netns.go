// Package netns gives a command a loopback of its own, in a private network
// namespace, on which the proxy answers at an address of the user's choice: a
// suite with a hard-coded localhost:6379 runs unchanged, and several at once.
//
//	hunt ── starts ──► helper (this binary, in new user and network namespaces)
//	  ▲                  │ brings lo up, listens on 127.0.0.1:PORT and [::1]:PORT
//	  └── listeners ─────┘ over a Unix socket; then becomes the command
//	proxy accepts on the listeners, though they live in the command's network
//
// It must never touch the network of the host, take a port of it, or need more
// rights than the user has. It works on Linux alone.
package netns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
)

// Config says what is to be found in a private network.
type Config struct {
	Takeover []string // HOST:PORT at which Redis (the proxy) answers; HOST is localhost or an IP address
	Also     []string // IP:PORT, just as written: further addresses at which Redis answers; 127.0.0.0/8 and [::1] only
	Forward  []string // PORT or localhost:PORT: services of the host's loopback that are passed through
	// Server gives the command that runs a Redis at addresses within the private
	// network, for the direct arm. nil: that arm's connections are passed on to where
	// Redis is, which is not quite direct.
	Server func(bind []string, port, dir string) ([]string, error)
	Log    *slog.Logger
}

// Takeover makes private networks.
type Takeover struct {
	plan    plan
	forward map[int]string                     // by index of the plan's listeners: where to dial
	first   string                             // what the command is told
	server  func(dir string) ([]string, error) // nil: no server is started inside
	log     *slog.Logger
}

// plan is what the helper is told.
type plan struct {
	Server []string `json:"server,omitempty"` // command of a Redis that answers in place of the listeners marked so
	Listen []listen `json:"listen"`
	Add    []string `json:"add,omitempty"` // IPv4 addresses to give to lo
}

type listen struct {
	Addr     string `json:"addr"`
	Optional bool   `json:"optional,omitempty"` // IPv6 may be switched off
	Redis    bool   `json:"redis,omitempty"`    // not forwarded
}

// New checks the configuration, and that this kernel allows it for this user.
func New(ctx context.Context, c Config) (*Takeover, error) {
	t := &Takeover{forward: map[int]string{}, log: c.Log}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if len(c.Takeover)+len(c.Also) == 0 {
		return nil, errors.New("--takeover: no address given: want HOST:PORT, as in localhost:6379")
	}
	taken := reservations{}
	for _, a := range c.Takeover {
		if err := t.take(a, taken); err != nil {
			return nil, err
		}
	}
	for _, a := range c.Also {
		if err := t.answer(a, taken); err != nil {
			return nil, err
		}
	}
	for _, f := range c.Forward {
		if err := t.forwardTo(f, taken); err != nil {
			return nil, err
		}
	}
	if err := Check(ctx); err != nil {
		return nil, err
	}
	t.server = t.inside(c.Server)
	return t, nil
}

// reservations says which flag took an address.
type reservations map[string]string

func (c reservations) reserve(addr, flag string) error {
	if by, ok := c[addr]; ok {
		return fmt.Errorf("%s: %s is already taken by %s", flag, addr, by)
	}
	c[addr] = flag
	return nil
}

// take has Redis answer at an address of the user's.
func (t *Takeover) take(a string, taken reservations) error {
	flag := "--takeover " + a
	host, port, err := split(a)
	if err != nil {
		return fmt.Errorf("%s: %w: want HOST:PORT, as in localhost:6379", flag, err)
	}
	var addrs []listen
	literal := host
	if named, ok := hosts(host); ok {
		literal = named
	}
	switch ip, err := netip.ParseAddr(literal); {
	case host == "localhost":
		addrs = loopback(port)
	case err != nil:
		return fmt.Errorf("%s: %s is not in /etc/hosts, and in its private network the suite reaches no DNS: enter it there, or give an IP address or localhost", flag, host)
	case ip.IsLoopback():
		addrs = loopback(port) // localhost may resolve to either
		if ip.Is4() && literal != "127.0.0.1" {
			addrs = append(addrs, listen{Addr: net.JoinHostPort(literal, port)})
		}
	case ip.Is4():
		t.plan.Add = append(t.plan.Add, literal)
		addrs = []listen{{Addr: net.JoinHostPort(literal, port)}}
	default:
		return fmt.Errorf("%s: of IPv6 only [::1] can be taken over", flag)
	}
	for _, l := range addrs {
		if err := taken.reserve(l.Addr, flag); err != nil {
			return err
		}
		l.Redis = true
		t.plan.Listen = append(t.plan.Listen, l)
	}
	if t.first == "" {
		t.first = net.JoinHostPort(host, port)
	}
	return nil
}

// answer has Redis answer at a further address of the loopback.
func (t *Takeover) answer(a string, taken reservations) error {
	ap, err := netip.ParseAddrPort(a)
	if err != nil || !ap.Addr().IsLoopback() {
		return fmt.Errorf("private network: %q: want a loopback IP:PORT, as in 127.0.0.2:6379", a)
	}
	if _, ok := taken[a]; ok {
		return nil // it answers there already
	}
	taken[a] = a
	t.plan.Listen = append(t.plan.Listen, listen{Addr: a, Optional: ap.Addr().Is6(), Redis: true})
	if t.first == "" {
		t.first = a
	}
	return nil
}

// forwardTo passes on a port of another service of this machine.
func (t *Takeover) forwardTo(f string, taken reservations) error {
	flag := "--forward " + f
	host, port := "localhost", f
	if strings.Contains(f, ":") {
		var err error
		if host, port, err = split(f); err != nil {
			return fmt.Errorf("%s: %w: want PORT", flag, err)
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host != "localhost" && host != "127.0.0.1" {
		return fmt.Errorf("%s: want the PORT of a service on this machine's loopback, as in --forward 5432", flag)
	}
	for _, l := range loopback(port) {
		if err := taken.reserve(l.Addr, flag); err != nil {
			return err
		}
		t.forward[len(t.plan.Listen)] = net.JoinHostPort("localhost", port)
		t.plan.Listen = append(t.plan.Listen, l)
	}
	return nil
}

// inside makes the command of the direct arm's Redis. There is none where it
// would have to answer on several ports.
func (t *Takeover) inside(server func(bind []string, port, dir string) ([]string, error)) func(string) ([]string, error) {
	var bind []string
	port := ""
	for _, l := range t.plan.Listen {
		if !l.Redis {
			continue
		}
		host, p, err := net.SplitHostPort(l.Addr)
		if err != nil || port != "" && p != port {
			return nil
		}
		if port = p; l.Optional {
			host = "-" + host // Redis' own mark for an address that may be missing
		}
		bind = append(bind, host)
	}
	if server == nil || port == "" {
		return nil
	}
	return func(dir string) ([]string, error) { return server(bind, port, dir) }
}

// Direct reports whether the direct arm has a Redis of its own inside.
func (t *Takeover) Direct() bool { return t.server != nil }

func split(addr string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(addr)
	if err != nil {
		return "", "", err
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", "", fmt.Errorf("%q is no port", port)
	}
	return host, port, nil
}

func loopback(port string) []listen {
	return []listen{{Addr: net.JoinHostPort("127.0.0.1", port)}, {Addr: net.JoinHostPort("::1", port), Optional: true}}
}

// Wrapper returns what makes a command run in a private network of its own.
func (t *Takeover) Wrapper() environ.CommandWrapper { return t.wrap }

// serve hands a listener of the private network to whom it is for.
func (t *Takeover) serve(ctx context.Context, i int, l net.Listener, x *runner.Exec, relays *sync.WaitGroup) {
	if to, ok := t.forward[i]; ok {
		t.relay(ctx, l, relays, func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", to)
		})
		return
	}
	if x.Redis.Adopt != nil {
		x.Redis.Adopt(l)
		return
	}
	dial, addr := x.Redis.Dial, x.Redis.Addr
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		}
	}
	t.relay(ctx, l, relays, dial)
}

// relay passes each connection of l on, until l is closed or ctx ends.
func (t *Takeover) relay(ctx context.Context, l net.Listener, relays *sync.WaitGroup, dial func(context.Context) (net.Conn, error)) {
	relays.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			relays.Go(func() {
				defer in.Close()
				out, err := dial(ctx)
				if err != nil { // the command sees its connection closed, as without us refused
					t.log.Debug("passing a connection on", "at", l.Addr(), "error", err)
					return
				}
				defer out.Close()
				stop := context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })
				defer stop()
				var both sync.WaitGroup
				both.Go(func() { pipe(out, in) })
				both.Go(func() { pipe(in, out) })
				both.Wait()
			})
		}
	})
}

// pipe copies one direction and passes its end on.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if c, ok := to.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	} else {
		_ = to.Close()
	}
}
