package probe

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
)

// Setting is a variable that the suite gets, NAME=TEMPLATE.
type Setting struct {
	Name, Template string
	Asked          bool // by the user's --env, or the hunt sets it anyway: no hint of ours
}

// standard are the variables that every suite gets, as package environ has them.
var standard = []Setting{
	{"REDIS_URL", "{url}", true}, {"REDIS_ADDR", "{addr}", true}, {"REDIS_HOST", "{host}", true}, {"REDIS_PORT", "{port}", true},
}

// ListenAddr is one address at which the proxy answers, and what leads a suite there:
// each variable, or pair of them, has one of its own, so that a connection tells
// which was read.
type ListenAddr struct {
	Name        string   `json:"name"`                // for a person: "REDIS_URL", "REDIS_HOST and REDIS_PORT", "localhost:6379"
	Variables   []string `json:"variables,omitempty"` // that must be read to come here
	Connections int      `json:"connections"`         // on which at least one byte came
	TLS         int      `json:"tls,omitempty"`       // of them, those that began with a TLS handshake
	Fixed       bool     `json:"fixed,omitempty"`     // no variable leads here: the address is in the code
	listen      []string // IP:PORT
	optional    []string // the same, where it can be had
	takeover    string   // --takeover that would lead here
	seen        *atomic.Int64
	tls         *atomic.Int64
}

func (d *ListenAddr) count() {
	d.Connections, d.TLS = int(d.seen.Load()), int(d.tls.Load())
}

// kind says which part of an address a template holds.
func kind(template string) (host, port, whole bool) {
	host, port = strings.Contains(template, "{host}"), strings.Contains(template, "{port}")
	whole = strings.Contains(template, "{url}") || strings.Contains(template, "{addr}") || host && port
	return host && !whole, port && !whole, whole
}

// stem is what REDIS_HOST and REDIS_PORT have in common.
func stem(name string) string {
	return strings.NewReplacer("HOSTNAME", "", "HOST", "", "PORT", "").Replace(name)
}

// pair is a group of variables that give an address together.
type pair struct{ hosts, ports []Setting }

// plan gives each setting an address of its own. port is asked for a free port,
// the same for all the IP addresses named; aliases says that 127.0.0.2 and so on
// can be had. It returns the settings filled in, NAME=VALUE, and the addresses.
func plan(settings []Setting, aliases bool, port func(ips ...string) (int, error)) (env []string, addrs []*ListenAddr, err error) {
	l := &layout{aliases: aliases, port: port, next: 2}
	pairs := map[string]*pair{}
	var order []string
	for _, s := range settings {
		host, isPort, whole := kind(s.Template)
		switch {
		case whole:
			if err := l.whole(s); err != nil {
				return nil, nil, err
			}
		case host || isPort:
			k := stem(s.Name)
			if pairs[k] == nil {
				pairs[k] = &pair{}
				order = append(order, k)
			}
			if host {
				pairs[k].hosts = append(pairs[k].hosts, s)
			} else {
				pairs[k].ports = append(pairs[k].ports, s)
			}
		default:
			l.fill(s, "127.0.0.1", 6379) // holds no address of ours
		}
	}
	for _, k := range join(pairs, order) {
		if err := l.pair(pairs[k]); err != nil {
			return nil, nil, err
		}
	}
	return l.env, l.addrs, nil
}

// layout gives addresses to settings, one after the other.
type layout struct {
	aliases bool
	port    func(ips ...string) (int, error)
	next    int // of 127.0.0.x
	env     []string
	addrs   []*ListenAddr
}

// fill sets a variable to its template, filled in with an address.
func (l *layout) fill(s Setting, ip string, port int) {
	v := environ.For(runner.Exec{Redis: runner.Endpoint{Addr: net.JoinHostPort(ip, strconv.Itoa(port))}})
	for _, k := range []string{"dir", "trial", "seed", "worker"} {
		delete(v, k) // of the trial: filled in when it runs
	}
	l.env = append(l.env, v.Fill(s.Name+"="+s.Template))
}

func (l *layout) add(d ListenAddr) {
	d.seen, d.tls = &atomic.Int64{}, &atomic.Int64{}
	l.addrs = append(l.addrs, &d)
}

// whole gives an address to a variable that holds host and port.
func (l *layout) whole(s Setting) error {
	p, err := l.port("127.0.0.1")
	if err != nil {
		return err
	}
	l.fill(s, "127.0.0.1", p)
	l.add(ListenAddr{Name: s.Name, Variables: []string{s.Name}, listen: []string{at("127.0.0.1", p)}})
	return nil
}

// pair gives an address to variables of which some hold the host and some the
// port. With aliases it adds the addresses to which only one of the two leads.
func (l *layout) pair(g *pair) error {
	ip := "127.0.0.1"
	if l.aliases {
		ip = fmt.Sprintf("127.0.0.%d", l.next)
		l.next++
	}
	p, err := l.port(ip, "127.0.0.1")
	if err != nil {
		return err
	}
	for _, s := range append(slices.Clone(g.hosts), g.ports...) {
		l.fill(s, ip, p)
	}
	hosts, ports := names(g.hosts), names(g.ports)
	both := append(slices.Clone(hosts), ports...)
	l.add(ListenAddr{Name: either(hosts, ports), Variables: both, listen: []string{at(ip, p)}})
	if l.aliases && len(ports) > 0 {
		l.add(ListenAddr{Name: strings.Join(ports, " or ") + ", with localhost for the host", Variables: ports,
			listen: []string{at("127.0.0.1", p)}, optional: []string{at("::1", p)}})
	}
	if l.aliases && len(hosts) > 0 {
		l.add(ListenAddr{Name: strings.Join(hosts, " or ") + ", with 6379 for the port", Variables: hosts, optional: []string{at(ip, 6379)}})
	}
	return nil
}

// join adds what has no other half to the first that is whole: a suite may read
// CACHE_HOST and REDIS_PORT.
func join(pairs map[string]*pair, order []string) []string {
	first := slices.IndexFunc(order, func(k string) bool { return len(pairs[k].hosts) > 0 && len(pairs[k].ports) > 0 })
	if first < 0 {
		return order
	}
	whole := pairs[order[first]]
	return slices.DeleteFunc(slices.Clone(order), func(k string) bool {
		g := pairs[k]
		if len(g.hosts) > 0 && len(g.ports) > 0 {
			return false
		}
		whole.hosts, whole.ports = append(whole.hosts, g.hosts...), append(whole.ports, g.ports...)
		return true
	})
}

func names(list []Setting) (out []string) {
	for _, s := range list {
		out = append(out, s.Name)
	}
	return out
}

func either(hosts, ports []string) string {
	h, p := strings.Join(hosts, " or "), strings.Join(ports, " or ")
	switch {
	case h == "" || p == "":
		return h + p
	case len(hosts) > 1 || len(ports) > 1:
		return "(" + h + ") and (" + p + ")"
	}
	return h + " and " + p
}

func at(ip string, port int) string {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(port)).String()
}

// settings are all variables that the suite gets: the standard ones, unless the
// user sets them, the user's, and hints.
func settings(env []string, hinted []Setting) []Setting {
	var users []Setting
	taken := map[string]bool{}
	for _, e := range env {
		name, template, _ := strings.Cut(e, "=")
		users = append(users, Setting{name, template, true})
		taken[name] = true
	}
	var all []Setting
	for _, s := range standard {
		if !taken[s.Name] {
			all = append(all, s)
		}
		taken[s.Name] = true
	}
	all = append(all, users...)
	for _, s := range hinted {
		if !taken[s.Name] {
			all = append(all, s)
			taken[s.Name] = true
		}
	}
	return all
}

// aliases reports whether the whole of 127.0.0.0/8 is this machine.
func aliases() bool { return runtime.GOOS == "linux" }

// freePort finds a port that is free on all of the addresses and keeps it.
func freePort(keep func(net.Listener)) func(ips ...string) (int, error) {
	return func(ips ...string) (int, error) {
		var last error
		for range 20 {
			first, err := net.Listen("tcp", net.JoinHostPort(ips[0], "0"))
			if err != nil {
				return 0, fmt.Errorf("listen at %s: %w", ips[0], err)
			}
			port := first.Addr().(*net.TCPAddr).Port
			got := []net.Listener{first}
			for _, ip := range ips[1:] {
				if ip == ips[0] {
					continue
				}
				l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
				if err != nil {
					last = err
					break
				}
				got = append(got, l)
			}
			if len(got) == len(slices.Compact(slices.Clone(ips))) {
				for _, l := range got {
					keep(l)
				}
				return port, nil
			}
			for _, l := range got {
				_ = l.Close()
			}
		}
		return 0, fmt.Errorf("find a port that is free at %s: %w", strings.Join(ips, " and "), last)
	}
}

// counted counts the connections of a listener on which something came.
type counted struct {
	net.Listener
	addr *ListenAddr
}

func (c *counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &first{Conn: conn, addr: c.addr}, nil
}

// first looks at the first byte that comes. A port that is only knocked at, as
// scripts do that wait for Redis, does not count.
type first struct {
	net.Conn
	addr *ListenAddr
	once sync.Once
}

const tlsHandshake = 0x16 // the first byte of a TLS record that holds a ClientHello: RFC 8446, section 5.1

func (f *first) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if n > 0 {
		f.once.Do(func() {
			f.addr.seen.Add(1)
			if b[0] == tlsHandshake {
				f.addr.tls.Add(1)
			}
		})
	}
	return n, err
}

// CloseWrite passes a half-closed connection on.
func (f *first) CloseWrite() error {
	if c, ok := f.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return f.Conn.Close()
}

// busiest sorts addresses by what came to them.
func busiest(addrs []ListenAddr) []ListenAddr {
	used := slices.DeleteFunc(slices.Clone(addrs), func(d ListenAddr) bool { return d.Connections == 0 })
	slices.SortStableFunc(used, func(a, b ListenAddr) int { return cmp.Compare(b.Connections, a.Connections) })
	return used
}
