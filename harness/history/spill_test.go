package history

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/resp"
)

// stuck is a file on a disk that does nothing until it is let.
type stuck struct {
	*os.File
	let  chan struct{}
	fail error
}

func (s *stuck) WriteAt(b []byte, at int64) (int, error) {
	<-s.let
	if s.fail != nil {
		return 0, s.fail
	}
	return s.File.WriteAt(b, at)
}

// stuckBuffer is a buffer that spills from the first full chunk on, to a disk
// that is stuck.
func stuckBuffer(t *testing.T) (*Buffer, *stuck) {
	f, err := os.CreateTemp(t.TempDir(), "spill")
	require.NoError(t, err)
	s := &stuck{File: f, let: make(chan struct{})}
	b := NewBuffer(BufferConfig{Memory: 1})
	b.file = s
	return b, s
}

// A disk that stands still holds up nobody who records, and nothing is lost.
func TestSlowDiskHoldsNobodyUp(t *testing.T) {
	b, disk := stuckBuffer(t)
	const n = 25_000 // some 1.5 MB
	for i := range n {
		ev := set(i, "a")
		b.Record(&ev)
	}
	assert.Zero(t, b.Disk())
	events, err := b.Events("a")
	require.NoError(t, err)
	assert.Len(t, events, n, "while it waits for the disk")
	close(disk.let)
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.chunks) == 0
	}, 20*time.Second, time.Millisecond)
	assert.Greater(t, b.Disk(), int64(1<<20))
	events, err = b.Events("a")
	require.NoError(t, err)
	require.Len(t, events, n, "from the disk")
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
	}
	require.NoError(t, b.Close())
}

// What waits for the disk stays bounded: who records more has to wait.
func TestSlowDiskBoundsMemory(t *testing.T) {
	b, disk := stuckBuffer(t)
	const n = 50_000 // 24 MB, more than may wait
	value := strings.Repeat("v", 450)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			ev := set(i, "a")
			ev.Raw = resp.AppendCommand(nil, "SET", ev.Point.Key, value)
			b.Record(&ev)
		}
	}()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.inMem > b.cfg.Memory+maxUnwritten
	}, 20*time.Second, time.Millisecond)
	b.mu.Lock()
	assert.Less(t, b.inMem, b.cfg.Memory+maxUnwritten+2*chunkSize)
	b.mu.Unlock()
	close(disk.let)
	<-done
	assert.Equal(t, n, b.Len())
	require.NoError(t, b.Close())
}

func TestDiskThatFails(t *testing.T) {
	b, disk := stuckBuffer(t)
	disk.fail = errors.New("no space left")
	for i := range 5000 {
		ev := set(i, "a")
		b.Record(&ev)
	}
	close(disk.let)
	require.Eventually(t, func() bool { return b.Err() != nil }, 20*time.Second, time.Millisecond)
	_, err := b.Events("a")
	assert.ErrorContains(t, err, "spill history to "+disk.Name()+": no space left")
	require.NoError(t, b.Close())
}

// Chunks that are in the file are filled again, but not while a reader has them.
func TestChunksOfAReaderAreLeftAlone(t *testing.T) {
	b, disk := stuckBuffer(t)
	defer b.Close()
	const n = 25_000 // some 1.5 MB
	for i := range n {
		ev := set(i, "a")
		b.Record(&ev)
	}
	reader, err := b.reader() // of chunks in memory
	require.NoError(t, err)
	close(disk.let)
	require.Eventually(t, func() bool { return b.Disk() > 1<<20 }, 20*time.Second, time.Millisecond)
	for i := range n {
		ev := set(i, "b")
		b.Record(&ev)
	}
	before, err := reader.All()
	require.NoError(t, err)
	require.Len(t, before, n)
	for i, ev := range before {
		if ev.Test != "a" {
			t.Fatalf("event %d is of the test %q", i+1, ev.Test)
		}
	}
	after, err := b.Events("b")
	require.NoError(t, err)
	require.Len(t, after, n)
}

// Without a reader they are filled again, and nothing is lost.
func TestChunksAreFilledAgain(t *testing.T) {
	b := NewBuffer(BufferConfig{Memory: 1, Dir: t.TempDir()})
	defer b.Close()
	const n = 50_000 // 3 MB
	again := 0
	for i := range n {
		ev := set(i, "a")
		b.Record(&ev)
		if i%1000 == 0 {
			b.mu.Lock()
			again = max(again, len(b.spare))
			b.mu.Unlock()
		}
	}
	require.Positive(t, again)
	events, err := b.Events("a")
	require.NoError(t, err)
	require.Len(t, events, n)
	for i := range events {
		want := set(i, "a")
		if want.Seq != events[i].Seq || !bytes.Equal(want.Raw, events[i].Raw) {
			t.Fatalf("event %d is %d %q", want.Seq, events[i].Seq, events[i].Raw)
		}
	}
}
