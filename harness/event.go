package harness

import "time"

// Kind says what an Event is.
type Kind uint8

const (
	Unspecified Kind = iota
	Request          // a command, on its way to Redis
	Reply            // the answer to a command
	Push             // sent by Redis unasked: a message, an invalidation, a MONITOR line
	Open             // a connection was accepted
	Close            // a connection ended, by either side or by a decision
	Begin            // a test began
	End              // a test ended
	Warning          // the proxy met something it did not understand; Raw is the text
)

// String gives the kind in lower case.
func (k Kind) String() string {
	names := [...]string{"unspecified", "request", "reply", "push", "open", "close", "begin", "end", "warning"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Ending says how a hold ended, or whether the frame was forwarded at all.
type Ending uint8

const (
	Forwarded Ending = iota // sent on
	Fulfilled               // a hold whose Until passed in time
	Stalled                 // a hold that was released since nothing moved because of it: ordered by the program
	TimedOut                // a hold that was released at its timeout
	Dropped                 // never sent: the connection ended first, or was ended by a decision
)

// String gives the ending in lower case.
func (e Ending) String() string {
	names := [...]string{"forwarded", "fulfilled", "stalled", "timed out", "dropped"}
	if int(e) < len(names) {
		return names[e]
	}
	return "unknown"
}

// MaxKeys is how many bytes of a request's Raw its keys may take beside the
// payload limit, with what frames them.
const MaxKeys = 4 << 10

// Event is one entry of a history: a frame that passed the proxy, or a mark.
// Times are monotonic and counted from the start of the trial.
type Event struct {
	Seq      uint64        // order of arrival at the proxy, from 1 within a history
	Kind     Kind          //
	Conn     uint32        // which connection, in order of accepting; for display, not an identity
	Test     string        // the test that was running; empty outside tests
	Point    Point         // zero for Open, Close, Begin, End, Warning
	In       time.Duration // arrival of the frame's last byte at the proxy
	Out      time.Duration // when the frame was handed to the kernel for its destination; 0 if Dropped
	Action   Action        // what was decided
	Asked    time.Duration // Delay: how long was asked for
	Ending   Ending        //
	ReplyTo  uint64        // Reply: Seq of its request; 0 if unknown
	Size     int           // bytes of the whole frame
	IsError  bool          // Reply: Redis answered with an error
	InMulti  bool          // Request: queued by MULTI
	Blocking bool          // Request: may wait in Redis (BLPOP, XREAD BLOCK, WAIT …)
	Sent     Sent          // Request: where its client sent it; a Recorder alone sees it, a history does not keep it
	Call     Call          // Request: the line of code that sent it, where the client's stack was told; not kept either

	// Raw is the start of the frame as it was on the wire, credentials replaced,
	// cut at the recorder's payload limit; in a request that is longer, keys and
	// channels stay whole, up to MaxKeys bytes of them, and other long words are
	// shortened, and end in "…", so that those after them are there. A Recorder
	// may keep it only for the time of the call.
	Raw []byte
	// Args are the words of Raw: a request's verb and arguments, a push's
	// elements, a reply's value(s). The proxy leaves it nil; history fills it
	// when it reads. A value that was cut ends in "…"; a nil bulk is "(nil)".
	Args []string
}

// Sent says where a request began in the bytes of its connection. It names the
// request as its client can, too. Port 0: the connection is not TCP.
type Sent struct {
	Port int   // the client's own
	At   int64 // bytes that the client had sent before it
}

// Call is a place in source code. The zero Call is none.
type Call struct {
	File string `json:"file"` // relative to the root of the repository, where it is inside
	Line int    `json:"line"`
}

// Caller says which line of code sent some bytes of a connection.
type Caller struct {
	Sent
	Size int64
	Call
}

// Snippet is source code around a place.
type Snippet struct {
	Call
	First int      `json:"first"` // number of the first line
	Lines []string `json:"lines"`
}

// Recorder takes events as they happen. Record is called by the proxy in order
// of Seq, from its hot path: it must not block, and must not keep e or e.Raw.
type Recorder interface {
	Record(e *Event)
}

// Who ended a connection, as the Raw of a Close has it; empty: a decision or the
// proxy itself.
const (
	ClosedByClient = "its client"
	ClosedByRedis  = "Redis"
)
