package history

import "github.com/flakehunt/flakehunt/harness"

var outcome = harness.Outcome{Test: harness.TestID{Name: "s/t \"q\"", Suite: "s"}, Verdict: "fail", Failure: &harness.Failure{Kind: "assertion", Message: "expected 1\n, got \"\""}, Boundary: "marked", Blocked: []harness.Point{{Role: "kv", Verb: "GET", Key: "k", N: 1}}}

var events = []harness.Event{
	{Seq: 1, Kind: harness.Begin, Test: "s/t \"q\"", In: 0},
	{Seq: 2, Kind: harness.Open, Conn: 2, Test: "s/t \"q\"", In: 1000000},
	{Seq: 3, Kind: harness.Request, Conn: 2, Test: "s/t \"q\"", Point: harness.Point{Role: "kv", Verb: "GET", Key: "k", N: 1}, In: 2000000, Out: 2000000, Size: 20, Blocking: true, Raw: []byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), Args: []string{"GET", "k"}},
	{Seq: 4, Kind: harness.Reply, Conn: 2, Test: "s/t \"q\"", Point: harness.Point{Role: "kv", Dir: harness.ToClient, Verb: "GET", Key: "k", N: 1}, In: 3000000, Out: 63000000, Action: "delay", Asked: 60000000, ReplyTo: 3, Size: 5, Raw: []byte("$-1\r\n"), Args: []string{"(nil)"}},
	{Seq: 5, Kind: harness.Request, Conn: 2, Test: "s/t \"q\"", Point: harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}, In: 4000000, Ending: harness.Dropped, InMulti: true, Raw: []byte("\xff")},
	{Seq: 6, Kind: harness.End, Test: "s/t \"q\"", In: 70000000},
}
