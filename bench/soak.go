package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// soak has many clients echo checksummed payloads through one proxy, in this
// process so that its memory and goroutines can be watched.
type soak struct {
	length  time.Duration
	clients int
}

func (s *soak) run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "flakehunt-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	redis, err := startRedis(ctx, dir)
	if err != nil {
		return err
	}
	defer redis.close()
	before := runtime.NumGoroutine()
	p, err := proxy.Start(ctx, proxy.Config{Dial: dialer(redis.addr)})
	if err != nil {
		return err
	}
	rules, err := explore.NewReplay(loadedRules(0))
	if err != nil {
		return err
	}
	rec := history.NewBuffer(history.BufferConfig{Memory: 1 << 20, Dir: dir})
	defer rec.Close()
	p.StartTrial(rules, rec)
	p.Begin("soak")

	ctx, cancel := context.WithTimeout(ctx, s.length)
	defer cancel()
	var wg sync.WaitGroup
	var echoed, bytes atomic.Int64
	errs := make(chan error, s.clients)
	for i := range s.clients {
		wg.Go(func() {
			if err := chatter(ctx, p.Addr(), uint64(i), &echoed, &bytes); err != nil {
				errs <- fmt.Errorf("client %d: %w", i, err)
				cancel()
			}
		})
	}
	tick := time.NewTicker(max(s.length/10, time.Second))
	defer tick.Stop()
	start := time.Now()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-tick.C:
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		fmt.Fprintf(out, "%6.0fs  %d echoes, %d MB, heap in use %d MB, from the system %d MB, goroutines %d, events %d\n",
			time.Since(start).Seconds(), echoed.Load(), bytes.Load()>>20, m.HeapInuse>>20, m.Sys>>20, runtime.NumGoroutine(), rec.Len())
	}
	wg.Wait()
	st := p.End()
	if err := p.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "frames %d, warnings %d, goroutines left %d\n", st.Frames, len(st.Warnings), runtime.NumGoroutine()-before)
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
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
