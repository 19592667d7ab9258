package main

import (
	"fmt"
	"io"
	"strings"
)

// target is what flakehunt's own engine is to reach beside Toxiproxy without a
// toxic, of medians over the pairs.
type target struct {
	clients, pipeline int     // 0: whatever
	rate              float64 // at least this ratio of commands a second
	cpu               float64 // at most this ratio of processor time a command
}

// targets are looked through in order; the first that fits a shape holds.
func targets() []target {
	const cpu = 0.8
	return []target{
		{clients: 1, rate: 1.4, cpu: cpu},
		{clients: 50, pipeline: 1, rate: 1.05, cpu: cpu},
		{clients: 50, pipeline: 16, rate: 0.97, cpu: cpu},
	}
}

func targetOf(s shape) (target, bool) {
	for _, t := range targets() {
		if (t.clients == 0 || t.clients == s.clients) && (t.pipeline == 0 || t.pipeline == s.pipeline) {
			return t, true
		}
	}
	return target{}, false
}

// shape is how redis-benchmark loads a proxy.
type shape struct{ clients, pipeline int }

func parseShape(text string) (s shape, err error) {
	if _, err := fmt.Sscanf(text, "%dx%d", &s.clients, &s.pipeline); err != nil || s.String() != text {
		return s, fmt.Errorf("shape %q: want CLIENTSxPIPELINE, as in 50x16", text)
	}
	return s, nil
}

func (s shape) String() string { return fmt.Sprintf("%dx%d", s.clients, s.pipeline) }

// verdict says whether a figure reached its target.
func verdict(what, relation string, wanted, got float64, pairs int) string {
	reached := got >= wanted
	if relation == "≤" {
		reached = got <= wanted
	}
	switch {
	case pairs == 0:
		return fmt.Sprintf("%s %s %.2f: not measured", what, relation, wanted)
	case reached:
		return fmt.Sprintf("%s %s %.2f: reached", what, relation, wanted)
	}
	return fmt.Sprintf("%s %s %.2f: NOT reached", what, relation, wanted)
}

// tally counts, for each target, the rows that reached it.
type tally struct {
	order []string
	hit   map[string]int
	of    map[string]int
	miss  map[string][]string
}

func (t *tally) add(verdict, row string, got float64) {
	name, outcome, _ := strings.Cut(verdict, ": ")
	if t.hit == nil {
		t.hit, t.of, t.miss = map[string]int{}, map[string]int{}, map[string][]string{}
	}
	if t.of[name]++; t.of[name] == 1 {
		t.order = append(t.order, name)
	}
	switch outcome {
	case "reached":
		t.hit[name]++
	case "not measured":
		t.miss[name] = append(t.miss[name], row+" not measured")
	default:
		t.miss[name] = append(t.miss[name], fmt.Sprintf("%s %.2f", row, got))
	}
}

func (t *tally) print(out io.Writer) {
	for _, name := range t.order {
		fmt.Fprintf(out, "%s: reached in %d of %d rows", name, t.hit[name], t.of[name])
		if m := t.miss[name]; len(m) > 0 {
			fmt.Fprintf(out, " (%s)", strings.Join(m, "; "))
		}
		fmt.Fprintln(out)
	}
}
