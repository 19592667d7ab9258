package proxy

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// A request says where it began in its client's bytes, whichever way they came in.
func TestRequestsSayWhereTheyBegan(t *testing.T) {
	c := newCore(Config{})
	r := &tape{}
	c.startTrial(nil, r)
	s := c.newSession(noDriver{})
	s.port = 5001
	one, two := resp.AppendCommand(nil, "GET", "a"), resp.AppendCommand(nil, "SET", "b", "v")
	data := append(append(append([]byte{}, one...), two...), one...)
	s.up.feed(0, data[:len(one)+5])
	s.up.feed(1, data[len(one)+5:])
	s.up.advance(2, len(data))
	var at []harness.Sent
	for _, e := range r.events {
		if e.Kind == harness.Request {
			at = append(at, e.Sent)
		}
	}
	require.Equal(t, []harness.Sent{{Port: 5001, At: 0}, {Port: 5001, At: int64(len(one))}, {Port: 5001, At: int64(len(one) + len(two))}}, at)
}
