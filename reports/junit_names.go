package reports

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

func (j *junit) properties(t *harness.TestResult) *xmlProperties {
	p := &xmlProperties{}
	add := func(key, value string) {
		if value = oneLine(value, 500); value != "" {
			p.List = append(p.List, xmlProperty{"flakehunt." + key, value}, xmlProperty{"dd_tags[flakehunt." + key + "]", value})
		}
	}
	add("status", string(t.Status))
	add("runs", strconv.Itoa(t.Runs))
	add("failures", strconv.Itoa(t.Failures))
	if t.Runs > 0 {
		add("rate_lo", decimal(t.RateLo))
		add("rate_hi", decimal(t.RateHi))
	}
	if excludes(t) {
		add("excludes", decimal(t.Excludes))
	}
	if t.Provoked.N > 0 {
		add("provoked", fmt.Sprintf("%d/%d", t.Provoked.K, t.Provoked.N))
	}
	found := findingsOf(j.result, t)
	cause := t.Cause
	if cause == "" && len(found) > 0 {
		cause = found[0].Class
	}
	add("cause", string(cause))
	if t.Margin != nil && !t.Margin.Ordered {
		add("margin_ms", strconv.FormatFloat(t.Margin.Size.Milliseconds(), 'f', 3, 64))
	}
	if len(found) > 0 {
		add("repro", Repro(found[0].ID))
	}
	return p
}

func (j *junit) runProperties() *xmlProperties {
	r := j.result
	p := &xmlProperties{}
	for _, kv := range [][2]string{
		{"flakehunt.version", r.Tool}, {"flakehunt.seed", strconv.FormatUint(r.Seed, 10)}, {"flakehunt.strategy", r.Strategy},
		{"flakehunt.redis", redisWords(r.Redis)}, {"flakehunt.rerun", Rerun(r)},
	} {
		if kv[1] != "" {
			p.List = append(p.List, xmlProperty{kv[0], oneLine(kv[1], 2000)})
		}
	}
	return p
}

// ownNames gives a test's classname and name as its suite's own report has
// them, so that a history of these goes on: those that were read; of a Go test
// those that gotestsum writes; else suite, dot, category, and the name. Without
// a class the suite stands for it, as for readers of the suite's own report.
func ownNames(id harness.TestID) (class, name string) {
	if id.Title != "" || id.Classname != "" {
		return orElse(orElse(id.Classname, id.Suite), "tests"), orElse(id.Title, id.Name)
	}
	if test, ok := strings.CutPrefix(id.Name, id.Suite+"."); ok && id.Suite != "" && id.Category == "" {
		if test == "(package)" {
			test = "TestMain"
		}
		return id.Suite, test
	}
	class = orElse(id.Suite, "tests")
	if id.Category != "" {
		class += "." + strings.ReplaceAll(id.Category, ".", " ")
	}
	return class, id.Name
}
