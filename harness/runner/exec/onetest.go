package exec

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// words are the placeholders of one test in a --one-test template.
type words map[string]string

// The placeholders of a --one-test template, beside those of package environ:
//
//	{name}       the test's name as a filter takes it; nested titles joined by a space (vitest, jest, mocha)
//	{regexp}     {name} with the characters quoted that are special in a regular expression
//	{class}      the classname: tests.test_bus.TestBus, com.acme.BusTest
//	{file}       its file, if the report tells
//	{title}      the innermost title alone
//	{suite}      the name of the report's suite
//
// As in: npx vitest run {file} -t {regexp} · pytest {file} -k {name} ·
// mvn test -Dtest={class}#{name} · rspec -e {name}
var oneTestNames = []string{"name", "regexp", "class", "file", "title", "suite"}

var anyPlaceholder = regexp.MustCompile(`\{([a-z_]+)\}`)

func checkOneTest(template string) error {
	names := false
	for _, m := range anyPlaceholder.FindAllStringSubmatch(template, -1) {
		names = names || slices.Contains(oneTestNames, m[1])
	}
	if !names {
		return fmt.Errorf("--one-test %q: it does not say which test: use {name}, {regexp}, {class}, {file}, {title} or {suite}, as in 'npx vitest run -t {regexp}'", template)
	}
	return nil
}

// remember names the tests, over all reports and trials alike, and keeps their
// own words, which a filter needs.
func (r *Runner) remember(cases []ingest.Case, only []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names.Prefer(only...)
	r.names.Assign(cases)
	for i := range cases {
		c := &cases[i]
		file := relative(r.c.Dir, c.Test.File)
		c.Test.File = fromRoot(r.c.Dir, file)
		if _, ok := r.known[c.Test.Name]; ok {
			continue
		}
		r.known[c.Test.Name] = wordsFrom(c.Name, c.Classname, file, c.Test.Suite)
		r.seen = append(r.seen, c.Test)
	}
}

// wordsOf gives the words of a test: those of its report, else (a finding that
// is replayed names a test before any report was read) as its name tells.
func (r *Runner) wordsOf(name string) words {
	r.mu.Lock()
	w, ok := r.known[name]
	r.mu.Unlock()
	if ok {
		return w
	}
	class, title := "", name
	if head, rest, ok := strings.Cut(name, " > "); ok {
		class, title = head, rest
	} else if i := strings.LastIndex(name, "."); i > 0 {
		class, title = name[:i], name[i+1:]
	}
	w = wordsFrom(title, class, "", class)
	if strings.Contains(class, "/") || filepath.Ext(class) != "" && title != name {
		w["file"] = class
	}
	return w
}

func wordsFrom(name, class, file, suite string) words {
	titles := strings.Split(strings.TrimSpace(name), " > ")
	joined := strings.Join(titles, " ")
	return words{
		"name": joined, "regexp": regexp.QuoteMeta(joined), "class": class,
		"file": file, "title": titles[len(titles)-1], "suite": suite,
	}
}
