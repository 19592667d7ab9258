package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// soak has many clients echo checksummed payloads through one proxy, in this
// process so that its memory and goroutines can be watched. As in a hunt, a
// trial follows another, each with a recording of its own: what one wrote to
// disk is gone when the next has begun.
type soak struct {
	length  time.Duration
	clients int
	trial   time.Duration
}

func (s *soak) run(ctx context.Context, out io.Writer) error {
	testbed, err := newTestbed(ctx)
	if err != nil {
		return err
	}
	defer testbed.close()
	before := goleak.IgnoreCurrent()
	p, err := proxy.Start(ctx, proxy.Config{Dial: dialer(testbed.redis.addr)})
	if err != nil {
		return err
	}
	rules, err := explore.NewReplay(loadedRules(0))
	if err != nil {
		return err
	}
	w := &watch{out: out, start: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, s.length)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, s.clients)
	for i := range s.clients {
		wg.Go(func() {
			if err := chatter(ctx, p.Addr(), uint64(i), &w.echoed, &w.bytes); err != nil {
				errs <- fmt.Errorf("client %d: %w", i, err)
				cancel()
			}
		})
	}
	trouble := s.trials(ctx, testbed.dir, p, rules, w)
	wg.Wait()
	trouble = errors.Join(trouble, p.Close())
	w.line("end", 0)
	fmt.Fprintf(out, "frames %d, events recorded %d, warnings %d, most on disk at a time %d MB\n", w.frames, w.events, w.warnings, w.mostDisk>>20)
	if err := goleak.Find(before); err != nil {
		return fmt.Errorf("goroutines are left: %w", err)
	}
	fmt.Fprintln(out, "no goroutine is left")
	close(errs)
	for err := range errs {
		trouble = errors.Join(trouble, err)
	}
	const slack = 32 << 20
	fmt.Fprintf(out, "resident: %d MB at the first look, %d MB at most\n", w.first>>20, w.most>>20)
	switch {
	case trouble != nil:
	case w.warnings > 0:
		trouble = fmt.Errorf("the proxy warned %d times", w.warnings)
	case w.most > w.first*3/2+slack:
		trouble = fmt.Errorf("memory grew from %d to %d MB", w.first>>20, w.most>>20)
	}
	return trouble
}

// trials records one trial after another until ctx ends, and looks at the
// process ten times in all, or each second.
func (s *soak) trials(ctx context.Context, dir string, p *proxy.Proxy, rules harness.Scheduler, w *watch) error {
	look := time.NewTicker(max(s.length/10, time.Second))
	defer look.Stop()
	for ctx.Err() == nil {
		rec := history.NewBuffer(history.BufferConfig{Memory: 1 << 20, Dir: dir})
		p.StartTrial(rules, rec)
		p.Begin("soak")
		over := time.After(s.trial)
		for done := false; !done; {
			select {
			case <-ctx.Done():
				done = true
			case <-over:
				done = true
			case <-look.C:
				w.line("", rec.Disk())
			}
		}
		st := p.End()
		p.StartTrial(nil, nil)
		w.frames, w.events, w.warnings = w.frames+st.Frames, w.events+rec.Len(), w.warnings+len(st.Warnings)
		w.mostDisk = max(w.mostDisk, rec.Disk())
		if err := errors.Join(rec.Err(), rec.Close()); err != nil {
			return err
		}
	}
	return nil
}

// watch is what can be seen of the process.
type watch struct {
	out            io.Writer
	start          time.Time
	echoed, bytes  atomic.Int64
	frames, events int
	warnings       int
	mostDisk       int64
	first, most    int64 // resident bytes: at the first look, and ever
}

func (w *watch) line(mark string, disk int64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	now := resident()
	if w.first == 0 {
		w.first = now
	}
	w.most = max(w.most, now)
	fmt.Fprintf(w.out, "%6.0fs %-3s  %d echoes, %d MB; heap in use %d MB, resident %d MB; goroutines %d; recording on disk %d MB\n",
		time.Since(w.start).Seconds(), mark, w.echoed.Load(), w.bytes.Load()>>20, m.HeapInuse>>20, now>>20, runtime.NumGoroutine(), disk>>20)
}

// chatter echoes payloads of random length until ctx ends, and compares all
// that comes back by length, number and checksum.
func chatter(ctx context.Context, addr string, id uint64, echoed, bytes *atomic.Int64) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	rnd := rand.New(rand.NewPCG(1, id))
	r := bufio.NewReaderSize(conn, 8<<10)
	var out, payload []byte
	for n := uint64(0); ctx.Err() == nil; {
		batch := 1 + rnd.IntN(8)
		var sums []uint32
		out = out[:0]
		for range batch {
			payload = append(payload[:0], make([]byte, 16+rnd.IntN(2000))...)
			binary.BigEndian.PutUint64(payload, id)
			binary.BigEndian.PutUint64(payload[8:], n)
			for i := 16; i < len(payload); i++ {
				payload[i] = byte(rnd.Uint32())
			}
			n++
			sums = append(sums, crc32.ChecksumIEEE(payload))
			out = resp.AppendCommand(out, []byte("ECHO"), payload)
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
		for i, sum := range sums {
			var size int
			if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
				return fmt.Errorf("echo %d: %w", i, err)
			}
			got := make([]byte, size+2)
			if _, err := io.ReadFull(r, got); err != nil {
				return err
			}
			if crc32.ChecksumIEEE(got[:size]) != sum {
				return fmt.Errorf("echo %d came back changed", i)
			}
			bytes.Add(int64(size))
		}
		echoed.Add(int64(batch))
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rnd.IntN(200)) * time.Millisecond):
		}
	}
	return nil
}
