package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
)

// The proxies that are compared.
const (
	kindNone      = "none"      // redis-server itself
	kindFlakehunt = "flakehunt" // the engine of this platform
	kindPortable  = "portable"  // a goroutine a direction
	kindToxiproxy = "toxiproxy"
	kindCopy      = "io.Copy"
)

// serve runs one proxy until in ends; it writes its address as a line.
func serve(ctx context.Context, kind, upstream string, delay time.Duration, plain bool, in io.Reader, out io.Writer) error {
	switch kind {
	case kindFlakehunt, kindPortable:
		p, err := proxy.Start(ctx, proxy.Config{Dial: dialer(upstream), Portable: kind == kindPortable})
		if err != nil {
			return err
		}
		defer p.Close()
		if !plain || delay > 0 {
			rules, err := explore.NewReplay(loadedRules(delay))
			if err != nil {
				return err
			}
			rec := history.NewBuffer(history.BufferConfig{Memory: 1 << 20})
			defer rec.Close()
			p.StartTrial(rules, rec)
			p.Begin("bench")
		}
		fmt.Fprintln(out, p.Addr())
	case kindCopy:
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		go copyProxy(ln, upstream)
		fmt.Fprintln(out, ln.Addr())
	default:
		return fmt.Errorf("unknown proxy %q", kind)
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// loadedRules are ten decisions, none of which names a command of the
// benchmark, or one that delays every SET.
func loadedRules(delay time.Duration) []harness.Decision {
	if delay > 0 {
		return []harness.Decision{{
			At:     harness.Point{Role: "kv", Verb: "SET", Key: "delayed"},
			Action: harness.Delay, Delay: harness.Duration(delay),
		}}
	}
	var out []harness.Decision
	for i := range 10 {
		out = append(out, harness.Decision{
			At:     harness.Point{Role: "kv", Verb: "SET", Key: "session:" + string(rune('a'+i)), N: 1},
			Action: harness.Delay, Delay: harness.Duration(50 * time.Millisecond),
		})
	}
	return out
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// copyProxy is the least that a proxy in Go can be.
func copyProxy(ln net.Listener, upstream string) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", upstream)
		if err != nil {
			client.Close()
			continue
		}
		pipe := func(dst, src net.Conn) {
			_, _ = io.Copy(dst, src)
			dst.Close()
			src.Close()
		}
		go pipe(server, client)
		go pipe(client, server)
	}
}
