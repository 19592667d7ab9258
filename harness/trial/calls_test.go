package trial

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/source"
)

// A request is joined to the code in whose bytes it begins, on its own connection.
func TestCallsAreJoinedByBytes(t *testing.T) {
	b := &counted{Buffer: history.NewBuffer(history.BufferConfig{})}
	defer b.Close()
	var events []harness.Event
	request := func(port int, at int64) {
		e := frame(0, "k")
		e.Seq, e.Sent = uint64(len(events)+1), harness.Sent{Port: port, At: at}
		b.Record(&e)
		events = append(events, e)
	}
	for _, at := range []int64{0, 30, 60, 90, 120} {
		request(5001, at)
	}
	request(5002, 30)
	request(0, 30) // in memory
	caller := func(port int, at, size int64, line int) harness.Caller {
		return harness.Caller{Sent: harness.Sent{Port: port, At: at}, Size: size, Call: harness.Call{File: "a.py", Line: line}}
	}
	var c source.Callers
	c.Add([]harness.Caller{caller(5001, 60, 60, 2), caller(5001, 30, 30, 1)})
	c.Add([]harness.Caller{caller(5002, 0, 100, 3), caller(5002, 20, 100, 4)}) // two connections had the port
	c.Join(events, b.where)
	var lines []int
	for _, e := range events {
		lines = append(lines, e.Call.Line)
	}
	require.Equal(t, []int{0, 1, 2, 2, 0, 0, 0}, lines)
	list := history.Lines(events, nil)
	require.Nil(t, list[0].Call)
	require.Equal(t, &harness.Call{File: "a.py", Line: 1}, list[1].Call)
}
