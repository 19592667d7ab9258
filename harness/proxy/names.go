package proxy

import (
	"bytes"

	"github.com/flakehunt/flakehunt/harness"
)

// Bounds of the tables, so that a client that makes up names costs no memory
// without end.
const (
	maxRaw    = 8192    // spellings remembered for each role; forgotten all at once
	maxRawLen = 256     // bytes of a spelling worth remembering
	maxGroups = 1 << 16 // names in a trial; further ones share the key "{more}"
)

// group is all frames whose points differ in direction and ordinal alone. Its
// counters and answers are those of one test and are renewed at its first
// frame in another.
type group struct {
	point    harness.Point // Dir ToServer, N 0
	run      *run
	n        [2]int        // ordinals given, by direction
	concerns [2]bool       // whether the scheduler is to be asked
	diverted [2][]diverted // frames that had no effect of their own
}

// entry is what is known of a command's spelling.
type entry struct {
	cmd *command
	g   *group // nil: look closer each time
}

// roleNames is the memory of one role: which spelling means which group.
type roleNames struct {
	role     string // "": by the verb's class
	commands map[string]entry
	pushes   map[string]*group
}

// names gives every frame its group.
type names struct {
	table  map[string]*command // shared: not to be changed
	more   map[string]*command // what clients sent besides
	groups map[harness.Point]*group
	roles  map[string]*roleNames
}

func newNames() names {
	return names{table: commandTable(), more: map[string]*command{}, groups: map[harness.Point]*group{}, roles: map[string]*roleNames{}}
}

// forget drops all groups; roles, which live connections point to, stay.
func (n *names) forget() {
	clear(n.groups)
	for _, r := range n.roles {
		clear(r.commands)
		clear(r.pushes)
	}
}

// role returns the memory of a role; "" is that of nameless connections that
// have not subscribed.
func (n *names) role(name string) *roleNames {
	r := n.roles[name]
	if r == nil {
		if len(n.roles) >= maxRaw { // each connection gives itself another name
			name = "{more}"
			if r = n.roles[name]; r != nil {
				return r
			}
		}
		r = &roleNames{role: name, commands: map[string]entry{}, pushes: map[string]*group{}}
		n.roles[name] = r
	}
	return r
}

// roleOf says under which role a command of class c goes.
func (r *roleNames) roleOf(c class) string {
	if r.role != "" {
		return r.role
	}
	switch c {
	case classHandshake:
		return "hs"
	case classPublish:
		return "pub"
	case classSubscribe:
		return "sub"
	}
	return "kv"
}

// group returns the group of a point, whatever its direction and ordinal.
func (n *names) group(role, verb, key string) *group {
	p := harness.Point{Role: role, Verb: verb, Key: key}
	g := n.groups[p]
	if g == nil {
		if len(n.groups) >= maxGroups && key != "{more}" {
			return n.group(role, verb, "{more}")
		}
		g = &group{point: p}
		n.groups[p] = g
	}
	return g
}

// command finds what is known of a verb as it was written.
func (n *names) command(verb []byte) *command {
	const longest = 64
	verb = bytes.ToUpper(verb[:min(len(verb), longest)])
	if c := n.table[string(verb)]; c != nil {
		return c
	}
	if c := n.more[string(verb)]; c != nil {
		return c
	}
	return n.learn(&command{name: string(verb), secret: mayHide(string(verb))})
}

// learn remembers a command, and gives the one of that name that it remembers.
func (n *names) learn(c *command) *command {
	if known := n.more[c.name]; known != nil {
		return known
	}
	if len(n.more) < maxRaw {
		n.more[c.name] = c
	}
	return c
}

// remember notes a spelling.
func remember[V any](m map[string]V, spelling []byte, v V) {
	if len(spelling) > maxRawLen {
		return
	}
	if len(m) >= maxRaw {
		clear(m)
	}
	m[string(spelling)] = v
}
