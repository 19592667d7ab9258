package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// tapParser reads the Test Anything Protocol, versions 12 to 14: node --test,
// node-tap, bats, prove, pg_prove. Points with subtests stand for suites: their
// subtests count, and they themselves only when they failed and none of these did.
type tapParser struct {
	report *report
	clock  clock
	cases  []Case
	levels []tapLevel // by depth of indentation
	last   int        // index of the case that diagnostics belong to; -1: none
	yaml   *tapYAML   // open block
	notes  []string   // "#" lines behind the last point
}

// tapLevel is what is known of one depth.
type tapLevel struct {
	first  int // index of the first case at this depth that no point around has closed
	plan   int // -1: none yet
	points int
	name   string // of "# Subtest: name", the suite that these points are in
}

var (
	tapPoint   = regexp.MustCompile(`^(not )?ok\b(?:\s+(\d+))?\s*(?:-\s+)?(.*)$`)
	tapPlan    = regexp.MustCompile(`^1\.\.(\d+)\s*(#.*)?$`)
	tapSubtest = regexp.MustCompile(`^# Subtest(?:: (.*))?$`)
	tapHash    = regexp.MustCompile(`(?:^|\s)#\s*(.*)$`)
	tapTime    = regexp.MustCompile(`(?i)^time=([\d.]+ ?m?s)$`)
)

// maxTapDepth is how deep subtests may nest.
const maxTapDepth = 50

func tapCases(r io.Reader) ([]Case, error) {
	p := tapParser{report: &report{}, last: -1}
	err := readLines(r, p.line)
	p.closePoint()
	if err == nil {
		err = p.missing()
	}
	p.closeLevels(0, nil)
	if err != nil {
		err = fmt.Errorf("reading TAP: after %d results: %w", len(p.cases), err)
	}
	return p.cases, err
}

// readLines calls fn for each line, cut to maxLine, without its end.
func readLines(r io.Reader, fn func(line string) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part[:min(len(part), max(maxLine-len(line), 0))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(line) > 0 {
			if err := fn(strings.TrimRight(string(line), "\r\n")); err != nil {
				return err
			}
		}
		line = line[:0]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (p *tapParser) line(line string) error {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if p.yaml != nil {
		if p.yaml.line(line) {
			p.yaml.apply(&p.cases[p.last], &p.clock)
			p.yaml = nil
		}
		return nil
	}
	depth := indent / 4
	if depth > maxTapDepth {
		return fmt.Errorf("subtests lie more than %d deep", maxTapDepth)
	}
	switch {
	case strings.TrimSpace(text) == "---" && p.last >= 0:
		p.yaml = &tapYAML{indent: indent}
	case strings.HasPrefix(text, "Bail out!"):
		return errors.New(strings.TrimSpace(text))
	case tapSubtest.MatchString(text):
		m := tapSubtest.FindStringSubmatch(text)
		p.level(depth + 1).name = strings.TrimSpace(m[1])
	case strings.HasPrefix(text, "#"):
		if p.last >= 0 && len(p.notes) < 50 {
			p.notes = append(p.notes, strings.TrimPrefix(strings.TrimPrefix(text, "#"), " "))
		}
	case tapPlan.MatchString(text):
		m := tapPlan.FindStringSubmatch(text)
		if n, err := strconv.Atoi(m[1]); err == nil {
			p.level(depth).plan = n
		}
	case tapPoint.MatchString(text):
		p.point(depth, tapPoint.FindStringSubmatch(text))
	}
	return nil
}

// level gives the record of a depth, and those around it.
func (p *tapParser) level(depth int) *tapLevel {
	for len(p.levels) <= depth {
		p.levels = append(p.levels, tapLevel{first: len(p.cases), plan: -1})
	}
	return &p.levels[depth]
}

// point takes a line "ok" or "not ok".
func (p *tapParser) point(depth int, m []string) {
	p.closePoint()
	title, directive := tapTitle(m[3])
	if title == "" {
		title = strings.TrimSpace("test " + m[2])
	}
	p.level(depth).points++
	nested := len(p.levels) > depth+1 && p.levels[depth+1].points > 0
	failedBelow := false
	if nested {
		failedBelow = p.closeLevels(depth+1, []string{title})
	}
	p.levels = p.levels[:depth+1]
	c := Case{Name: title, Attempt: 1, Attempts: 1, report: p.report}
	c.Test.Title = title
	c.Verdict = harness.Passed
	word := strings.ToLower(directive)
	switch {
	case strings.HasPrefix(word, "skip"), strings.HasPrefix(word, "todo"):
		c.Verdict = harness.Skipped
	case m[1] != "":
		c.Verdict = harness.Failed
		c.Failure = NewFailure(harness.AssertionFailure, "failed; the report says nothing more", "")
	}
	if t := tapTime.FindStringSubmatch(directive); t != nil {
		_ = p.clock.read(t[1], &c)
	}
	if nested && (c.Verdict != harness.Failed || failedBelow) {
		p.last = -1 // a suite: its diagnostics are its subtests'
		return
	}
	p.cases = append(p.cases, c)
	p.last = len(p.cases) - 1
}

// closeLevels puts the cases at this depth and below into a suite, and reports
// whether one of them failed. Without a suite's name (the report ends early) the
// announced one is taken.
func (p *tapParser) closeLevels(depth int, suite []string) (failed bool) {
	if depth >= len(p.levels) {
		return false
	}
	if depth+1 < len(p.levels) && p.levels[depth+1].points > 0 {
		var name []string
		if n := p.levels[depth+1].name; n != "" {
			name = []string{n}
		}
		p.closeLevels(depth+1, name)
	}
	for i := p.levels[depth].first; i < len(p.cases); i++ {
		c := &p.cases[i]
		failed = failed || c.Verdict == harness.Failed
		c.Path = append(append([]string{}, suite...), c.Path...)
		c.Test.Suite = strings.Join(c.Path, " > ")
		c.short = joined(c.Path, c.Name)
	}
	return failed
}

// closePoint gives the last failure the words of the comments behind it, unless
// a block of YAML said more.
func (p *tapParser) closePoint() {
	if p.last >= 0 && len(p.notes) > 0 {
		c := &p.cases[p.last]
		notes := strings.TrimSpace(strings.Join(p.notes, "\n"))
		if c.Verdict == harness.Failed && c.Failure.Stack == "" && notes != "" {
			c.Failure = NewFailure(KindOf(notes, "", harness.AssertionFailure), notes, notes)
		}
	}
	p.notes = nil
}

// missing says what the plan promised and the report lacks.
func (p *tapParser) missing() error {
	if len(p.levels) == 0 {
		return errors.New("no test point in it")
	}
	switch l := p.levels[0]; {
	case l.plan < 0:
		return errors.New("no plan (1..N) in it: the run may have ended early")
	case l.plan > l.points:
		return fmt.Errorf("the plan is 1..%d, and %d test points are there: the run ended early", l.plan, l.points)
	}
	return nil
}

// tapTitle splits a description from its directive.
func tapTitle(s string) (title, directive string) {
	s = strings.ReplaceAll(s, `\\`, "\x00")
	s = strings.ReplaceAll(s, `\#`, "\x01")
	if m := tapHash.FindStringSubmatchIndex(s); m != nil {
		if d := s[m[2]:]; tapTime.MatchString(d) || strings.HasPrefix(strings.ToLower(d), "skip") || strings.HasPrefix(strings.ToLower(d), "todo") {
			s, directive = s[:m[0]], d
		}
	}
	return strings.TrimSpace(strings.NewReplacer("\x00", `\`, "\x01", "#").Replace(strings.TrimSuffix(strings.TrimSpace(s), " {"))), directive
}
