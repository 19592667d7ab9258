package effects

import (
	"slices"
	"strconv"
	"time"
)

// lived is what MONITOR saw of the times to live that a script gives.
type lived struct {
	terms  []term // that agree with every call which gave one; nil: none did
	gave   bool   // some call gave one
	renews bool   // and no call that gave one wrote anything else to the key
}

// term says where a time to live comes from: an argument in some unit, or a constant.
type term struct {
	arg  int           // index among the command's words; 0: a constant
	unit time.Duration // of the argument
	of   time.Duration // the constant
}

func (t term) value(args []string) time.Duration {
	if t.arg == 0 {
		return t.of
	}
	return within(at(args, t.arg), t.unit).After
}

// live notes the time to live that one call of a script gave its first key.
func (k *Knowledge) live(id string, args []string, inner [][]string) {
	key, gave, renews := at(args, 3), time.Duration(0), true
	for _, in := range inner {
		l := Lifetime(in)
		if at(in, 1) == key && l.Change == Sets && l.After > 0 {
			gave = l.After
		}
		if e := Of(in); e.Use(key).Writes && !l.Renews {
			renews = false
		}
	}
	l := k.lives[id]
	switch {
	case gave == 0:
	case !l.gave:
		l = lived{terms: terms(args, gave), gave: true, renews: renews}
	default:
		l.terms = slices.DeleteFunc(slices.Clone(l.terms), func(t term) bool { return t.value(args) != gave })
		l.renews = l.renews && renews
	}
	k.lives[id] = l
}

// terms lists where a time to live may come from, arguments before the constant.
func terms(args []string, gave time.Duration) []term {
	var out []term
	for i := 3; i < len(args); i++ {
		if _, err := strconv.ParseInt(args[i], 10, 64); err != nil {
			continue
		}
		for _, unit := range []time.Duration{time.Millisecond, time.Second} {
			if t := (term{arg: i, unit: unit}); t.value(args) == gave {
				out = append(out, t)
			}
		}
	}
	return append(out, term{of: gave})
}

// Lifetime is what a script that MONITOR saw does to its first key's time to live:
// none if it gave none. It reports false of other commands and other scripts.
func (k *Knowledge) Lifetime(args []string) (TTL, bool) {
	if k == nil {
		return TTL{}, false
	}
	l, ok := k.lives[k.known(args)]
	if !ok {
		return TTL{}, false
	}
	if len(l.terms) == 0 {
		return TTL{}, true
	}
	return TTL{Change: Sets, After: l.terms[0].value(args), Renews: l.renews}, true
}
