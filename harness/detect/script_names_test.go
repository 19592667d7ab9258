package detect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// TestScriptsAreNamed: EVALSHA bears the name of the text that a SCRIPT LOAD or an
// EVAL after NOSCRIPT brought; one without a text its SHA-1, cut.
func TestScriptsAreNamed(t *testing.T) {
	body := "-- Take a job. More words\nreturn redis.call('lpop', KEYS[1])"
	var seq uint64
	call := func(conn uint32, reply string, failed bool, words ...string) []harness.Event {
		seq += 2
		return []harness.Event{
			{Kind: harness.Request, Seq: seq, Conn: conn, Point: harness.Point{Verb: effects.Name(words)}, Args: words, In: 1, Out: 2},
			{Kind: harness.Reply, Seq: seq + 1, ReplyTo: seq, Conn: conn, Args: []string{reply}, IsError: failed, In: 3, Out: 4},
		}
	}
	sha := "00112233445566778899aabbccddeeff00112233"
	var events []harness.Event
	events = append(events, call(1, "NOSCRIPT", true, "EVALSHA", sha, "1", "q")...)
	events = append(events, call(1, "job", false, "EVAL", body[:40]+"…", "1", "q")...)
	events = append(events, call(2, "job", false, "EVALSHA", sha, "1", "q")...)
	events = append(events, call(2, "job", false, "EVALSHA", "ff"+sha[2:], "1", "q")...)
	events = append(events, call(2, "OK", false, "SET", "k", "v")...)
	trace := NewTrace(events, harness.Outcome{})
	var names []string
	for _, c := range trace.Commands {
		names = append(names, trace.nameOf(c))
	}
	require.Equal(t, []string{`script "Take a job"`, `script "Take a job"`, `script "Take a job"`, "script ff112233", "SET"}, names)
	require.Equal(t, "the SET", the("SET"))
	require.Equal(t, "script ff112233", the("script ff112233"))
}
