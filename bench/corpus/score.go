package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// result is what is read of a result.json.
type result struct {
	Tests []struct {
		Name   string `json:"name"`
		File   string `json:"file"`
		Status string `json:"status"`
		Cause  string `json:"cause"`
	} `json:"tests"`
	Findings []finding `json:"findings"`
}

type finding struct {
	Class    string   `json:"class"`
	Standing string   `json:"standing"`
	Title    string   `json:"title"`
	Tests    []string `json:"tests"`
}

// score is what one hunt told of one test, beside its label.
type score struct{ test, label, told, result string }

// innocent are the words that blame nothing on Redis.
var innocent = []string{"", "unattributed", "not-redis", "infrastructure"}

// judge compares a hunt with the labels of its suite. partial leaves out tests
// that the hunt was told to leave out.
func judge(suite string, labels map[string]label, r *result, partial bool) []score {
	var out []score
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		name, ok := strings.CutPrefix(key, suite+"/")
		if !ok {
			continue
		}
		l := labels[key]
		s := score{test: name, label: l.Label}
		status, seen, classes := "", false, []string{}
		for _, t := range r.Tests {
			if !same(name, t.Name) {
				continue
			}
			status, seen = t.Status, true
			if t.Cause != "" {
				classes = append(classes, t.Cause)
			}
			for _, f := range r.Findings {
				if slices.Contains(f.Tests, t.Name) && (f.Standing == "natural" || f.Standing == "provoked") && !slices.Contains(classes, f.Class) {
					classes = append(classes, f.Class)
				}
			}
		}
		if !seen && partial {
			continue
		}
		s.told = status + " " + strings.Join(classes, ", ")
		s.result = verdict(l, seen, status, classes)
		out = append(out, s)
	}
	return out
}

// verdict puts a test into one column. The first class is the cause that the
// hunt puts first; any further class that is neither right nor accepted is wrong too.
func verdict(l label, seen bool, status string, classes []string) string {
	blamed := slices.ContainsFunc(classes, func(c string) bool { return !slices.Contains(innocent, c) })
	switch {
	case !seen:
		return "NOT RUN"
	case l.Label == "decoy" && blamed:
		return "BLAMED"
	case l.Label == "sound" && (blamed || status == "flaky" || status == "broken"):
		return "FALSE"
	case l.Label == "decoy" || l.Label == "sound":
		return "ok"
	case slices.ContainsFunc(classes, func(c string) bool {
		return !slices.Contains(innocent, c) && c != l.Label && !slices.Contains(l.Accept, c)
	}):
		return "WRONG"
	case slices.Contains(classes, l.Label):
		return "right"
	case blamed:
		return "accepted"
	case slices.Contains(classes, "not-redis"):
		return "WRONG"
	case status == "flaky" || status == "broken":
		return "no cause"
	}
	return "missed"
}

// same reports whether a label's test is the one that a report names: a runner
// may put a package, a suite or a file before it.
func same(label, name string) bool {
	if label == name || strings.HasSuffix(name, "."+label) || strings.HasSuffix(name, "/"+label) {
		return true
	}
	plain := strings.NewReplacer("::", " ", " > ", " ", ".py", "", ".test.ts", "", ".", " ").Replace
	return plain(name) == plain(label)
}

// sum prints the confusion matrix, and returns the share of wrong causes: 1 when
// a decoy or a sound test was blamed.
func sum(all []score) float64 {
	n := map[string]int{}
	flaky, decoys, sound := 0, 0, 0
	told := map[string]map[string]int{}
	for _, s := range all {
		n[s.result]++
		switch s.label {
		case "decoy":
			decoys++
		case "sound":
			sound++
		default:
			flaky++
		}
		if told[s.label] == nil {
			told[s.label] = map[string]int{}
		}
		told[s.label][s.result]++
	}
	fmt.Println("label                        results")
	for _, l := range slices.Sorted(maps.Keys(told)) {
		fmt.Printf("%-28s", l)
		for _, r := range slices.Sorted(maps.Keys(told[l])) {
			fmt.Printf(" %s %d ", r, told[l][r])
		}
		fmt.Println()
	}
	share := func(k, of int) string {
		if of == 0 {
			return "0/0"
		}
		return fmt.Sprintf("%d/%d (%.0f %%)", k, of, 100*float64(k)/float64(of))
	}
	fmt.Printf("\nflaky: right %s · accepted %s · wrong %s · no cause %s · missed %s · not run %d\ndecoys blamed %s · sound with a finding %s\n",
		share(n["right"], flaky), share(n["accepted"], flaky), share(n["WRONG"], flaky), share(n["no cause"], flaky), share(n["missed"], flaky),
		n["NOT RUN"], share(n["BLAMED"], decoys), share(n["FALSE"], sound))
	if n["BLAMED"]+n["FALSE"]+n["NOT RUN"] > 0 {
		return 1
	}
	if flaky == 0 {
		return 0
	}
	return float64(n["WRONG"]) / float64(flaky)
}
