package predict

import (
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness/effects"
)

const (
	// ring is how many earlier commands that write one resource, and that read
	// it, a command is compared with: what is further back did not race with it.
	ring = 12
	// half is the gap at which a pair is taken for half as probable.
	half = 300 * time.Millisecond
	// idle is how long a program that goes on because of a reply takes at most;
	// what comes later came from a timer.
	idle = 4 * time.Millisecond
)

// bucket is what a resource is looked up by: resources that may meet share one,
// but for keys and the keyspace.
type bucket struct {
	kind effects.Kind
	name string
}

func bucketOf(r effects.Resource) bucket {
	switch r.Kind {
	case effects.Key, effects.Group, effects.Channel, effects.ShardChannel, effects.State:
		return bucket{r.Kind, r.Name}
	}
	return bucket{kind: r.Kind}
}

// users are the last commands that used a bucket.
type users struct{ writers, readers []*act }

// index finds the earlier commands that one may conflict with.
type index struct {
	of map[bucket]*users
}

func newIndex() *index { return &index{map[bucket]*users{}} }

func (x *index) users(b bucket) *users {
	u := x.of[b]
	if u == nil {
		u = &users{}
		x.of[b] = u
	}
	return u
}

// keyspace holds commands about the keyspace; allKeys those on any key.
func keyspace() bucket { return bucket{kind: effects.Keyspace} }
func allKeys() bucket  { return bucket{kind: effects.Keyspace, name: "keys"} }

// add enters a command.
func (x *index) add(a *act) {
	keysRead, keysWritten := false, false
	for _, r := range a.effects.Reads {
		u := x.users(bucketOf(r))
		u.readers = push(u.readers, a)
		keysRead = keysRead || r.Kind == effects.Key
	}
	for _, r := range a.effects.Writes {
		u := x.users(bucketOf(r))
		u.writers = push(u.writers, a)
		keysWritten = keysWritten || r.Kind == effects.Key
	}
	u := x.users(allKeys())
	if keysRead {
		u.readers = push(u.readers, a)
	}
	if keysWritten {
		u.writers = push(u.writers, a)
	}
}

// push puts a at the end. Of a loop's commands on one connection the last stays.
func push(list []*act, a *act) []*act {
	if n := len(list); n > 0 && list[n-1] == a {
		return list
	}
	if i := slices.IndexFunc(list, func(o *act) bool {
		return o.Conn == a.Conn && o.Verb == a.Verb && o.Point.Key == a.Point.Key && o.part == a.part
	}); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == ring {
		list = slices.Delete(list, 0, 1)
	}
	return append(list, a)
}

// before lists the commands that b may conflict with, each once.
func (x *index) before(b *act) []*act {
	var out []*act
	seen := map[*act]bool{}
	take := func(lists ...[]*act) {
		for _, l := range lists {
			for _, a := range l {
				if !seen[a] {
					seen[a] = true
					out = append(out, a)
				}
			}
		}
	}
	look := func(r effects.Resource, writes bool) {
		buckets := []bucket{bucketOf(r)}
		switch r.Kind {
		case effects.Key:
			buckets = append(buckets, keyspace())
			if writes { // that may be announced
				buckets = append(buckets, bucket{kind: effects.Subscribers})
			}
		case effects.Keyspace:
			buckets = append(buckets, allKeys())
		}
		for _, k := range buckets {
			if u := x.of[k]; u != nil {
				take(u.writers)
				if writes {
					take(u.readers)
				}
			}
		}
	}
	for _, r := range b.effects.Reads {
		look(r, false)
	}
	for _, r := range b.effects.Writes {
		look(r, true)
	}
	return out
}
