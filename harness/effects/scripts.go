package effects

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Knowledge is what was learned of scripts and functions: how they call
// themselves, and what MONITOR saw them do. A nil Knowledge knows nothing; it is
// not to be changed while others read it.
type Knowledge struct {
	names map[string]string    // by identity
	exact map[string]*Effects  // by identity and arguments
	does  map[string][]touched // by identity
	lives map[string]lived     // by identity
	texts map[string]string    // by identity: those that are known whole
}

// touched is a key that a script was seen to use, written in terms of its
// arguments, so that it can be told for other ones.
type touched struct {
	key   string // with references; see refer
	use   KeyUse
	other []Resource // written, that are no keys: channels, in the same terms
}

// NewKnowledge returns one that knows nothing yet.
func NewKnowledge() *Knowledge {
	return &Knowledge{names: map[string]string{}, exact: map[string]*Effects{}, does: map[string][]touched{}, lives: map[string]lived{}, texts: map[string]string{}}
}

// Clone returns a copy that can learn without changing k.
func (k *Knowledge) Clone() *Knowledge {
	out := NewKnowledge()
	if k != nil {
		out.names, out.exact, out.does = maps.Clone(k.names), maps.Clone(k.exact), maps.Clone(k.does)
		out.lives, out.texts = maps.Clone(k.lives), maps.Clone(k.texts)
	}
	return out
}

// identity names the script or function that a command runs; "" if it runs none.
func identity(args []string) string {
	switch Name(args) {
	case "EVALSHA", "EVALSHA_RO":
		return strings.ToLower(at(args, 1))
	case "EVAL", "EVAL_RO":
		if sha := SHA1(at(args, 1)); sha != "" {
			return sha
		}
		return at(args, 1)
	case "FCALL", "FCALL_RO":
		return "function " + at(args, 1)
	}
	return ""
}

// known is the identity of the script that a command runs, also where the recording
// cut its text: by the one script that begins so.
func (k *Knowledge) known(args []string) string {
	id := identity(args)
	begin, shortened := strings.CutSuffix(id, cut)
	if k == nil || !shortened {
		return id
	}
	found := ""
	for whole, text := range k.texts {
		if strings.HasPrefix(text, begin) {
			if found != "" {
				return id // two begin alike
			}
			found = whole
		}
	}
	return cmp.Or(found, id)
}

// Learn notes how a script calls itself, from the EVAL or SCRIPT LOAD that
// brought its text.
func (k *Knowledge) Learn(args []string) {
	body := ""
	switch Name(args) {
	case "EVAL", "EVAL_RO":
		body = at(args, 1)
	case "SCRIPT|LOAD":
		body = at(args, 2)
	default:
		return
	}
	id := SHA1(body)
	if id == "" {
		id = body // the recording cut it: it is known by its beginning
	} else {
		k.texts[id] = body
	}
	if name := Title(body); name != "" {
		k.names[id] = name
	}
}

// Alias notes that EVALSHA, which was answered NOSCRIPT, is the EVAL that was sent
// next: the recording may have cut that one's text.
func (k *Knowledge) Alias(evalsha, eval []string) {
	if name := Title(at(eval, 1)); name != "" && Name(evalsha) == "EVALSHA" {
		k.names[identity(evalsha)] = name
	}
}

// Observe notes what calls did, as MONITOR saw them.
func (k *Knowledge) Observe(calls []Call) {
	for _, c := range calls {
		k.Learn(c.Args)
		id := identity(c.Args)
		if id == "" || len(c.Inner) == 0 {
			continue
		}
		k.live(id, c.Args, c.Inner)
		exact := Of(c.Args)
		exact.Keys, exact.Reads, exact.Writes = nil, onlyServer(exact.Reads), onlyServer(exact.Writes)
		for _, in := range c.Inner {
			e := Of(in)
			k.generalise(id, c.Args, e)
			exact.merge(e)
		}
		exact.Observed = true
		key := id + "\x00" + strings.Join(c.Args[2:], "\x00")
		if old := k.exact[key]; old != nil {
			both := *old // others may be reading the old one
			both.merge(exact)
			exact = both
		}
		k.exact[key] = &exact
	}
}

// onlyServer leaves what is no key.
func onlyServer(list []Resource) []Resource {
	return slices.DeleteFunc(slices.Clone(list), func(r Resource) bool { return r.Kind == Key })
}

// merge adds what another command does.
func (e *Effects) merge(o Effects) {
	for _, u := range o.Keys {
		if u.Verb == "" {
			u.Verb = o.Verb
		}
		if !slices.Contains(e.Keys, u) {
			e.Keys = append(e.Keys, u)
		}
	}
	for _, r := range o.Reads {
		e.read(r)
	}
	for _, w := range o.Writes {
		e.write(w)
	}
	e.Latest = append(e.Latest, o.Latest...)
}

// maxTouched bounds what is remembered of one script.
const maxTouched = 128

// generalise notes the keys and channels of one command within a script, in
// terms of the arguments that the script was called with.
func (k *Knowledge) generalise(id string, args []string, e Effects) {
	for _, u := range e.Keys {
		t := touched{key: refer(u.Key, args), use: KeyUse{Reads: u.Reads, Writes: u.Writes, Blind: u.Blind, Verb: e.Verb}}
		same := func(o touched) bool { return o.key == t.key && o.use == t.use }
		if len(k.does[id]) < maxTouched && !slices.ContainsFunc(k.does[id], same) {
			k.does[id] = append(k.does[id], t)
		}
	}
	for _, w := range e.Writes {
		if w.Kind != Channel && w.Kind != ShardChannel {
			continue
		}
		t := touched{other: []Resource{{Kind: w.Kind, Name: refer(w.Name, args)}}}
		same := func(o touched) bool { return slices.Equal(o.other, t.other) }
		if len(k.does[id]) < maxTouched && !slices.ContainsFunc(k.does[id], same) {
			k.does[id] = append(k.does[id], t)
		}
	}
}

// refer writes a name in terms of arguments: where one of them occurs, it is
// replaced by \x00 index \x00. Long ones go first; of two characters or less
// only those that are the whole.
func refer(name string, args []string) string {
	order := make([]int, 0, len(args))
	for i := 3; i < len(args); i++ {
		if a := args[i]; a != "" && (len(a) > 2 || a == name) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(args[b]), len(args[a])) })
	parts := []string{name} // those at odd indices are references
	for _, i := range order {
		for j := 0; j < len(parts); j += 2 {
			before, rest, ok := strings.Cut(parts[j], args[i])
			if ok {
				parts = slices.Concat(parts[:j], []string{before, strconv.Itoa(i), rest}, parts[j+1:])
			}
		}
	}
	return strings.Join(parts, "\x00")
}

// resolve is the inverse of refer, for other arguments.
func resolve(name string, args []string) string {
	parts := strings.Split(name, "\x00")
	for j := 1; j < len(parts); j += 2 {
		i, err := strconv.Atoi(parts[j])
		if err != nil {
			return ""
		}
		parts[j] = at(args, i)
	}
	return strings.Join(parts, "")
}

// Of says what a command touches: of a script or function that MONITOR saw, what
// it did with these arguments; else what it does with arguments in their places;
// else what it declares.
func (k *Knowledge) Of(args []string) Effects {
	e := Of(args)
	id := k.known(args)
	if k == nil || id == "" || len(args) < 3 {
		return e
	}
	if known := k.exact[id+"\x00"+strings.Join(args[2:], "\x00")]; known != nil {
		return *known
	}
	does := k.does[id]
	if len(does) == 0 {
		return e
	}
	e.Keys, e.Reads, e.Writes, e.Observed = nil, onlyServer(e.Reads), onlyServer(e.Writes), true
	for _, t := range does {
		if t.key != "" {
			u := t.use
			u.Key = resolve(t.key, args)
			e.use(u)
		}
		for _, r := range t.other {
			r.Name = resolve(r.Name, args)
			e.write(r)
			e.read(audience(r))
		}
	}
	return e
}

// audience is who hears what is published to a channel.
func audience(channel Resource) Resource {
	if channel.Kind == ShardChannel {
		return Resource{Kind: ShardSubs, Name: channel.Name}
	}
	return Resource{Kind: Subscribers, Name: channel.Name}
}

// use adds one key with its resources.
func (e *Effects) use(u KeyUse) {
	if u.Key == "" || strings.HasSuffix(u.Key, cut) || slices.Contains(e.Keys, u) {
		return
	}
	e.Keys = append(e.Keys, u)
	if u.Reads {
		e.read(Resource{Kind: Key, Name: u.Key})
	}
	if u.Writes {
		e.write(Resource{Kind: Key, Name: u.Key})
	}
}
