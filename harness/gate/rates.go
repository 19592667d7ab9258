package gate

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness/stats"
)

// rates holds each test to the rates that are asked for. A test that never ran where
// one is asked for leaves it open.
func rates(g *decision) {
	where := map[string]string{"alone": "alone", "suite": "in its suite", "load": "under load"}
	for _, m := range g.cfg.MaxRates {
		open := 0
		for _, t := range g.tests {
			c, _ := t.Rates.Of(m.Where)
			if t.Rates == nil && m.Where == "suite" {
				c.K, c.N = t.Failures, t.Runs
			}
			if c.N == 0 {
				open++
				continue
			}
			if float64(c.K) <= m.Most*float64(c.N) {
				continue
			}
			what := fmt.Sprintf("failed %d of %d %s, allowed is %s", c.K, c.N, where[m.Where], stats.Percent(m.Most))
			if e := g.cfg.Quarantine.naming(t.Name); e != nil && !e.Expired(g.cfg.Now) {
				g.excused(t.Name, e, what)
				continue
			}
			g.breach(TooOften, t.Name, g.mend(t), "%s", what)
		}
		if open > 0 {
			g.v.Undecided = append(g.v.Undecided, Breach{Kind: NotEnough, What: fmt.Sprintf("%s never ran %s", count(open, "test", "tests"), where[m.Where]),
				WayOut: "measure it: 'flakehunt run --rates 10'"})
		}
	}
}
