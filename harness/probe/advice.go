package probe

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Advice is what follows for a hunt.
type Advice struct {
	Works bool           `json:"works"`          // a hunt of the target as it was given would work
	Why   string         `json:"why,omitempty"`  // if not
	Hunt  harness.Target `json:"hunt"`           // what to hunt; zero when nothing that was tried would work
	Tips  []string       `json:"tips,omitempty"` // what would make it better
}

// Hunts reports whether there is a target to recommend.
func (a Advice) Hunts() bool { return len(a.Hunt.Argv) > 0 }

// advise draws the conclusions. It is pure.
func advise(r *Report) (a Advice) {
	as := r.As
	switch {
	case as.Wire.Commands > 0 && as.Tests.Passed > 0:
		a.Works, a.Hunt = true, r.Target
		if as.Tests.Failed > 0 {
			a.Tips = append(a.Tips, "a test that fails every time is reported as broken, not as flaky: mend it first, or leave it out with --run")
		}
	case as.Wire.Commands > 0:
		a.Why = "no test passed, so nothing can turn out to be flaky"
		if as.Tests.Total == 0 {
			a.Why = "no test was reported"
		}
		if as.Trouble != "" {
			a.Why = as.Trouble
		}
	default:
		a.Why = "no command seen on the wire"
		a.unseen(r)
		if as.Tests.Passed == 0 && !a.Hunts() {
			a.Why += "; and no test passed: does the command work without flakehunt?"
		}
	}
	if a.Hunts() {
		a.tips(r)
	}
	return a
}

// unseen says what to do when the suite did not come through us.
func (a *Advice) unseen(r *Report) {
	switch again := r.Again; {
	case r.As.encrypted() > 0:
		a.Why += ": the suite began with TLS, and the address that it was given speaks none: let it take redis:// as it is written"
	case again != nil && again.Wire.Commands > 0:
		a.Hunt = r.Target
		var how []string
		a.Hunt.Env, a.Hunt.Takeover = slices.Clone(r.Target.Env), slices.Clone(r.Target.Takeover)
		for _, d := range busiest(again.ListenAddrs) {
			if d.Fixed && !slices.Contains(a.Hunt.Takeover, d.takeover) {
				a.Hunt.Takeover = append(a.Hunt.Takeover, d.takeover)
				how = append(how, "the address "+d.takeover+" is hard-coded")
			}
			for _, s := range again.hinted {
				e := s.Name + "=" + s.Template
				if slices.Contains(d.Variables, s.Name) && !slices.Contains(a.Hunt.Env, e) {
					a.Hunt.Env = append(a.Hunt.Env, e)
					how = append(how, "it reads "+s.Name)
				}
			}
		}
		a.Why += ": " + strings.Join(how, ", ")
		if again.Tests.Passed == 0 {
			a.Tips = append(a.Tips, "no test passed there: if the suite needs other services of this machine in its private loopback, name their ports with --forward")
		}
	case r.Private != "":
		a.Why += ": is the address hard-coded? try --takeover (not on this machine: " + r.Private + ")"
	default:
		a.Why += ": is the address hard-coded? try --takeover HOST:PORT; does a variable hold it? name it with --env"
		if len(r.Target.Takeover) == 0 && r.Again != nil {
			a.Why += "; --takeover localhost:6379 showed none either"
		}
	}
}

// encrypted counts the connections that began with a TLS handshake.
func (a *Attempt) encrypted() (n int) {
	for _, d := range a.ListenAddrs {
		n += d.TLS
	}
	return n
}

// tips are about single tests and parallel trials.
func (a *Advice) tips(r *Report) {
	t := r.Target
	if t.Kind != harness.CommandTarget {
		return
	}
	switch {
	case t.JUnit == "":
		a.Tips = append(a.Tips, "the exit code is the only test: a suite that writes JUnit XML is hunted test by test with --junit 'GLOB'")
	case t.OneTest == "":
		a.Tips = append(a.Tips, "single tests cannot be run alone, which makes replays slow and boundaries unsure: add --one-test"+oneTestFor(t.Argv))
	}
	if t.JUnit != "" && !strings.Contains(t.JUnit, "{dir}") && !strings.Contains(t.JUnit, "{trial}") {
		a.Tips = append(a.Tips, "trials run one at a time, since all write the same report: with {dir} in --junit and in the command each has its own")
	}
}

// oneTestFor suggests a template for a test program that is known.
func oneTestFor(argv []string) string {
	for _, word := range argv {
		for _, k := range []struct{ program, template string }{
			{"vitest", "npx vitest run {file} -t {regexp}"}, {"jest", "npx jest -t {regexp}"}, {"pytest", "pytest {file} -k {name}"},
			{"mvn", "mvn test -Dtest={class}#{name}"}, {"rspec", "rspec -e {name}"}, {"phpunit", "phpunit --filter {regexp}"},
		} {
			if filepath.Base(word) == k.program {
				return fmt.Sprintf(", as in --one-test '%s'", k.template)
			}
		}
	}
	return ", as in --one-test 'npx vitest run -t {regexp}'"
}
