package nearmiss

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

func TestLatent(t *testing.T) {
	var s script
	s.do(1, "OK", "SET", "k", "v")
	s.do(1, "1", "EXPIRE", "k", "60")
	s.do(1, "OK", "SET", "l", "v", "EX", "60")
	req := s.frame(harness.Request, 2, harness.Point{Role: "sub", Verb: "SUBSCRIBE", Key: "news"}, 0, "SUBSCRIBE", "news").Seq
	s.frame(harness.Reply, 2, harness.Point{Role: "sub", Dir: harness.ToClient, Verb: "SUBSCRIBE", Key: "news"}, req, "subscribe", "news", "1")
	for _, body := range []string{"hello", "again"} {
		s.do(1, "1", "PUBLISH", "news", body)
		s.message(2, "news", body)
	}
	list := Latent([]*detect.Trace{s.trace(), s.trace()})
	require.Len(t, list, 2)
	assert.Equal(t, harness.TTLMissing, list[0].Class)
	assert.Equal(t, `close connection at c1>EXPIRE "k" #1`, list[0].Provoke.Decisions[0].String())
	assert.Equal(t, harness.ConnectionLost, list[1].Class)
	assert.Equal(t, `close connection at sub2<message "news" #1`, list[1].Provoke.Decisions[0].String(), "one for a subscription, not for each message")
	for _, c := range list {
		assert.Equal(t, "t", c.Test)
		assert.True(t, strings.HasSuffix(c.Explanation, "."), "a sentence: %s", c.Explanation)
	}
	for _, c := range Candidates([]*detect.Trace{s.trace()}, Known{}) {
		for _, d := range c.Provoke.Decisions {
			assert.True(t, d.OnlyDelays(), "a candidate does more than delay: %v", d)
		}
	}
}

// TestExpireThatOnlyRenews: without it the key would have gone all the same, or
// it cannot be parted from its write.
func TestExpireThatOnlyRenews(t *testing.T) {
	var s script
	s.do(1, "OK", "SET", "session", "v", "EX", "60")
	s.do(1, "2", "INCR", "session")
	s.do(1, "1", "EXPIRE", "session", "60")
	s.do(1, "OK", "SET", "gone", "v")
	s.do(1, "1", "DEL", "gone")
	s.do(1, "0", "EXPIRE", "gone", "60")
	assert.Empty(t, Latent([]*detect.Trace{s.trace()}))

	var m script
	m.do(1, "OK", "MULTI", "")
	for _, words := range [][]string{{"SET", "k", "v"}, {"EXPIRE", "k", "60"}} {
		req := m.frame(harness.Request, 1, harness.Point{Role: "c1", Verb: words[0], Key: "k"}, 0, words...)
		req.InMulti = true
		seq := req.Seq
		m.frame(harness.Reply, 1, harness.Point{Role: "c1", Dir: harness.ToClient, Verb: words[0], Key: "k"}, seq, "QUEUED")
	}
	m.do(1, "OK 1", "EXEC", "")
	assert.Empty(t, Latent([]*detect.Trace{m.trace()}))
}

func TestLeaksBetweenTests(t *testing.T) {
	run := func(test string, f func(*script)) *detect.Trace {
		var s script
		f(&s)
		return detect.NewTrace(s.events, harness.Outcome{Test: harness.TestID{Name: test}, Verdict: harness.Passed})
	}
	writer := run("writer", func(s *script) { s.do(1, "OK", "SET", "last", "7"); s.do(1, "OK", "SET", "own", "7") })
	cleaner := run("cleaner", func(s *script) { s.do(1, "1", "DEL", "last"); s.do(1, "(nil)", "GET", "last") })
	reader := run("reader", func(s *script) { s.do(1, "7", "GET", "last") })
	list := Leaks([]*detect.Trace{writer, reader})
	require.Len(t, list, 1)
	assert.Equal(t, "reader reads last, which writer left with SET", list[0].Title)
	assert.Empty(t, Leaks([]*detect.Trace{reader, writer}))
	assert.Empty(t, Leaks([]*detect.Trace{writer, cleaner}))
	other := run("reader", func(s *script) { s.do(1, "8", "GET", "last") })
	assert.Empty(t, Leaks([]*detect.Trace{writer, other}), "something else wrote it between the tests")
	fresh := run("reader", func(s *script) { s.do(1, "OK", "FLUSHALL", ""); s.do(1, "7", "GET", "last") })
	assert.Empty(t, Leaks([]*detect.Trace{writer, fresh}))
}
