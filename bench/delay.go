package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/harness/resp"
)

// delays measures by how much a delayed command comes too late.
type delays struct {
	samples int
	asked   []time.Duration
	foreign float64
}

var delayed = resp.AppendCommand(nil, "SET", "delayed", "x")

func (d *delays) run(ctx context.Context, out io.Writer) error {
	testbed, err := newTestbed(ctx)
	if err != nil {
		return err
	}
	defer testbed.close()
	for _, asked := range d.asked {
		kinds := []string{kindFlakehunt, kindPortable, kindToxiproxy}
		lanes := make([]*probe, len(kinds))
		direct, err := newProbe(testbed.redis.addr)
		if err != nil {
			return err
		}
		for i, k := range kinds {
			p, err := testbed.proxy(ctx, k, asked, false)
			if err != nil {
				return err
			}
			if lanes[i], err = newProbe(p.addr); err != nil {
				return err
			}
		}
		late := make([][]time.Duration, len(kinds))
		var trip []time.Duration
		for i := range d.samples {
			if i%10 == 0 {
				if err := waitQuiet(ctx, d.foreign); err != nil {
					return err
				}
			}
			time.Sleep(asked) // processors and caches rest as they do while a command is delayed
			n := i * (1 + len(lanes))
			untie(n)
			t, err := direct.ask()
			if err != nil {
				return err
			}
			trip = append(trip, t)
			for k, l := range lanes {
				untie(n + 1 + k)
				t, err := l.ask()
				if err != nil {
					return err
				}
				late[k] = append(late[k], t-asked)
			}
		}
		fmt.Fprintf(out, "asked %v; round trip without a proxy, after a rest as long: median %v, p99 %v\n", asked,
			median(trip).Round(time.Microsecond), quantile(trip, 0.99).Round(time.Microsecond))
		for i, k := range kinds {
			fmt.Fprintf(out, "  %-10s too late: median %v, p99 %v, most %v\n", k, median(late[i]).Round(time.Microsecond),
				quantile(late[i], 0.99).Round(time.Microsecond), quantile(late[i], 1).Round(time.Microsecond))
			if k == kindFlakehunt {
				fmt.Fprintf(out, "  %-10s targets: %s\n", "", delayTargets(asked, late[i]))
			}
		}
	}
	return nil
}

// untie waits up to a tenth of housekeeping before the nth command, so that
// commands don't fall into step with what Redis does every 100 ms and puts
// before its reply: in a run, all would meet it or none.
func untie(n int) {
	const golden = 0.6180339887498949 // spreads evenly, and repeats nothing
	time.Sleep(time.Duration(math.Mod(golden*float64(n), 1) * float64(housekeeping/10)))
}

// housekeeping is how often Redis runs its serverCron: hz is 10 unless said
// otherwise.
const housekeeping = 100 * time.Millisecond

// delayTargets says whether delays came in time, the round trip included.
func delayTargets(asked time.Duration, late []time.Duration) string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	said := verdict("median, ms", "≤", 0.3, ms(median(late)), len(late))
	if asked <= 20*time.Millisecond {
		said += ", " + verdict("p99, ms", "≤", 0.6, ms(quantile(late, 0.99)), len(late))
	}
	return said
}

// probe is a connection on which one command at a time is timed. Its thread
// blocks in the system call, as that of a client in C does: the Go runtime's
// poller would add its own wake-up to what is measured.
type probe struct {
	f   *os.File // keeps fd open
	fd  int
	buf []byte
}

func newProbe(addr string) (*probe, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return nil, err
	}
	return &probe{f, int(f.Fd()), make([]byte, 64<<10)}, nil // Fd makes it blocking
}

// ask sends a command and waits for its reply, a line.
func (p *probe) ask() (time.Duration, error) {
	start := time.Now()
	if err := p.send(delayed); err != nil {
		return 0, err
	}
	_, err := p.receive()
	return time.Since(start), err
}

func (p *probe) send(b []byte) error {
	n, err := unix.Write(p.fd, b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// receive waits for replies and says how many came.
func (p *probe) receive() (replies int, err error) {
	for {
		n, err := unix.Read(p.fd, p.buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		case p.buf[n-1] == '\n':
			return bytes.Count(p.buf[:n], []byte{'\n'}), nil
		}
	}
}

// burst sends a hundred delayed commands that arrive together, in one segment
// and in a hundred. A proxy that sleeps in its read loop takes a hundred delays.
func burst(ctx context.Context, out io.Writer) error {
	const n, asked, rounds = 100, 20 * time.Millisecond, 20
	testbed, err := newTestbed(ctx)
	if err != nil {
		return err
	}
	defer testbed.close()
	for _, kind := range []string{kindFlakehunt, kindPortable, kindToxiproxy} {
		p, err := testbed.proxy(ctx, kind, asked, false)
		if err != nil {
			return err
		}
		one, err := newProbe(p.addr)
		if err != nil {
			return err
		}
		for _, writes := range []int{1, n} {
			part := bytes.Repeat(delayed, n/writes)
			var sending, first, spread []time.Duration
			for range rounds {
				start := time.Now()
				for range writes {
					if err := one.send(part); err != nil {
						return err
					}
				}
				sent := time.Since(start)
				var a, b time.Duration
				for got := 0; got < n; {
					k, err := one.receive()
					if err != nil {
						return err
					}
					if b = time.Since(start); got == 0 {
						a = b
					}
					got += k
				}
				sending, first, spread = append(sending, sent), append(first, a), append(spread, b-a)
			}
			fmt.Fprintf(out, "%-10s %3d commands delayed by %v, sent by %3d writes within %-6v first reply after %v, last %v later (medians of %d)\n",
				kind, n, asked, writes, median(sending).Round(time.Microsecond), median(first).Round(10*time.Microsecond),
				median(spread).Round(time.Microsecond), rounds)
		}
	}
	return nil
}
