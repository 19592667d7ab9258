package harness_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

func TestPointIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := harness.Point{
			Role: rapid.StringN(1, 8, 40).Draw(t, "role"),
			Dir:  rapid.SampledFrom([]harness.Direction{harness.ToServer, harness.ToClient}).Draw(t, "dir"),
			Verb: rapid.StringN(1, 8, 40).Draw(t, "verb"),
			Key:  rapid.String().Draw(t, "key"),
			N:    rapid.IntRange(0, 1<<30).Draw(t, "n"),
		}
		back, err := harness.ParsePoint(p.String())
		require.NoError(t, err)
		require.Equal(t, p, back)
	})
}

func TestPointForms(t *testing.T) {
	for text, want := range map[string]harness.Point{
		`sub>PSUBSCRIBE "*" #1`:  {Role: "sub", Verb: "PSUBSCRIBE", Key: "*", N: 1},
		`kv<GET "user:{n}"`:      {Role: "kv", Dir: harness.ToClient, Verb: "GET", Key: "user:{n}"},
		`"a b">PING "" #3`:       {Role: "a b", Verb: "PING", N: 3},
		`hs>CLIENT "SETNAME" #2`: {Role: "hs", Verb: "CLIENT", Key: "SETNAME", N: 2},
	} {
		got, err := harness.ParsePoint(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "sub", "sub>", "sub>GET", `sub>GET k`, `sub>GET "k" 1`, `sub>GET "k" #0`, `sub>GET "k" #x`, `"sub>GET "k"`} {
		_, err := harness.ParsePoint(text)
		require.ErrorContains(t, err, "want ROLE", "%q", text)
	}
}

func FuzzParsePoint(f *testing.F) {
	f.Add(`sub>PSUBSCRIBE "*" #1`)
	f.Add(`"a\x00b"<message "k\xff"`)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := harness.ParsePoint(s)
		if err != nil {
			return
		}
		again, err := harness.ParsePoint(p.String())
		if err != nil || again != p {
			t.Fatalf("%q was read as %+v, which reads back as %+v (%v)", s, p, again, err)
		}
	})
}

func TestPointReplyAndAny(t *testing.T) {
	p := harness.Point{Role: "pub", Verb: "PUBLISH", Key: "c", N: 2}
	require.Equal(t, harness.Point{Role: "pub", Dir: harness.ToClient, Verb: "PUBLISH", Key: "c", N: 2}, p.Reply())
	require.Zero(t, p.Any().N)
	require.True(t, harness.Point{}.IsZero())
}

func TestScheduleIsReadBack(t *testing.T) {
	s := harness.Schedule{
		Version: harness.ScheduleVersion, Strategy: "replay", Seed: 1<<63 + 1,
		Decisions: []harness.Decision{
			{At: harness.Point{Role: "sub", Verb: "SUBSCRIBE", Key: "c", N: 1}, Action: harness.Hold,
				Until: harness.Point{Role: "pub", Dir: harness.ToClient, Verb: "PUBLISH", Key: "c", N: 1}},
			{Test: "t", At: harness.Point{Role: "kv", Verb: "SET", Key: "k"}, Action: harness.Delay, Delay: harness.Duration(1500 * time.Microsecond)},
		},
	}
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.Contains(t, string(b), `"delay":"1.5ms"`)
	require.Contains(t, string(b), `"seed":"9223372036854775809"`, "a number this large would be rounded by most readers")
	require.NotContains(t, string(b), `"until":""`)
	var back harness.Schedule
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, s, back)
}

func TestDecisionInWords(t *testing.T) {
	at := harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
	for want, d := range map[string]harness.Decision{
		`pass kv>SET "k" #1`:                                  {At: at},
		`delay kv>SET "k" #1 by 5ms`:                          {At: at, Action: harness.Delay, Delay: harness.Duration(5 * time.Millisecond)},
		`hold kv>SET "k" #1 until kv<SET "k" #1`:              {At: at, Action: harness.Hold, Until: at.Reply()},
		`reset connection at kv>SET "k" #1`:                   {At: at, Action: harness.Disconnect, Reset: true},
		`close connection at kv>SET "k" #1`:                   {At: at, Action: harness.Disconnect},
		`fragment kv>SET "k" #1 into 1-byte writes 1ms apart`: {At: at, Action: harness.Fragment, Delay: harness.Duration(time.Millisecond)},
	} {
		require.Equal(t, want, d.String())
		require.Equal(t, d.Action != harness.Disconnect && d.Action != harness.Fragment, d.OnlyDelays(), want)
	}
}

func TestDurationRefusesNumbers(t *testing.T) {
	var d harness.Duration
	require.ErrorContains(t, json.Unmarshal([]byte("5"), &d), `such as "1.5ms"`)
	require.ErrorContains(t, json.Unmarshal([]byte(`"soon"`), &d), "soon")
}
