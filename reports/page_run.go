package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

func imitation(r harness.RedisInfo) string {
	s := "This run used an imitation of Redis"
	switch r.Provider {
	case "embedded":
		s += " inside the process"
	case "sim":
		s += " inside the process, in virtual time"
	}
	return s + ", not a real server. Confirm what it shows with --redis container or --redis server."
}

func runFacts(r *harness.Result, t tally) []fact {
	list := []fact{
		{"Redis", redisWords(r.Redis)},
		{"Trials", trials(r)},
		{"Executions", fmt.Sprintf("%d, %s passed", t.Runs, t.passRate())},
		{"Strategy", oneLine(strategyWords(r), 300)},
		{"Seed", fmt.Sprint(r.Seed)},
	}
	if s := lost(r); s != "" {
		list = append(list, fact{"Not counted", s})
	}
	if d := r.Finished.Sub(r.Started); !r.Started.IsZero() && d > 0 {
		list = append(list, fact{"Took", short(harness.Duration(d))})
	}
	if what := targetWords(r.Target); what != "" {
		list = append(list, fact{"Target", what})
	}
	if r.Machine.TimerP99 > 0 {
		list = append(list, fact{"Timers ran late by", fmt.Sprintf("%s typically, %s at the 99th percentile, %s at worst",
			short(r.Machine.TimerP50), short(r.Machine.TimerP99), short(r.Machine.TimerMax))})
	}
	return list
}

func strategyWords(r *harness.Result) string {
	s := orElse(r.Strategy, "none")
	var keys []string
	for k := range r.Params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s += fmt.Sprintf(", %s %s", k, r.Params[k])
	}
	return s
}

func targetWords(t harness.Target) string {
	s := strings.Join(t.Suites, ", ")
	if len(t.Argv) > 0 {
		s = strings.Join(t.Argv, " ")
	}
	if t.Variant != "" {
		s += " (" + t.Variant
		if len(t.Defects) > 0 {
			s += ": " + strings.Join(t.Defects, ", ")
		}
		s += ")"
	}
	return oneLine(s, 400)
}

func machineFacts(r *harness.Result) []fact {
	m := r.Machine
	list := []fact{{"Machine", oneLine(fmt.Sprintf("%s/%s, %s", m.OS, m.Arch, count(m.CPUs, "CPU")), 100)}, {"Go", oneLine(m.Go, 40)}}
	if r.Workers > 0 {
		list = append(list, fact{"Workers", fmt.Sprint(r.Workers)})
	}
	if r.Redis.Note != "" {
		list = append(list, fact{"Why this Redis", oneLine(r.Redis.Note, 300)})
	}
	if !r.Started.IsZero() {
		list = append(list, fact{"Started", r.Started.UTC().Format(time.DateTime) + " UTC"})
	}
	if r.Shard != "" {
		list = append(list, fact{"Shard", oneLine(r.Shard, 40)})
	}
	if r.PointsShared > 0 {
		list = append(list, fact{"Frames that trials of one test share", percent(r.PointsShared)})
	}
	var keys []string
	for k := range r.Meta {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		list = append(list, fact{oneLine(k, 100), oneLine(r.Meta[k], 400)})
	}
	return list
}
