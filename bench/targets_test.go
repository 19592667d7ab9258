package main

import (
	"strings"
	"testing"
)

func TestTargetsOfShapes(t *testing.T) {
	for text, want := range map[string]float64{"1x1": 1.4, "1x16": 1.4, "50x1": 1.05, "50x16": 0.97} {
		s, err := parseShape(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := targetOf(s); !ok || got.rate != want || got.cpu != 0.8 {
			t.Errorf("%s: %+v, %v; want a rate of %v", text, got, ok, want)
		}
	}
	if _, ok := targetOf(shape{8, 1}); ok {
		t.Error("8x1 has a target that nobody set")
	}
	for _, bad := range []string{"", "50", "50x", "x1", "50x1x2", "50x01"} {
		if _, err := parseShape(bad); err == nil {
			t.Errorf("shape %q is accepted", bad)
		}
	}
}

func TestVerdicts(t *testing.T) {
	var all tally
	for _, c := range []struct {
		relation  string
		got       float64
		pairs     int
		want, row string
	}{
		{"≥", 1.4, 5, "rate ≥ 1.40: reached", "a"},
		{"≥", 1.39, 5, "rate ≥ 1.40: NOT reached", "b"},
		{"≥", 0, 0, "rate ≥ 1.40: not measured", "c"},
		{"≤", 1.4, 5, "rate ≤ 1.40: reached", "d"},
		{"≤", 1.41, 5, "rate ≤ 1.40: NOT reached", "e"},
	} {
		got := verdict("rate", c.relation, 1.4, c.got, c.pairs)
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		all.add(got, c.row, c.got)
	}
	var out strings.Builder
	all.print(&out)
	const want = "rate ≥ 1.40: reached in 1 of 3 rows (b 1.39; c not measured)\nrate ≤ 1.40: reached in 1 of 2 rows (e 1.41)\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
