package ingest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Names gives tests names that are unique in a run. A test has its short name
// (class and title) unless another test of the run would have the same; then
// the names of both hold what tells them apart: the suites around them, the
// file, the report's hostname (Playwright's projects), or a number.
//
// A Names that lives as long as a hunt keeps what it gave: a report of one test
// alone names it as the report of the whole suite did. The zero value is ready.
// It is not safe for concurrent use.
type Names struct {
	groups map[string][]*identity // by short name
	exact  map[likeness]*identity // with the host
	alike  map[likeness]*identity // without: the latest
	taken  map[string]bool        // names given
	wanted []string
	round  int // how often Assign was called
}

// Prefer tells names that tests were given before this Names was made (in a
// finding that is replayed): a test that may have such a name gets it.
func (n *Names) Prefer(names ...string) { n.wanted = names }

// likeness is all that a report says of which test a case is of.
type likeness struct {
	short, suites, class, root, file, host string
	nth                                    int // among the cases of one report that are alike in all the rest
}

// identity is one test.
type identity struct {
	likeness
	report *report
	round  int    // of the Assign that had it last
	name   string // empty: not yet given
}

// Assign sets Test.Name of all cases of a run's reports, and Test.Suite.
func (n *Names) Assign(cases []Case) {
	if n.groups == nil {
		n.groups, n.taken = map[string][]*identity{}, map[string]bool{}
		n.exact, n.alike = map[likeness]*identity{}, map[likeness]*identity{}
	}
	type where struct {
		likeness
		report *report
	}
	n.round++
	repeats := map[where]int{}
	like := make([]likeness, len(cases))
	ids := make([]*identity, len(cases))
	for i := range cases {
		c := &cases[i]
		suites := strings.Join(c.Path, " > ")
		l := likeness{short: shortName(c, suites), suites: suites, class: c.Classname, root: c.root, file: c.Test.File, host: c.host}
		at := where{l, c.report}
		if c.Attempt <= 1 {
			repeats[at]++
		}
		if count := repeats[at]; count > 1 {
			if numbered(c) {
				l.nth = count - 1
			} else if !goName(c.Name) && c.Attempt <= 1 && !slices.Contains(c.Warnings, repeated) {
				c.Warnings = append(c.Warnings, repeated)
			}
		}
		like[i] = l
		ids[i] = n.find(l, c.report)
	}
	for i := range cases {
		if ids[i] == nil {
			ids[i] = n.add(like[i], cases[i].report)
		}
	}
	for i := range cases {
		if ids[i].name == "" {
			n.name(ids[i].short)
		}
		cases[i].Test.Name = ids[i].name
	}
}

const repeated = "its report names this test more than once: counted as repeats of one test"

// numbered reports whether cases of one name are several tests and not repeats
// of one: in mocha, jest, vitest and RSpec two tests may have the same title.
func numbered(c *Case) bool {
	around := c.root
	if around == "" && len(c.Path) > 0 {
		around = c.Path[0]
	}
	switch around {
	case "Mocha Tests", "jest tests", "vitest tests":
		return true
	}
	f := c.Test.File
	return scripted(f) && path.Ext(f) != ".py" && path.Ext(f) != ".php"
}

// shortName is what a test is called when no other has the same name. It sets
// the suite of a case whose class says nothing.
func shortName(c *Case, suites string) string {
	title := strings.TrimSpace(c.Name)
	switch {
	case c.short != "":
		return c.short
	case c.Classname == "test" && title != "": // node:test gives every case this class
		c.Test.Suite = suites
	case c.Classname == "" && len(c.Path) > 1:
		c.Test.Suite = suites
	default:
		return cmp.Or(testName(c.Test.Suite, c.Classname, title), "(no name)")
	}
	if suites == "" {
		return cmp.Or(title, "(no name)")
	}
	return strings.TrimSuffix(suites+" > "+title, " > ")
}

// find gives the record of a test that is known; nil when there is none. Hosts
// tell tests apart within one report alone: elsewhere they are machines.
func (n *Names) find(l likeness, r *report) *identity {
	loose := l
	loose.host = ""
	id := n.exact[l]
	if k := n.alike[loose]; id == nil && k != nil && k.report != r {
		id = k
	}
	if id != nil {
		n.keep(id, l, r)
	}
	return id
}

// add makes the record of a test that find did not know. The only test that is
// known by the short name, and that these reports do not name, is the same: a
// report of one test alone may say less about it.
func (n *Names) add(l likeness, r *report) *identity {
	id := n.find(l, r)
	if id != nil {
		return id
	}
	if group := n.groups[l.short]; len(group) == 1 && group[0].round != n.round {
		id = group[0]
	} else {
		id = &identity{likeness: l}
		n.groups[l.short] = append(group, id)
	}
	n.keep(id, l, r)
	return id
}

func (n *Names) keep(id *identity, l likeness, r *report) {
	id.report, id.round, n.exact[l] = r, n.round, id
	l.host = ""
	n.alike[l] = id
}

// name gives names to those tests of a short name that have none.
func (n *Names) name(short string) {
	group := n.groups[short]
	full := distinct(short, group)
	for i, id := range group {
		if id.name != "" {
			continue
		}
		name := n.preferred(id)
		if name == "" {
			name = full[i]
		}
		for k := 2; n.taken[name]; k++ {
			name = fmt.Sprintf("%s #%d", full[i], k)
		}
		id.name, n.taken[name] = name, true
	}
}

// preferred gives the wanted name that a test may have; empty when there is none.
func (n *Names) preferred(id *identity) string {
	for _, want := range n.wanted {
		if want == id.short || !strings.Contains(want, id.short) || n.taken[want] {
			continue
		}
		for subset := range 1 << len(details) {
			name := id.short
			for i, with := range details {
				if subset&(1<<i) != 0 {
					name = with(name, id)
				}
			}
			if name == want {
				return want
			}
		}
	}
	return ""
}

// details complete a name by one thing that may tell a test from another, in
// this order.
var details = []func(name string, id *identity) string{
	func(name string, id *identity) string { return within(id.suites, name) },
	func(name string, id *identity) string { return within(id.class, name) },
	func(name string, id *identity) string { return within(id.file, name) },
	func(name string, id *identity) string { return within(id.root, name) },
	func(name string, id *identity) string {
		if id.host == "" {
			return name
		}
		return name + " [" + id.host + "]"
	},
	func(name string, id *identity) string {
		if id.nth == 0 {
			return name
		}
		return fmt.Sprintf("%s #%d", name, id.nth+1)
	},
}

// distinct completes a short name by as little as tells the group's tests apart.
func distinct(short string, group []*identity) []string {
	names := make([]string, len(group))
	for i := range names {
		names[i] = short
	}
	for _, with := range details {
		have := different(names)
		if have == len(group) {
			break
		}
		longer := make([]string, len(group))
		for i, id := range group {
			longer[i] = with(names[i], id)
		}
		if different(longer) > have {
			names = longer
		}
	}
	return names
}

// within puts a name into what is around it, unless the name says so already.
func within(around, name string) string {
	if around == "" || name == around || strings.HasPrefix(name, around+" > ") || strings.HasPrefix(name, around+".") {
		return name
	}
	return around + " > " + name
}

func different(names []string) int {
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	return len(seen)
}
