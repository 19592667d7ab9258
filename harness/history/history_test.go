package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// anyEvent draws an event of a kind that the proxy could make.
func anyEvent(seq uint64) *rapid.Generator[harness.Event] {
	return rapid.Custom(func(t *rapid.T) harness.Event {
		words := rapid.SampledFrom([]string{"", "a", "orders", "kv b", "|", "…", "\"q\"", "c3", "naïve", "\xff\x00", "#1"})
		ev := harness.Event{
			Seq: seq, Kind: harness.Kind(rapid.IntRange(1, 8).Draw(t, "kind")),
			Test: rapid.SampledFrom([]string{"", "smoke/a", "smoke/b"}).Draw(t, "test"),
			Conn: rapid.Uint32().Draw(t, "conn"),
			In:   time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "in")),
		}
		if ev.Kind == harness.Warning {
			ev.Raw = []byte(words.Draw(t, "text"))
			if len(ev.Raw) == 0 {
				ev.Raw = nil
			}
		}
		if ev.Kind != harness.Request && ev.Kind != harness.Reply && ev.Kind != harness.Push {
			return ev
		}
		ev.Point = harness.Point{Role: words.Draw(t, "role"), Verb: "SET", Key: words.Draw(t, "key"), N: rapid.IntRange(1, 9).Draw(t, "n")}
		if ev.Kind != harness.Request {
			ev.Point.Dir = harness.ToClient
			ev.ReplyTo = rapid.Uint64Range(0, 99).Draw(t, "re")
		}
		if rapid.Bool().Draw(t, "sent") {
			ev.Out = ev.In + time.Duration(rapid.Int64Range(1, 1<<32).Draw(t, "kept"))
			ev.Ending = harness.Ending(rapid.IntRange(0, 3).Draw(t, "ending"))
		} else {
			ev.Ending = harness.Dropped
		}
		ev.Action = rapid.SampledFrom([]harness.Action{harness.Pass, harness.Delay, harness.Hold}).Draw(t, "action")
		ev.Asked = time.Duration(rapid.Int64Range(0, 1<<32).Draw(t, "asked"))
		ev.Size = rapid.IntRange(0, 1<<20).Draw(t, "size")
		ev.IsError, ev.InMulti, ev.Blocking = rapid.Bool().Draw(t, "error"), rapid.Bool().Draw(t, "multi"), rapid.Bool().Draw(t, "blocking")
		ev.Raw = resp.AppendCommand(nil, rapid.SliceOfN(words, 1, 4).Draw(t, "words")...)
		ev.Args = resp.Words(ev.Raw)
		return ev
	})
}

func anyEvents(t *rapid.T) []harness.Event {
	var out []harness.Event
	for i := range rapid.IntRange(0, 40).Draw(t, "events") {
		if i == 0 || out[i-1].Point.IsZero() || rapid.IntRange(0, 2).Draw(t, "new") == 0 {
			out = append(out, anyEvent(uint64(i+1)).Draw(t, "event"))
			continue
		}
		out = append(out, next(t, out[i-1]))
	}
	return out
}

// next is the event after ev in a pipeline, or one that differs from that a little.
func next(t *rapid.T, ev harness.Event) harness.Event {
	ev.Seq++
	ev.Point.N++
	if ev.ReplyTo > 0 {
		ev.ReplyTo++
	}
	other := anyEvent(ev.Seq).Draw(t, "other")
	switch rapid.IntRange(0, 14).Draw(t, "differs") {
	case 0:
		ev.Raw, ev.Args = other.Raw, other.Args
		if other.Kind != ev.Kind {
			ev.Raw, ev.Args = []byte("+OK\r\n"), nil
			complete(&ev)
		}
	case 1:
		ev.In = other.In
	case 2:
		ev.Out, ev.Ending = other.Out, other.Ending
		if ev.Out == 0 {
			ev.Ending = harness.Dropped
		}
	case 3:
		ev.Conn = other.Conn
	case 4:
		ev.Size = other.Size
	case 5:
		ev.IsError = !ev.IsError
	case 6:
		ev.Test = other.Test
	case 7:
		ev.Point.N--
	case 8:
		ev.ReplyTo = other.ReplyTo
	case 9:
		ev.Point.Key = other.Point.Key
	case 10:
		ev.Action, ev.Asked = other.Action, other.Asked
	}
	return ev
}

func record(r harness.Recorder, events []harness.Event) {
	for i := range events {
		ev := events[i]
		ev.Args = nil // as the proxy leaves them
		r.Record(&ev)
	}
}

func TestFileKeepsEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := anyEvents(rt)
		var file bytes.Buffer
		w, err := NewWriter(&file, 0)
		require.NoError(rt, err)
		record(w, want)
		require.NoError(rt, w.Flush())

		r, err := NewReader(bytes.NewReader(file.Bytes()))
		require.NoError(rt, err)
		got, err := r.All()
		require.NoError(rt, err)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
		if r.Truncated() {
			rt.Fatal("a whole file is said to be truncated")
		}

		tests := map[string]bool{}
		for _, ev := range want {
			tests[ev.Test] = true
		}
		for test := range tests {
			r, err := NewReader(bytes.NewReader(file.Bytes()))
			require.NoError(rt, err)
			r.Only(test)
			got, err := r.All()
			require.NoError(rt, err)
			only := slices.DeleteFunc(slices.Clone(want), func(e harness.Event) bool { return e.Test != test })
			if d := cmp.Diff(only, got); d != "" {
				rt.Fatal(d)
			}
		}
	})
}

func TestTextKeepsEverythingButRaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := Recording{Events: anyEvents(rt)}
		want.Outcome.Test.Name = "smoke/a"
		want.Outcome.Verdict = harness.Failed
		want.Outcome.Failure = &harness.Failure{Kind: harness.AssertionFailure, Message: "a \"b\"\nc"}
		want.Outcome.Blocked = []harness.Point{{Role: "kv", Verb: "GET", Key: "k", N: 1}}
		var text bytes.Buffer
		require.NoError(rt, Format(&text, want))
		got, err := Parse(&text)
		require.NoError(rt, err)
		for i := range want.Events {
			if want.Events[i].Kind != harness.Warning {
				want.Events[i].Raw = nil
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("%s\n%s", text.String(), d)
		}
	})
}

// TestCutAnywhere cuts a file at each byte: what is read is a beginning of what
// was written, and the end is no error.
func TestCutAnywhere(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, 0)
	require.NoError(t, err)
	var want []harness.Event
	for i := range 20 {
		want = append(want, anyEvent(uint64(i+1)).Example(i))
	}
	record(w, want)
	require.NoError(t, w.Flush())
	for n := len(header()); n < file.Len(); n++ {
		r, err := NewReader(bytes.NewReader(file.Bytes()[:n]))
		require.NoError(t, err)
		got, err := r.All()
		require.NoError(t, err, "cut after %d bytes", n)
		require.Less(t, len(got), len(want))
		if len(got) > 0 && !reflect.DeepEqual(want[:len(got)], got) {
			t.Fatalf("cut after %d bytes: %s", n, cmp.Diff(want[:len(got)], got))
		}
	}
}

func TestHeaderIsChecked(t *testing.T) {
	_, err := NewReader(bytes.NewReader([]byte("PK\x03\x04 not ours")))
	assert.EqualError(t, err, "read history: this is no recording of flakehunt")
	_, err = NewReader(bytes.NewReader(nil))
	assert.EqualError(t, err, "read history: this is no recording of flakehunt")
	_, err = NewReader(bytes.NewReader(append([]byte(magic), 99)))
	assert.EqualError(t, err, "read history: format version 99, this build reads 1 to 2: use the flakehunt that wrote it")
}

// The frames of a pipeline take no more room than what is new about them.
func TestPipelineIsShort(t *testing.T) {
	size := func(n int) int {
		var file bytes.Buffer
		w, err := NewWriter(&file, 0)
		require.NoError(t, err)
		for i := range n {
			ev := harness.Event{
				Seq: uint64(i + 1), Kind: harness.Request, Test: "a", Conn: 1, In: time.Second, Out: time.Second + time.Microsecond,
				Point: harness.Point{Role: "kv", Verb: "INCR", Key: "k", N: i + 1}, Size: 21, Raw: resp.AppendCommand(nil, "INCR", "k"),
			}
			w.Record(&ev)
		}
		require.NoError(t, w.Flush())
		return file.Len()
	}
	require.Equal(t, size(2)+30*2, size(32))
}

// What version 1 wrote, which had no repeated events, is still read.
func TestOlderVersionIsRead(t *testing.T) {
	want := []harness.Event{set(0, "a"), set(7, "b")}
	var file bytes.Buffer
	w, err := NewWriter(&file, 0)
	require.NoError(t, err)
	record(w, want)
	require.NoError(t, w.Flush())
	old := file.Bytes()
	old[len(magic)] = 1
	r, err := NewReader(bytes.NewReader(old))
	require.NoError(t, err)
	got, err := r.All()
	require.NoError(t, err)
	for i := range want {
		complete(&want[i])
	}
	require.Empty(t, cmp.Diff(want, got))
}

// A record that repeats the one before needs one.
func TestNothingToRepeat(t *testing.T) {
	for _, record := range []byte{recordAgain, recordSame} {
		for _, before := range [][]byte{nil, {1, recordReset}} {
			r, err := NewReader(bytes.NewReader(append(append(header(), before...), 1, record)))
			require.NoError(t, err)
			_, err = r.All()
			require.ErrorIs(t, err, errRecord)
		}
	}
}

func set(i int, test string) harness.Event {
	key := fmt.Sprintf("key:%d", i)
	return harness.Event{
		Seq: uint64(i + 1), Kind: harness.Request, Test: test, Conn: 1, In: time.Duration(i) * time.Microsecond,
		Out: time.Duration(i+1) * time.Microsecond, Point: harness.Point{Role: "kv", Verb: "SET", Key: key, N: 1},
		Size: 40, Raw: resp.AppendCommand(nil, "SET", key, "v"),
	}
}

func TestBufferSpillsAndFindsEachTest(t *testing.T) {
	dir := t.TempDir()
	b := NewBuffer(BufferConfig{Memory: 128 << 10, Dir: dir})
	tests := []string{"", "a", "b"}
	const n = 30000 // over a megabyte, and more keys than fit in the tables at once with their points
	for i := range n {
		ev := set(i, tests[i%3])
		b.Record(&ev)
	}
	assert.Equal(t, n, b.Len())
	require.NotNil(t, b.file, "nothing was spilled")
	for i, test := range tests {
		events, err := b.Events(test)
		require.NoError(t, err)
		require.Len(t, events, n/3)
		assert.Equal(t, uint64(i+1), events[0].Seq)
		assert.Equal(t, []string{"SET", fmt.Sprintf("key:%d", n-3+i), "v"}, events[n/3-1].Args)
	}
	all, err := b.All()
	require.NoError(t, err)
	assert.Len(t, all, n)

	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, files, "the file outlived its buffer")
	_, err = b.Events("a")
	assert.EqualError(t, err, "the recording is closed")
}

// TestBufferMemoryIsBounded records 60 MB of events with ever new keys into a
// buffer that may keep 1 MiB.
func TestBufferMemoryIsBounded(t *testing.T) {
	b := NewBuffer(BufferConfig{Memory: 1 << 20, Dir: t.TempDir()})
	defer b.Close()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 600_000 {
		ev := set(i, "a")
		b.Record(&ev)
	}
	grown := int64(heap()) - int64(before)
	assert.Less(t, grown, int64(24<<20), "the heap grew by %d bytes", grown)
	assert.Equal(t, 600_000, b.Len())
}

func TestPayloadIsCut(t *testing.T) {
	b := NewBuffer(BufferConfig{Payload: 64})
	defer b.Close()
	ev := set(1, "a")
	ev.Raw = resp.AppendCommand(nil, "SET", "k", string(bytes.Repeat([]byte("x"), 10_000)))
	b.Record(&ev)
	ev.Seq, ev.Kind, ev.Raw = 2, harness.Reply, []byte("$10000\r\n"+strings.Repeat("x", 10_000)+"\r\n")
	b.Record(&ev)
	events, err := b.Events("a")
	require.NoError(t, err)
	require.Len(t, events, 2)
	assert.Len(t, events[0].Raw, 64+harness.MaxKeys, "the proxy has shortened it, its keys aside")
	assert.Regexp(t, `^x+…$`, events[0].Args[2])
	assert.Len(t, events[1].Raw, 64)
	assert.Regexp(t, `^x+…$`, events[1].Args[0])
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreKept(t *testing.T) {
	_, err := NewWriter(failing{}, 0)
	assert.EqualError(t, err, "write history: disk full")

	w := &Writer{w: failing{}, enc: newEncoder(0)}
	record(w, []harness.Event{set(1, "a")})
	assert.EqualError(t, w.Flush(), "write history: disk full")

	b := NewBuffer(BufferConfig{Memory: 1, Dir: "/nowhere/at/all"})
	defer b.Close()
	for i := range 5000 {
		ev := set(i, "a")
		b.Record(&ev)
	}
	_, err = b.Events("a")
	assert.ErrorContains(t, err, "spill history to a file")
}

func TestBufferWhileItIsWritten(t *testing.T) {
	b := NewBuffer(BufferConfig{Memory: 64 << 10, Dir: t.TempDir()})
	defer b.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 5000 {
			ev := set(i, "a")
			b.Record(&ev)
		}
	}()
	for seen := 0; seen < 5000; {
		events, err := b.Events("a")
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(events), seen)
		if seen = len(events); seen > 0 {
			require.Equal(t, uint64(seen), events[seen-1].Seq)
		}
	}
	<-done
}

// FuzzReader: no file makes the reader panic, hang, or allocate much more than
// it holds.
func FuzzReader(f *testing.F) {
	var file bytes.Buffer
	w, err := NewWriter(&file, 0)
	require.NoError(f, err)
	record(w, []harness.Event{set(1, "a"), {Seq: 2, Kind: harness.Warning, Raw: []byte("odd")}, set(3, "b")})
	require.NoError(f, w.Flush())
	f.Add(file.Bytes())
	f.Add(header())
	f.Add(append(header(), 0xff, 0xff, 0xff, 0x07, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		n := 0
		for {
			_, err := r.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errRecord) && err.Error() == "" {
					t.Fatal("an error without text")
				}
				return
			}
			if n++; n > len(b) {
				t.Fatal("more events than bytes")
			}
		}
	})
}

// FuzzParse: what is accepted can be written and read again, unchanged.
func FuzzParse(f *testing.F) {
	f.Add("test \"a\"\noutcome fail assertion \"x\"\n1 0s begin\n2 1.2ms c3 pub>PUBLISH \"orders\" #1 | PUBLISH orders \"{}\" | out=1.3ms\n3 1.5ms c3 pub<PUBLISH \"orders\" #1 | 0 | re=2 error\n")
	f.Add("4 1ms c1 kv<SET \"k\" #1 | | dropped ending=timed-out push")
	f.Add("5 1ms warning | \"a b\"")
	f.Fuzz(func(t *testing.T, s string) {
		first, err := Parse(bytes.NewReader([]byte(s)))
		if err != nil {
			return
		}
		var text bytes.Buffer
		if err := Format(&text, first); err != nil {
			t.Fatal(err)
		}
		second, err := Parse(bytes.NewReader(text.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text.String())
		}
		if len(first.Events) != len(second.Events) {
			t.Fatalf("%d events became %d", len(first.Events), len(second.Events))
		}
	})
}

func TestParseSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"\nx 1ms begin":     `read history as text: line 2: sequence number "x": want a whole number`,
		"1 fast begin":      `read history as text: line 1: time "fast": want a duration such as 1.5ms`,
		"1 1ms begin | | a": `read history as text: line 1: attribute "a": want out, dropped, action, asked, ending, re, size, error, multi, blocking or push`,
		"outcome perhaps":   `read history as text: line 1: outcome "perhaps": want pass, fail, skip or infra`,
		"test a":            `read history as text: line 1: test a: want a name in quotes`,
	} {
		_, err := Parse(bytes.NewReader([]byte(text)))
		assert.EqualError(t, err, want)
	}
}

func BenchmarkRecord(b *testing.B) {
	buf := NewBuffer(BufferConfig{Dir: b.TempDir()})
	defer buf.Close()
	ev := set(7, "suite/category/test")
	ev.Raw = resp.AppendCommand(nil, "SET", "key:7", string(bytes.Repeat([]byte("x"), 200)))
	b.ReportAllocs()
	for b.Loop() {
		ev.Seq++
		ev.In += 1000
		ev.Out += 1000
		buf.Record(&ev)
	}
}
