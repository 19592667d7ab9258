package effects

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed table.txt
var generated string

// newer holds commands of servers later than that of table.txt.
//
//go:embed newer.txt
var newer string

// command is a line of the table.
type command struct {
	name  string // upper case; of a container NAME|SUBCOMMAND
	flags []string
	group string
	specs []spec
}

// spec is a key specification, as COMMAND gives it: where keys begin and which
// arguments from there are keys. Arguments are counted with the verb as 0.
type spec struct {
	flags   []string
	unknown bool   // COMMAND can't say where
	keyword string // begin after this word, searched from index …
	index   int    // … or begin there
	counted bool   // the rest are: where the number of keys is, the first key, the step
	last    int    // range: of the last key; negative: from the end
	step    int
	limit   int // range to the end: only the first of so many parts
	num     int // counted: where the number is
	first   int // counted: where the first key is
}

// table is what is known, by name. Nobody may change it.
var table = sync.OnceValue(func() map[string]*command {
	t := map[string]*command{}
	for _, text := range []string{newer, generated} { // what a server said has the last word
		for line := range strings.Lines(text) {
			if c, ok := parseCommand(strings.TrimSpace(line)); ok {
				t[c.name] = &c
			}
		}
	}
	return t
})

// containers are the commands whose first argument is a subcommand.
var containers = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for name := range table() {
		if c, _, ok := strings.Cut(name, "|"); ok {
			out[c] = true
		}
	}
	return out
})

// parseCommand reads a line: name, arity, group, flags, key specifications.
func parseCommand(line string) (command, bool) {
	f := strings.Fields(line)
	if len(f) < 4 || f[0] == "#" {
		return command{}, false
	}
	c := command{name: strings.ToUpper(f[0]), group: f[2], flags: strings.Split(f[3], ",")}
	for _, s := range f[4:] {
		sp, ok := parseSpec(s)
		if !ok {
			return command{}, false
		}
		c.specs = append(c.specs, sp)
	}
	return c, true
}

// parseSpec reads FLAGS:BEGIN:KEYS, as in RW,access:2:#0/1/1 or RO:STREAMS/1:-1/1/2.
func parseSpec(s string) (spec, bool) {
	p := strings.Split(s, ":")
	if len(p) != 3 {
		return spec{}, false
	}
	sp := spec{flags: strings.Split(p[0], ",")}
	if p[1] == "?" || p[2] == "?" {
		sp.unknown = true
		return sp, true
	}
	begin := strings.Split(p[1], "/")
	if len(begin) == 2 {
		sp.keyword = begin[0]
	}
	numbers, counted := strings.CutPrefix(p[2], "#")
	n, ok := ints(append(strings.Split(numbers, "/"), begin[len(begin)-1]))
	if !ok || len(n) != 4 {
		return spec{}, false
	}
	sp.counted, sp.index = counted, n[3]
	if counted {
		sp.num, sp.first, sp.step = n[0], n[1], n[2]
	} else {
		sp.last, sp.step, sp.limit = n[0], n[1], n[2]
	}
	return sp, true
}

func ints(words []string) ([]int, bool) {
	out := make([]int, len(words))
	for i, w := range words {
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

func (c *command) has(flag string) bool { return c != nil && slices.Contains(c.flags, flag) }

func (s spec) has(flag string) bool { return slices.Contains(s.flags, flag) }

// find gives the positions of a specification's keys among args, the verb
// included.
func (s spec) find(args []string) []int {
	begin, ok := s.begin(args)
	if !ok || begin >= len(args) {
		return nil
	}
	step := max(s.step, 1)
	var out []int
	if s.counted {
		at := begin + s.num
		if at >= len(args) {
			return nil
		}
		n, err := strconv.Atoi(args[at])
		first := begin + s.first
		if err != nil || n <= 0 || n > len(args)-first {
			return nil
		}
		for i := range n {
			if p := first + i*step; p < len(args) {
				out = append(out, p)
			}
		}
		return out
	}
	last := begin + s.last
	if s.last < 0 {
		last = len(args) + s.last
		if s.limit > 1 && s.last == -1 {
			last = begin + (len(args)-begin)/s.limit - 1
		}
	}
	for p := begin; p <= min(last, len(args)-1); p += step {
		out = append(out, p)
	}
	return out
}

// begin is where the search of a specification starts.
func (s spec) begin(args []string) (int, bool) {
	switch {
	case s.unknown:
		return 0, false
	case s.keyword == "":
		return s.index, true
	case s.index < 0:
		for i := len(args) + s.index; i > 0; i-- {
			if strings.EqualFold(args[i], s.keyword) {
				return i + 1, true
			}
		}
	default:
		for i := max(s.index, 1); i < len(args); i++ {
			if strings.EqualFold(args[i], s.keyword) {
				return i + 1, true
			}
		}
	}
	return 0, false
}
