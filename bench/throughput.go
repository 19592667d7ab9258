package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/bench/toxiproxy"
)

// throughput compares each proxy with Toxiproxy in pairs of short runs, one
// right after the other, so that what the machine does meanwhile meets both
// alike. Each figure is the median over the pairs of the ratio within a pair.
// A pair during which other processes were busy is dropped and tried again.
type throughput struct {
	rounds  int
	row     time.Duration
	foreign float64
	budget  time.Duration
	plain   bool
	only    string
	shapes  string
}

// row is one run of redis-benchmark.
type row struct {
	rate float64       // commands a second
	cpu  time.Duration // of the proxy, a command
}

// pair is a run through Toxiproxy and one through another proxy.
type pair struct{ base, other row }

func (t *throughput) run(ctx context.Context, out io.Writer) error {
	var shapes []shape
	for text := range strings.SplitSeq(t.shapes, ",") {
		s, err := parseShape(text)
		if err != nil {
			return err
		}
		shapes = append(shapes, s)
	}
	version, err := toxiproxy.Version(ctx)
	if err != nil {
		return err
	}
	testbed, err := newTestbed(ctx)
	if err != nil {
		return err
	}
	defer testbed.close()
	base, err := testbed.proxy(ctx, kindToxiproxy, 0, t.plain)
	if err != nil {
		return err
	}
	var others []*child
	for k := range strings.SplitSeq(t.only, ",") {
		p, err := testbed.proxy(ctx, k, 0, t.plain)
		if err != nil {
			return err
		}
		others = append(others, p)
	}
	ctx, cancel := context.WithTimeout(ctx, t.budget)
	defer cancel()
	fmt.Fprintf(out, "Ratios are to Toxiproxy %s without a toxic, each the median over the pairs; pairs with more than %.2f processors used by others were dropped.\n\n", version, t.foreign)
	fmt.Fprintln(out, "| clients x pipeline | command | proxy | pairs | dropped | Toxiproxy/s | proxy/s | rate | rate least–most | CPU a command | targets |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
	var reached tally
	for _, shape := range shapes {
		for _, command := range []string{"SET", "GET", "PUBLISH"} {
			pairs, dropped, err := t.fill(ctx, testbed.redis, base, others, shape, command)
			if err != nil && ctx.Err() == nil {
				return err
			}
			for _, p := range others {
				t.print(out, &reached, shape, command, p.kind, pairs[p.kind], dropped[p.kind])
			}
		}
	}
	fmt.Fprintln(out)
	reached.print(out)
	if ctx.Err() != nil {
		fmt.Fprintln(out, "the time was over before every row was full; see -budget")
	}
	return nil
}

// fill takes the pairs of one shape and command, the proxies in turn, until
// there are enough or the time is over.
func (t *throughput) fill(ctx context.Context, redis, base *child, others []*child, shape shape, command string) (pairs map[string][]pair, dropped map[string]int, err error) {
	pairs, dropped = map[string][]pair{}, map[string]int{}
	n := 0
	for range t.rounds {
		for _, p := range others {
			for quiet := false; !quiet; {
				if err := waitQuiet(ctx, t.foreign); err != nil {
					return pairs, dropped, err
				}
				if n == 0 {
					if n, err = t.calibrate(ctx, base, shape, command); err != nil {
						return pairs, dropped, err
					}
				}
				var got pair
				if got, quiet, err = t.pair(ctx, redis, base, p, shape, command, n); err != nil {
					return pairs, dropped, err
				}
				if quiet {
					pairs[p.kind] = append(pairs[p.kind], got)
				} else {
					dropped[p.kind]++
				}
			}
		}
	}
	return pairs, dropped, nil
}

// calibrate finds how many commands take about t.row.
func (t *throughput) calibrate(ctx context.Context, p *child, shape shape, command string) (int, error) {
	const few = 5000
	r, err := t.measure(ctx, p, shape, command, few)
	if err != nil {
		return 0, err
	}
	return max(few, int(r.rate*t.row.Seconds())), nil
}

// pair measures two proxies one after the other; quiet says that others left
// the machine to them.
func (t *throughput) pair(ctx context.Context, redis, base, other *child, shape shape, command string, n int) (p pair, quiet bool, err error) {
	all := []*child{redis, base, other}
	start, total, ours := time.Now(), machineTime(), ownTime(all)
	if p.base, err = t.measure(ctx, base, shape, command, n); err != nil {
		return p, false, err
	}
	if p.other, err = t.measure(ctx, other, shape, command, n); err != nil {
		return p, false, err
	}
	foreign := float64(machineTime()-total-(ownTime(all)-ours)) / float64(time.Since(start))
	return p, foreign <= t.foreign, nil
}

// ownTime is what the processes, this one and redis-benchmark used.
func ownTime(all []*child) time.Duration {
	sum := processTime(os.Getpid()) + childrenTime()
	for _, c := range all {
		if c.pid != 0 {
			sum += processTime(c.pid)
		}
	}
	return sum
}

// measure runs redis-benchmark once.
func (t *throughput) measure(ctx context.Context, p *child, shape shape, command string, n int) (row, error) {
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return row{}, err
	}
	args := []string{"-h", host, "-p", port, "-c", strconv.Itoa(shape.clients), "-P", strconv.Itoa(shape.pipeline), "-n", strconv.Itoa(n), "--csv"}
	switch command {
	case "PUBLISH":
		args = append(args, "PUBLISH", "channel", "message")
	default:
		args = append(args, "-t", strings.ToLower(command))
	}
	var before time.Duration
	if p.pid != 0 {
		before = processTime(p.pid)
	}
	b, err := exec.CommandContext(ctx, "redis-benchmark", args...).Output()
	if err != nil {
		return row{}, fmt.Errorf("redis-benchmark against %s: %w", p.kind, err)
	}
	used := time.Duration(0)
	if p.pid != 0 {
		used = processTime(p.pid) - before
	}
	lines, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || len(lines) < 2 || len(lines[1]) < 2 {
		return row{}, fmt.Errorf("redis-benchmark wrote %q: %w", b, err)
	}
	rate, err := strconv.ParseFloat(lines[1][1], 64)
	if err != nil {
		return row{}, fmt.Errorf("redis-benchmark: rate %q: %w", lines[1][1], err)
	}
	return row{rate: rate, cpu: used / time.Duration(n)}, nil
}

// print gives the medians over the pairs, and of flakehunt whether they reach
// their targets.
func (t *throughput) print(out io.Writer, reached *tally, shape shape, command, kind string, pairs []pair, dropped int) {
	var base, rate, ratio, cpu []float64
	for _, p := range pairs {
		base, rate = append(base, p.base.rate), append(rate, p.other.rate)
		ratio = append(ratio, p.other.rate/p.base.rate)
		cpu = append(cpu, float64(p.other.cpu)/float64(p.base.cpu))
	}
	verdicts := "–"
	if aim, ok := targetOf(shape); ok && kind == kindFlakehunt {
		r := verdict("rate", "≥", aim.rate, median(ratio), len(pairs))
		c := verdict("CPU", "≤", aim.cpu, median(cpu), len(pairs))
		row := fmt.Sprintf("%s %s", shape, command)
		reached.add(r, row, median(ratio))
		reached.add(c, row, median(cpu))
		verdicts = r + ", " + c
	}
	fmt.Fprintf(out, "| %s | %s | %s | %d | %d | %.0f | %.0f | **%.2f** | %.2f–%.2f | %.2f | %s |\n", shape, command, kind,
		len(pairs), dropped, median(base), median(rate), median(ratio), quantile(ratio, 0), quantile(ratio, 1), median(cpu), verdicts)
}
