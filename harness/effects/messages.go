package effects

import "strings"

// messages adds what a command of pub/sub touches. A message goes to those who
// have subscribed when it is published: PUBLISH reads who they are.
func messages(e *Effects, args []string) {
	switch e.Verb {
	case "PUBLISH":
		e.write(Resource{Kind: Channel, Name: at(args, 1)})
		e.read(Resource{Kind: Subscribers, Name: at(args, 1)})
	case "SPUBLISH":
		e.write(Resource{Kind: ShardChannel, Name: at(args, 1)})
		e.read(Resource{Kind: ShardSubs, Name: at(args, 1)})
	case "SUBSCRIBE", "UNSUBSCRIBE":
		e.subscriptions(args, Resource{Kind: Subscribers})
	case "PSUBSCRIBE", "PUNSUBSCRIBE":
		e.subscriptions(args, Resource{Kind: Subscribers, Part: pattern})
	case "SSUBSCRIBE", "SUNSUBSCRIBE":
		e.subscriptions(args, Resource{Kind: ShardSubs})
	case "PUBSUB|CHANNELS":
		e.readRegistry(args, Resource{Kind: Subscribers, Name: "*", Part: pattern})
	case "PUBSUB|SHARDCHANNELS":
		e.readRegistry(args, Resource{Kind: ShardSubs, Name: "*", Part: pattern})
	case "PUBSUB|NUMPAT":
		e.read(Resource{Kind: Subscribers, Name: "*", Part: pattern})
	case "PUBSUB|NUMSUB":
		for _, ch := range args[2:] {
			e.read(Resource{Kind: Subscribers, Name: ch})
		}
	case "PUBSUB|SHARDNUMSUB":
		for _, ch := range args[2:] {
			e.read(Resource{Kind: ShardSubs, Name: ch})
		}
	}
}

// subscriptions writes the registry; without a channel, all of the connection's.
func (e *Effects) subscriptions(args []string, r Resource) {
	if len(args) < 2 {
		e.write(Resource{Kind: r.Kind, Name: "*", Part: pattern})
		return
	}
	for _, ch := range args[1:] {
		r.Name = ch
		e.write(r)
	}
}

func (e *Effects) readRegistry(args []string, all Resource) {
	if len(args) > 2 {
		all.Name = args[2]
	}
	e.read(all)
}

// announces reports whether a write of key may be told to a subscription: by
// keyspace notifications, __keyspace@0__:key and __keyevent@0__:what.
func announces(key string, sub Resource) bool {
	if !strings.HasPrefix(sub.Name, "__key") {
		return false
	}
	where, what, ok := strings.Cut(sub.Name, ":")
	if !ok || !strings.HasPrefix(where, "__keyspace") {
		return true
	}
	return what == key || sub.Part == pattern && Glob(what, key)
}
