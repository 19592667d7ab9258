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

// throughput compares proxies by rounds in which each has its turn, so that
// what the machine does meanwhile meets all alike; each figure is the median
// over rounds of the ratio within a round.
type throughput struct {
	rounds  int
	row     time.Duration
	foreign float64
	retries int
	plain   bool
	only    string
	shapes  string
}

// row is one run of redis-benchmark.
type row struct {
	rate float64       // commands a second
	cpu  time.Duration // of the proxy, a command
}

// cell is a workload through a proxy.
type cell struct{ shape, command, kind string }

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
	kinds := []string{kindToxiproxy, kindFlakehunt, kindPortable, kindCopy, kindNone}
	if t.only != "" {
		kinds = strings.Split(t.only, ",")
	}
	var proxies []*child
	for _, k := range kinds {
		p, err := startProxy(ctx, dir, k, redis.addr, 0, t.plain)
		if err != nil {
			return err
		}
		defer p.close()
		proxies = append(proxies, p)
	}
	rows := map[cell][]row{}
	dropped := 0
	for _, shape := range strings.Split(t.shapes, ",") {
		for _, command := range []string{"SET", "GET", "PUBLISH"} {
			n, err := t.calibrate(ctx, proxies[0], shape, command)
			if err != nil {
				return err
			}
			for range t.rounds {
				d, err := t.round(ctx, out, redis, proxies, shape, command, n, rows)
				if err != nil {
					return err
				}
				dropped += d
			}
			t.print(out, shape, command, kinds, rows)
		}
	}
	fmt.Fprintf(out, "rows dropped for foreign load: %d\n", dropped)
	return nil
}

// calibrate finds how many commands take about t.row.
func (t *throughput) calibrate(ctx context.Context, p *child, shape, command string) (int, error) {
	n := 2000
	r, err := t.measure(ctx, p, shape, command, n)
	if err != nil {
		return 0, err
	}
	return max(n, int(r.rate*t.row.Seconds())), nil
}

// round measures each proxy once, anew while others disturb.
func (t *throughput) round(ctx context.Context, _ io.Writer, redis *child, proxies []*child, shape, command string, n int, rows map[cell][]row) (dropped int, err error) {
	for try := 0; ; try++ {
		start, all, ours := time.Now(), machineTime(), ownTime(redis, proxies)
		got := make([]row, len(proxies))
		clients := time.Duration(0)
		for i, p := range proxies {
			before := childrenTime()
			if got[i], err = t.measure(ctx, p, shape, command, n); err != nil {
				return dropped, err
			}
			clients += childrenTime() - before
		}
		wall := time.Since(start)
		foreign := float64(machineTime()-all-(ownTime(redis, proxies)-ours)-clients) / float64(wall)
		if foreign > t.foreign && try < t.retries {
			dropped++
			continue
		}
		if foreign > t.foreign {
			return dropped + 1, nil
		}
		for i, p := range proxies {
			c := cell{shape, command, p.kind}
			rows[c] = append(rows[c], got[i])
		}
		return dropped, nil
	}
}

// ownTime is what redis-server, the proxies and this process used.
func ownTime(redis *child, proxies []*child) time.Duration {
	sum := processTime(redis.pid) + processTime(os.Getpid())
	for _, p := range proxies {
		if p.pid != 0 {
			sum += processTime(p.pid)
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
	before := processTime(p.pid)
	b, err := exec.CommandContext(ctx, "redis-benchmark", args...).Output()
	if err != nil {
		return row{}, fmt.Errorf("redis-benchmark against %s: %w", p.kind, err)
	}
	used := processTime(p.pid) - before
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

// print gives the medians of the ratios to the first proxy.
func (t *throughput) print(out io.Writer, shape, command string, kinds []string, rows map[cell][]row) {
	base := rows[cell{shape, command, kinds[0]}]
	for _, k := range kinds {
		var rates, ratios, cpus []float64
		for i, r := range rows[cell{shape, command, k}] {
			rates = append(rates, r.rate)
			ratios = append(ratios, r.rate/base[i].rate)
			if base[i].cpu > 0 {
				cpus = append(cpus, float64(r.cpu)/float64(base[i].cpu))
			}
		}
		fmt.Fprintf(out, "%-6s %-8s %-10s rows %d  %9.0f/s  x%.2f (%.2f–%.2f)  cpu x%.2f\n",
			shape, command, k, len(rates), median(rates), median(ratios), quantile(ratios, 0), quantile(ratios, 1), median(cpus))
	}
}
