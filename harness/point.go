package harness

import (
	"fmt"
	"strconv"
	"strings"
)

// Direction says which way a frame travels.
type Direction uint8

const (
	ToServer Direction = iota // from the client to Redis: a request
	ToClient                  // from Redis to the client: a reply or a push
)

// String gives the arrow that is used in point IDs: ">" to the server, "<" to the client.
func (d Direction) String() string {
	if d == ToClient {
		return "<"
	}
	return ">"
}

// Point names one frame on the wire so that the name survives from trial to
// trial: it holds no port, address, clock or arrival index.
//
// A request and its reply share Role, Verb and Key and differ in Dir. A pushed
// message has Verb "message", "pmessage", "smessage" or "invalidate" (lower
// case, as Redis sends it) and Dir ToClient; the confirmation of a SUBSCRIBE is
// the reply of that SUBSCRIBE.
type Point struct {
	Role string    // what the connection does: its CLIENT SETNAME, else "sub", "pub", "kv", "hs" …
	Dir  Direction //
	Verb string    // command name in upper case, or the push's kind in lower case
	Key  string    // first key, channel or pattern, volatile parts replaced by {uuid}, {n}, {ts}; may be empty
	N    int       // n-th frame of this Role, Dir, Verb and Key within the test, from 1; 0 means every one
}

// IsZero reports whether p names nothing.
func (p Point) IsZero() bool { return p == Point{} }

// Words names p for a person: a request by its command, an answer and a message
// by what they are. It is no ID.
func (p Point) Words() string {
	what := strings.TrimSpace(p.Verb + " " + p.Key)
	switch {
	case p.Dir == ToServer || p.Verb == "":
		return what
	case p.Verb == "invalidate":
		return "the invalidation of " + p.Key
	case p.Verb == strings.ToLower(p.Verb):
		return "the message on " + p.Key
	}
	return "the answer to " + what
}

// Any returns p without its ordinal: the name of all frames that differ in N alone.
func (p Point) Any() Point { p.N = 0; return p }

// Reply returns the point of the reply to request p.
func (p Point) Reply() Point { p.Dir = ToClient; return p }

// String returns the ID of p: role, direction, verb, key, ordinal, as in
// `sub>PSUBSCRIBE "*" #1`. ParsePoint reads it back.
func (p Point) String() string {
	return string(p.Append(nil))
}

// Append appends the ID of p to b; it allocates nothing when b has room.
func (p Point) Append(b []byte) []byte {
	b = appendWord(b, p.Role)
	b = append(b, p.Dir.String()...)
	b = appendWord(b, p.Verb)
	b = append(b, ' ')
	b = strconv.AppendQuote(b, p.Key)
	if p.N > 0 {
		b = append(b, " #"...)
		b = strconv.AppendInt(b, int64(p.N), 10)
	}
	return b
}

// appendWord writes w bare when that can be read back, quoted otherwise: a
// CLIENT SETNAME or a broken client's verb may hold any byte.
func appendWord(b []byte, w string) []byte {
	for i := 0; i < len(w); i++ {
		if c := w[i]; c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"' {
			return strconv.AppendQuote(b, w)
		}
	}
	return append(b, w...)
}

// cutWord takes one word, bare or quoted, off the front of s.
func cutWord(s string) (word, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		q, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", s, err
		}
		w, err := strconv.Unquote(q)
		return w, s[len(q):], err
	}
	if i := strings.IndexAny(s, " <>"); i >= 0 {
		return s[:i], s[i:], nil
	}
	return s, "", nil
}

// ParsePoint reads what Point.String wrote.
func ParsePoint(s string) (Point, error) {
	bad := func() (Point, error) {
		return Point{}, fmt.Errorf("point %q: want ROLE>VERB \"KEY\" #N, as in sub>PSUBSCRIBE \"*\" #1", s)
	}
	var p Point
	var err error
	rest := s
	if p.Role, rest, err = cutWord(rest); err != nil || rest == "" {
		return bad()
	}
	switch rest[0] {
	case '>':
	case '<':
		p.Dir = ToClient
	default:
		return bad()
	}
	if p.Verb, rest, err = cutWord(rest[1:]); err != nil || !strings.HasPrefix(rest, ` "`) {
		return bad()
	}
	if p.Key, rest, err = cutWord(rest[1:]); err != nil {
		return bad()
	}
	if rest == "" {
		return p, nil
	}
	n, ok := strings.CutPrefix(rest, " #")
	if !ok {
		return bad()
	}
	if p.N, err = strconv.Atoi(n); err != nil || p.N < 1 {
		return bad()
	}
	return p, nil
}

// MarshalText writes the point as its ID.
func (p Point) MarshalText() ([]byte, error) {
	if p.IsZero() {
		return []byte{}, nil
	}
	return p.Append(nil), nil
}

// UnmarshalText reads an ID; empty text is the zero point.
func (p *Point) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*p = Point{}
		return nil
	}
	q, err := ParsePoint(string(b))
	if err != nil {
		return err
	}
	*p = q
	return nil
}
