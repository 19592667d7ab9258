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
	dir, err := os.MkdirTemp("", "flakehunt-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	redis, err := startRedis(ctx, dir)
	if err != nil {
		return err
	}
	defer redis.close()
	base, err := startProxy(ctx, dir, kindToxiproxy, redis.addr, 0, t.plain)
	if err != nil {
		return err
	}
	defer base.close()
	var others []*child
	for _, k := range strings.Split(t.only, ",") {
		p, err := startProxy(ctx, dir, k, redis.addr, 0, t.plain)
		if err != nil {
			return err
		}
		defer p.close()
		others = append(others, p)
	}
	ctx, cancel := context.WithTimeout(ctx, t.budget)
	defer cancel()
	fmt.Fprintln(out, "| clients x pipeline | command | proxy | pairs | dropped | Toxiproxy/s | proxy/s | rate | rate least–most | CPU a command |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	for _, shape := range strings.Split(t.shapes, ",") {
		for _, command := range []string{"SET", "GET", "PUBLISH"} {
			n := 0
			pairs, dropped := map[string][]pair{}, map[string]int{}
			for round := 0; round < t.rounds && ctx.Err() == nil; round++ {
				for _, p := range others {
					for ctx.Err() == nil {
						if err := waitQuiet(ctx, t.foreign); err != nil {
							break
						}
						if n == 0 {
							if n, err = t.calibrate(ctx, base, shape, command); err != nil {
								return err
							}
						}
						got, quiet, err := t.pair(ctx, redis, base, p, shape, command, n)
						if err != nil {
							return err
						}
						if quiet {
							pairs[p.kind] = append(pairs[p.kind], got)
							break
						}
						dropped[p.kind]++
					}
				}
			}
			for _, p := range others {
				t.print(out, shape, command, p.kind, pairs[p.kind], dropped[p.kind])
			}
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintln(out, "the time was over before every row was full; see -budget")
	}
	return nil
}

// calibrate finds how many commands take about t.row.
func (t *throughput) calibrate(ctx context.Context, p *child, shape, command string) (int, error) {
	const few = 5000
	r, err := t.measure(ctx, p, shape, command, few)
	if err != nil {
		return 0, err
	}
	return max(few, int(r.rate*t.row.Seconds())), nil
}

// pair measures two proxies one after the other; quiet says that others left
// the machine to them.
func (t *throughput) pair(ctx context.Context, redis, base, other *child, shape, command string, n int) (p pair, quiet bool, err error) {
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
func (t *throughput) measure(ctx context.Context, p *child, shape, command string, n int) (row, error) {
	clients, pipeline, ok := strings.Cut(shape, "x")
	if !ok {
		return row{}, fmt.Errorf("shape %q: want CLIENTSxPIPELINE, as in 50x16", shape)
	}
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return row{}, err
	}
	args := []string{"-h", host, "-p", port, "-c", clients, "-P", pipeline, "-n", strconv.Itoa(n), "--csv"}
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

// print gives the medians over the pairs.
func (t *throughput) print(out io.Writer, shape, command, kind string, pairs []pair, dropped int) {
	var base, rate, ratio, cpu []float64
	for _, p := range pairs {
		base, rate = append(base, p.base.rate), append(rate, p.other.rate)
		ratio = append(ratio, p.other.rate/p.base.rate)
		cpu = append(cpu, float64(p.other.cpu)/float64(p.base.cpu))
	}
	fmt.Fprintf(out, "| %s | %s | %s | %d | %d | %.0f | %.0f | **%.2f** | %.2f–%.2f | %.2f |\n", shape, command, kind,
		len(pairs), dropped, median(base), median(rate), median(ratio), quantile(ratio, 0), quantile(ratio, 1), median(cpu))
}
