package effects

import "slices"

// Kind says what sort of thing a Resource is.
type Kind uint8

// What commands touch.
const (
	Key           Kind = iota + 1 // a key, or with Part one field, member or bit of it
	Keyspace                      // which keys there are; Name: only those of this pattern
	Channel                       // the messages of a channel
	ShardChannel                  // those of a shard channel
	Subscribers                   // who has subscribed to channel Name; Part pattern: to pattern Name
	ShardSubs                     // who has subscribed to a shard channel
	Group                         // the consumer group Part of stream Name; Part empty: all of its groups
	Scripts                       // the script cache; Name: the script of that SHA-1; empty: all
	Functions                     // the functions; Name: one, or one library
	Clients                       // the list of clients and their settings; Name self: the own entry
	Configuration                 // Name: one parameter, in lower case; empty: all
	ACL                           // users and their rights
	State                         // other state of the server, by Name: slowlog, latency, replication …
)

// String gives the kind in words.
func (k Kind) String() string {
	names := [...]string{"", "key", "keyspace", "channel", "shard channel", "subscribers", "shard subscribers", "consumer group",
		"script cache", "functions", "client list", "configuration", "access control list", "server state"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Server reports whether it is state of the server rather than data or messages.
func (k Kind) Server() bool { return k >= Subscribers && k != Group }

const (
	pattern = "pattern" // Part of Subscribers
	self    = "self"    // Name of Clients
)

// Resource is one thing that a command touches.
type Resource struct {
	Kind Kind
	Name string
	Part string
}

// String names the resource for a person.
func (r Resource) String() string {
	switch {
	case r.Kind == Key && r.Part != "":
		return r.Name + " " + r.Part
	case r.Kind == Key:
		return r.Name
	case r.Kind == Group && r.Part != "":
		return "consumer group " + r.Part + " of " + r.Name
	case r.Kind == Group:
		return "consumer groups of " + r.Name
	case r.Name == "" || r.Name == self:
		return r.Kind.String()
	}
	return r.Kind.String() + " " + r.Name
}

// Meets reports whether a and b may be the same thing, or one part of the other.
func (r Resource) Meets(o Resource) bool {
	if r.Kind > o.Kind {
		r, o = o, r
	}
	switch {
	case r.Kind == Key && o.Kind == Keyspace:
		return o.Name == "" || Glob(o.Name, r.Name)
	case r.Kind == Key && o.Kind == Subscribers: // of keyspace events
		return announces(r.Name, o)
	case r.Kind != o.Kind:
		return false
	}
	switch r.Kind {
	case Key, Group:
		return r.Name == o.Name && (r.Part == "" || o.Part == "" || r.Part == o.Part)
	case Subscribers, ShardSubs:
		return sameSubscription(r, o)
	case Keyspace:
		return true
	case Clients:
		return r.Name != self || o.Name != self // the own entries of two clients are two
	}
	return r.Name == "" || o.Name == "" || r.Name == o.Name
}

// sameSubscription matches channels and patterns.
func sameSubscription(r, o Resource) bool {
	switch {
	case r.Part == pattern && o.Part == pattern:
		return r.Name == o.Name || r.Name == "*" || o.Name == "*"
	case r.Part == pattern:
		return Glob(r.Name, o.Name)
	case o.Part == pattern:
		return Glob(o.Name, r.Name)
	}
	return r.Name == o.Name
}

// KeyUse is one key of a command and what is done to it.
type KeyUse struct {
	Key           string
	Reads, Writes bool
	Blind         bool   // it is written whatever was there
	Verb          string // of the command within a script that did it, if that was seen
}

// Effects is what one command touches.
type Effects struct {
	Verb          string   // upper case; of a container NAME|SUBCOMMAND
	Keys          []KeyUse // in order; those that the recording cut are left out
	Reads, Writes []Resource
	// ReadsKeys and WritesKeys tell of the command as such, also where its keys
	// are not known.
	ReadsKeys, WritesKeys bool
	Blocking              bool     // it may wait in Redis: it takes effect when it gets there, not when it is answered
	Latest                []string // streams of which it regards only what is added after it: XREAD $, XGROUP CREATE $
	Observed              bool     // from MONITOR: what it did, and not what it declared
	Unknown               bool     // not in the table
}

// Touches reports whether the command reads or writes the key.
func (e Effects) Touches(key string) bool {
	return slices.ContainsFunc(e.Keys, func(k KeyUse) bool { return k.Key == key })
}

// Use is what the command does to a key, all its mentions taken together.
func (e Effects) Use(key string) KeyUse {
	u := KeyUse{Key: key, Blind: true}
	for _, k := range e.Keys {
		if k.Key == key {
			if u.Verb == "" || k.Writes && !u.Writes {
				u.Verb = k.Verb
			}
			u.Reads, u.Writes, u.Blind = u.Reads || k.Reads, u.Writes || k.Writes, u.Blind && k.Blind
		}
	}
	u.Blind = u.Blind && u.Writes
	return u
}

func (e *Effects) read(r Resource)  { e.Reads = add(e.Reads, r) }
func (e *Effects) write(r Resource) { e.Writes = add(e.Writes, r) }

func add(list []Resource, r Resource) []Resource {
	if slices.Contains(list, r) {
		return list
	}
	return append(list, r)
}
