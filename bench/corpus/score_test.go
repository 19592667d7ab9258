package main

import "testing"

func TestVerdict(t *testing.T) {
	race := label{Label: "race/lost-update", Accept: []string{"race/check-then-act"}}
	for _, c := range []struct {
		l       label
		status  string
		classes []string
		want    string
	}{
		{race, "flaky", []string{"race/lost-update"}, "right"},
		{race, "flaky", []string{"race/check-then-act", "race/lost-update"}, "right"},
		{race, "flaky", []string{"race/check-then-act"}, "accepted"},
		{race, "flaky", []string{"race/lost-update", "connection"}, "WRONG"},
		{race, "flaky", []string{"not-redis"}, "WRONG"},
		{race, "flaky", []string{"unattributed"}, "no cause"},
		{race, "stable", nil, "missed"},
		{label{Label: "decoy"}, "flaky", []string{"not-redis"}, "ok"},
		{label{Label: "decoy"}, "flaky", []string{"order/commands"}, "BLAMED"},
		{label{Label: "sound"}, "flaky", nil, "FALSE"},
		{label{Label: "sound"}, "stable", nil, "ok"},
	} {
		if got := verdict(c.l, true, c.status, c.classes); got != c.want {
			t.Errorf("%v %s %v: %s, want %s", c.l, c.status, c.classes, got, c.want)
		}
	}
	for label, name := range map[string]string{
		"TestX":                "example.com/corpus.TestX",
		"test_time.py::test_a": "test_time.test_a",
		"a.test.ts > b c":      "a.test.ts > b c",
	} {
		if !same(label, name) {
			t.Errorf("%q is %q", label, name)
		}
	}
}
