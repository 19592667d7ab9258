package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// mirror is a server that sends back whatever it gets, and half-closes when
// its client does.
func mirror(t *testing.T, network, addr string) net.Listener {
	ln, err := net.Listen(network, addr)
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_, _ = io.Copy(conn, conn) // ends when the client does
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return ln
}

// 64 MiB in one value, in both directions at once, checksummed, through a
// client that reads only after it has written a good part.
func TestBigValueStreams(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		rec := &tape{}
		p.StartTrial(nil, rec)
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		value := make([]byte, 64<<20)
		rnd := rand.NewChaCha8([32]byte{1})
		_, _ = rnd.Read(value) // cannot fail
		data := resp.AppendCommand(nil, []byte("SET"), []byte("k"), value)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := conn.Write(data)
			assert.NoError(t, err)
			assert.NoError(t, conn.(*net.TCPConn).CloseWrite())
		})
		sum := crc32.NewIEEE()
		n, err := io.Copy(sum, conn)
		require.NoError(t, err)
		wg.Wait()
		assert.Equal(t, int64(len(data)), n)
		assert.Equal(t, crc32.ChecksumIEEE(data), sum.Sum32())
		require.Eventually(t, func() bool { return len(rec.ids()) == 2 }, 5*time.Second, time.Millisecond)
		assert.Equal(t, `kv>SET "k" #1`, rec.ids()[0])
		assert.Equal(t, len(data), rec.all()[1].Size)
		assert.InDelta(t, DefaultPayloadLimit, len(rec.all()[1].Raw), 8)
	})
}

// A receiver that does not read stops the sender, as it would without us: what
// waits in the proxy stays bounded.
func TestSlowReaderStopsTheSender(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		p.StartTrial(rules{`kv>SET "k" #1`: {Action: harness.Hold, Until: must(harness.ParsePoint(`kv>GET "never" #1`)), Timeout: harness.Duration(time.Hour)}}, nil)
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write(resp.AppendCommand(nil, "SET", "k", "v"))
		require.NoError(t, err)
		junk := resp.AppendCommand(nil, "SET", "other", strings.Repeat("x", 1<<16))
		sent := 0
		for {
			require.NoError(t, conn.SetWriteDeadline(time.Now().Add(300*time.Millisecond)))
			n, err := conn.Write(junk)
			sent += n
			if errors.Is(err, syscall.ETIMEDOUT) || err != nil {
				break
			}
			require.Less(t, sent, 256<<20, "the proxy takes everything")
		}
		p.core.mu.Lock()
		for s := range p.core.sessions {
			assert.LessOrEqual(t, s.up.waiting(), maxWaiting+chunkBound)
		}
		p.core.mu.Unlock()
		p.End()
		got := 0
		buf := make([]byte, 1<<20)
		for got < sent {
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			n, err := conn.Read(buf)
			require.NoError(t, err)
			got += n
		}
	})
}

// chunkBound is more than any engine reads at a time.
const chunkBound = 1 << 20

func TestResetAndCloseReachTheClient(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, miniredis.RunT(t).Addr())
		p.StartTrial(rules{
			`kv>SET "reset"`: {Action: harness.Disconnect, Reset: true},
			`kv>SET "close"`: {Action: harness.Disconnect},
		}, nil)
		for _, key := range []string{"reset", "close"} {
			conn, err := net.Dial("tcp", p.Addr())
			require.NoError(t, err)
			_, err = conn.Write(resp.AppendCommand(nil, "SET", key, "v"))
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
			_, err = conn.Read(make([]byte, 10))
			if key == "reset" {
				assert.ErrorIs(t, err, syscall.ECONNRESET)
			} else {
				assert.ErrorIs(t, err, io.EOF)
			}
			conn.Close()
		}
	})
}

func TestServerThatIsGone(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		m := miniredis.RunT(t)
		p := started(t, cfg, m.Addr())
		p.Begin("x")
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write(resp.AppendCommand(nil, "PING"))
		require.NoError(t, err)
		buf := make([]byte, 7)
		_, err = io.ReadFull(conn, buf)
		require.NoError(t, err)
		m.Close()
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, err = conn.Read(buf)
		require.Error(t, err)
		assert.NotErrorIs(t, err, context.DeadlineExceeded)
		again, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer again.Close()
		require.NoError(t, again.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, err = again.Read(buf)
		require.Error(t, err)
		require.Contains(t, strings.Join(p.End().Warnings, "\n"), "connect to Redis")
	})
}

func TestUnixSockets(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		dir := t.TempDir()
		server := mirror(t, "unix", filepath.Join(dir, "s"))
		cfg.Listen = "unix:" + filepath.Join(dir, "c")
		cfg.Dial = func(context.Context) (net.Conn, error) { return net.Dial("unix", server.Addr().String()) }
		p := started(t, cfg, "")
		conn, err := net.Dial("unix", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write([]byte("PING\r\n"))
		require.NoError(t, err)
		b := make([]byte, 6)
		_, err = io.ReadFull(conn, b)
		require.NoError(t, err)
		assert.Equal(t, "PING\r\n", string(b))
	})
}

// TLS on both sides: the certificate that the proxy made, and one of the server's.
func TestTLSOnBothSides(t *testing.T) {
	cert, pem, err := selfSigned(time.Now())
	require.NoError(t, err)
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.StartTLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	t.Cleanup(m.Close)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	rec := &tape{}
	p := started(t, Config{SelfSigned: true, Dial: func(ctx context.Context) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{RootCAs: roots}}
		return d.DialContext(ctx, "tcp", m.Addr())
	}}, "")
	p.StartTrial(nil, rec)
	trusted := x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(p.CertificatePEM()))
	c := redis.NewClient(&redis.Options{Addr: p.Addr(), TLSConfig: &tls.Config{RootCAs: trusted}})
	require.NoError(t, c.Set(t.Context(), "k", "v", 0).Err())
	require.Equal(t, "v", c.Get(t.Context(), "k").Val())
	require.NoError(t, c.Close())
	p.End() // all that was seen is recorded
	assert.Contains(t, rec.ids(), `kv<GET "k" #1`)
}

// A password in the URL or in a command is in no event, warning or log line.
func TestNoCredentialLeaks(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		const secret = "pa55word"
		m := miniredis.RunT(t)
		m.RequireUserAuth("user", secret)
		var logged bytes.Buffer
		cfg.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		p := started(t, cfg, m.Addr())
		for _, protocol := range []int{2, 3} {
			rec := &tape{}
			p.StartTrial(nil, rec)
			c := redis.NewClient(&redis.Options{Addr: p.Addr(), Username: "user", Password: secret, Protocol: protocol})
			require.NoError(t, c.Set(t.Context(), "k", "v", 0).Err())
			require.NoError(t, c.Close())
			st := p.End()
			for _, e := range rec.all() {
				assert.NotContains(t, string(e.Raw), secret)
			}
			assert.Contains(t, strings.Join(rec.ids(), "\n"), `hs>`)
			assert.NotContains(t, strings.Join(st.Warnings, "\n")+logged.String(), secret)
		}
	})
}

// Connections come and go while tests begin and end; run with -race.
func TestManyClientsComeAndGo(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		m := miniredis.RunT(t)
		p := started(t, cfg, m.Addr())
		rec := &tape{}
		p.StartTrial(seeded{seed: 3}, rec)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 5 {
					c := redis.NewClient(&redis.Options{Addr: p.Addr(), PoolSize: 2})
					sub := c.Subscribe(t.Context(), "ch")
					_, err := sub.Receive(t.Context())
					assert.NoError(t, err)
					assert.NoError(t, c.Set(t.Context(), "k", "v", 0).Err())
					assert.NoError(t, c.Publish(t.Context(), "ch", "m").Err())
					_, err = sub.ReceiveMessage(t.Context())
					assert.NoError(t, err)
					sub.Close()
					c.Close()
				}
			})
		}
		for range 10 {
			p.Begin("x")
			time.Sleep(5 * time.Millisecond) // tests of some length; nothing is waited for
			p.End()
		}
		wg.Wait()
		require.Eventually(t, func() bool {
			p.core.mu.Lock()
			defer p.core.mu.Unlock()
			return len(p.core.sessions) == 0
		}, 10*time.Second, time.Millisecond)
		for i, e := range rec.all() {
			require.Equal(t, uint64(i+1), e.Seq)
		}
	})
}
