package detect

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Detector finds one class of cause. All that the rest of the house must know of
// a class is in its row of the table.
type Detector struct {
	Class    harness.Class
	Doc      string                                                         // the pattern on the wire, in one line
	Advice   string                                                         // what mends it, one sentence; empty: that is not known
	Delay    bool                                                           // a delay brings it about, and so can prove it; false: what is on the wire is all the proof there is
	AfterEnd bool                                                           // what it finds may come after the failure shows: something that was too late, or a listener that had ended
	Residual bool                                                           // it says only what is left when nothing else fits: any other match goes before it
	Names    func(first, then harness.Point) (harness.Point, harness.Point) // what of the pair is part of the fingerprint; nil: both
	Find     func(t *Trace) []Match
}

// All lists the detectors in the order of the taxonomy.
func All() []Detector {
	return []Detector{
		{Class: harness.RaceSubscribePublish, Find: subscribePublish, Delay: true,
			Doc:    "PUBLISH reached Redis before the (P)SUBSCRIBE that the test relied on was confirmed, and nobody got the message",
			Advice: "Wait for Redis to confirm the subscription before anything is published."},
		{Class: harness.RaceMultiSubscriber, Find: multiSubscriber, Delay: true,
			Doc:    "of several subscriptions that match a channel, one was confirmed only after the message",
			Advice: "Return from a subscribe only when Redis has confirmed the subscription that it relies on."},
		{Class: harness.RaceCheckThenAct, Find: checkThenAct, Delay: true, Names: firstAlone,
			Doc:    "GET, EXISTS or TTL, then SET or DEL of the same key, or WATCH, then EXEC, with another actor's write between them",
			Advice: "Make look and act one command, or run the transaction again when EXEC returns nil."},
		{Class: harness.RaceLostUpdate, Find: lostUpdate, Delay: true, Names: firstAlone,
			Doc:    "read, then write of a value derived from it, over a write that came between",
			Advice: "Let Redis do the arithmetic, or compare and set in one step."},
		{Class: harness.RaceDuplicateSubscribe, Find: duplicateSubscribe, Delay: true, Names: requestAlone,
			Doc:    "the same channel subscribed again on a connection while still subscribed",
			Advice: "Reserve the topic before awaiting the confirmation of its subscription."},
		{Class: harness.TTLExpiredEarly, Find: expiredEarly, Delay: true,
			Doc:    "a read, or a renewal, found nothing, or less time left than expected, although the test still relied on the key",
			Advice: "Give the key more time than a slow machine can take, or renew it well before it expires."},
		{Class: harness.TTLExpiredLate, Find: expiredLate, Delay: true,
			Doc:    "a read found the key although the test relied on its absence",
			Advice: "Count the wait from the reply to the command that gave the time to live, or poll until the key is gone."},
		{Class: harness.TTLMissing, Find: ttlMissing, Delay: true,
			Doc:    "a key meant to expire has no TTL: SET and EXPIRE apart, and only SET took effect, took effect last, or was seen alone",
			Advice: "Give the time to live with the value, in one command."},
		{Class: harness.OrderMessages, Find: orderMessages, Delay: true, Names: deliveryAlone,
			Doc:    "messages, or the handling of messages, in another order than published",
			Advice: "Handle the messages of one topic one after another, or number them and put them in order."},
		{Class: harness.OrderCommands, Find: orderCommands, Delay: true,
			Doc:    "two connections' commands on one key took effect in the other order",
			Advice: "Await the reply to the first command before sending the second."},
		{Class: harness.OrderServerState, Find: serverState, Delay: true,
			Doc:    "an error reply that tells of state beside the keys: a script, group or user that was not there, or was there already",
			Advice: "Create the state before the first command that needs it, and bear that it is there already or has gone."},
		{Class: harness.FormatEnvelope, Find: formatEnvelope,
			Doc:    "one channel carries payloads of more than one shape, or an undecodable or ambiguous one",
			Advice: "Agree on one wire form for a channel."},
		{Class: harness.IsolationHandler, Find: isolationHandler, Residual: true, AfterEnd: true,
			Doc:    "Redis delivered every message in time, and yet a handler did not see it",
			Advice: "Catch errors and panics of each handler by itself."},
		{Class: harness.IsolationTestLeak, Find: isolationTestLeak,
			Doc:    "a test read what another test wrote: a key that was there before its first write, or a message that it did not publish",
			Advice: "Give each test keys and channels of its own, or clean them before it begins."},
		{Class: harness.TimeoutClient, Find: timeoutClient, Delay: true, AfterEnd: true,
			Doc:    "a client-side deadline was hit while a command waited for its answer, or a test's wait ended before its message came",
			Advice: "Poll until it is there, with a limit that a slow machine keeps."},
		{Class: harness.ConnectionLost, Find: connectionLost, Names: messageAlone,
			Doc:    "reset, reconnect, a subscription lost with its connection: ended by the server or on the way, not by its client",
			Advice: "Read the state again after a reconnect, and send again only what may be executed twice."},
		{Class: harness.InfrastructureClass, Find: infrastructure,
			Doc: "Redis or its container died, is loading, out of memory or cannot write: never counted as a flake"},
		{Class: harness.NotRedis, Find: notRedis, Residual: true,
			Doc: "the test sent nothing to Redis; or, by contrast, nothing on the wire tells pass from fail"},
		{Class: harness.Unattributed, Find: errorReply,
			Doc: "an error reply that explains the failure by itself, and that no order or delay brings about"},
	}
}

// Of returns the row of a class; false: no detector finds it.
func Of(class harness.Class) (Detector, bool) {
	all := All()
	i := slices.IndexFunc(all, func(d Detector) bool { return d.Class == class })
	if i < 0 {
		return Detector{}, false
	}
	return all[i], true
}

// Names gives what of the pair names the cause, the same whatever else took part.
func Names(class harness.Class, first, then harness.Point) (harness.Point, harness.Point) {
	if d, known := Of(class); known && d.Names != nil {
		return d.Names(first, then)
	}
	return first, then
}

// firstAlone: of a read and a write that another caller came between it is the
// write, whatever that caller did.
func firstAlone(first, _ harness.Point) (harness.Point, harness.Point) {
	return first, harness.Point{}
}

// requestAlone: of a topic that was subscribed twice it is the subscription,
// whether its request or its confirmation was late.
func requestAlone(first, _ harness.Point) (harness.Point, harness.Point) {
	first.Dir = harness.ToServer
	return first, harness.Point{}
}

// deliveryAlone: of messages whose handling overlapped it is the delivery, by
// name or by pattern, whatever their handlers do.
func deliveryAlone(first, then harness.Point) (harness.Point, harness.Point) {
	if then.Dir == harness.ToClient {
		first, then.Verb = harness.Point{}, "message"
	}
	return first, then
}

// messageAlone: of a message that was lost with its connection it is the
// connection, by whichever of its subscriptions the message came.
func messageAlone(first, then harness.Point) (harness.Point, harness.Point) {
	if first.Dir == harness.ToClient {
		first.Verb, then = "message", harness.Point{}
	}
	return first, then
}
