package redisenv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const secret = "p/w:d@%s3cret"

// guarded starts a Redis that asks for a password, and gives its address and the user's part of a URL.
func guarded(t *testing.T) (addr, user string) {
	t.Helper()
	i := start(t, Spec{Provider: "server"})
	c := connectTo(t, i)
	require.NoError(t, c.Do(t.Context(), "ACL", "SETUSER", "tester", "on", ">"+secret, "~*", "&*", "+@all").Err())
	require.NoError(t, c.Do(t.Context(), "ACL", "SETUSER", "default", "off").Err())
	t.Cleanup(func() {
		// The server belongs to start, whose clean-up needs no login.
		_ = c.Close()
	})
	return i.Addr(), "tester:p%2Fw%3Ad%40%25s3cret"
}

func TestURL(t *testing.T) {
	for range usable(t, "server") {
		ctx := t.Context()
		addr, user := guarded(t)
		url := "redis://" + user + "@" + addr + "/3"

		i := start(t, Spec{Provider: url})
		info := i.Info()
		require.Equal(t, "url", info.Provider)
		require.Equal(t, addr, info.Address)
		require.True(t, info.Real)
		require.Equal(t, "7", info.Version[:1])
		text, err := json.Marshal(info)
		require.NoError(t, err)
		require.NotContains(t, string(text), "s3cret")

		// A connection is logged in, and in the right database, before the first command.
		c, err := i.Dial(ctx)
		require.NoError(t, err)
		replies, err := converse(ctx, c, []string{"SET", "k", "v"}, []string{"ACL", "WHOAMI"}, []string{"CLIENT", "INFO"})
		require.NoError(t, err)
		require.Equal(t, "tester", replies[1])
		require.Contains(t, replies[2], " db=3 ")

		// A client of the direct arm logs in by itself.
		direct := connectTo(t, i)
		require.Equal(t, "v", direct.Get(ctx, "k").Val())

		// A reset empties this database and no other, and cuts our connections and no others.
		outside, err := redis.ParseURL("redis://" + user + "@" + addr + "/4")
		require.NoError(t, err)
		other := redis.NewClient(outside)
		defer other.Close()
		require.NoError(t, other.Set(ctx, "theirs", "1", 0).Err())
		conn := other.Conn()
		defer conn.Close()
		before := conn.ClientID(ctx).Val()
		require.NoError(t, i.Reset(ctx))
		require.Equal(t, before, conn.ClientID(ctx).Val())
		require.Equal(t, "1", other.Get(ctx, "theirs").Val())
		require.EqualValues(t, 0, connectTo(t, i).DBSize(ctx).Val())
		_, err = converse(ctx, c, []string{"PING"})
		require.Error(t, err)
	}
}

func TestURLServesOneAtATime(t *testing.T) {
	url := "redis://" + start(t, Spec{Provider: "embedded"}).Addr()
	p, notes, err := Resolve(t.Context(), Spec{Provider: url})
	require.NoError(t, err)
	require.Empty(t, notes)
	require.Equal(t, 1, MaxInstances(p))
	first, err := p.Start(t.Context())
	require.NoError(t, err)
	_, err = p.Start(t.Context())
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "--parallel 1")
	require.NoError(t, first.Close(t.Context()))
	second, err := p.Start(t.Context())
	require.NoError(t, err)
	require.NoError(t, second.Close(t.Context()))
}

func TestURLRefusesToFlush(t *testing.T) {
	for range usable(t, "server") {
		ctx := t.Context()
		theirs := start(t, Spec{Provider: "server"})
		c := connectTo(t, theirs)
		require.NoError(t, c.Set(ctx, "precious", "1", 0).Err())
		url := "redis://" + theirs.Addr()

		_, err := Start(ctx, Spec{Provider: url})
		require.ErrorIs(t, err, ErrSpec)
		require.ErrorContains(t, err, "holds 1 keys")
		require.ErrorContains(t, err, "--allow-flush")
		require.Equal(t, "1", c.Get(ctx, "precious").Val())

		i, err := Start(ctx, Spec{Provider: url + "/1"})
		require.NoError(t, err, "another database is empty")
		require.NoError(t, i.Close(ctx))

		i = start(t, Spec{Provider: url, AllowFlush: true})
		require.NoError(t, i.Reset(ctx))
		require.EqualValues(t, 0, c.Exists(ctx, "precious").Val())
	}
}

// Every failure is one line that says what and where, and never the password.
func TestBadSpecs(t *testing.T) {
	for range usable(t, "server") {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		nobody := closed.Addr().String()
		require.NoError(t, closed.Close())
		addr, user := guarded(t)
		noRedis, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer noRedis.Close()
		go func() {
			for {
				c, err := noRedis.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
				_ = c.Close()
			}
		}()
		for _, c := range []struct {
			provider string
			is       error
			want     string
		}{
			{"nonsense", ErrSpec, `unknown provider "nonsense": want auto, container, server, embedded, sim, a URL`},
			{"http://s3cret@localhost", ErrSpec, `URL scheme "http"`},
			{"redis://u:s3cret@localhost:99999999", ErrSpec, "localhost:99999999"},
			{"redis://u:s3cret%zz@localhost", ErrSpec, "can't be read"},
			{"redis://u:s3cret@localhost/notanumber", ErrSpec, "localhost"},
			{"redis://u:s3cret@localhost?nonsense=1", ErrSpec, "localhost"},
			{"redis://u:s3cret@" + nobody, ErrUnavailable, "connect to redis at " + nobody + ": connect: connection refused"},
			{"redis://nobody:s3cret@" + addr, ErrUnavailable, "AUTH: WRONGPASS"},
			{"redis://" + addr, ErrUnavailable, "NOAUTH"},
			{"redis://" + user + "@" + addr + "/99", ErrUnavailable, "SELECT: ERR DB index is out of range"},
			{"redis://" + noRedis.Addr().String(), ErrUnavailable, "DBSIZE: "},
			{"rediss://" + addr, ErrUnavailable, "TLS with redis at " + addr},
			{"unix:///nowhere/redis.sock", ErrUnavailable, "/nowhere/redis.sock: connect: no such file"},
		} {
			t.Run(c.provider, func(t *testing.T) {
				_, _, err := Resolve(t.Context(), Spec{Provider: c.provider})
				require.ErrorIs(t, err, c.is)
				require.ErrorContains(t, err, c.want)
				require.NotContains(t, err.Error(), "s3cret")
				require.NotContains(t, err.Error(), "\n")
				require.Less(t, len(err.Error()), 300)
			})
		}
	}
}

func TestURLOverUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.sock")
	m := miniredis.NewMiniRedis()
	defer m.Close()
	first, err := m.Dial()
	require.NoError(t, err)
	require.NoError(t, first.Close())
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.Server().ServeConn(c)
		}
	}()
	defer func() { _ = l.Close(); <-served }()

	i := start(t, Spec{Provider: "unix://" + path})
	require.Equal(t, path, i.Addr())
	require.NoError(t, connectTo(t, i).Set(t.Context(), "k", "v", 0).Err())
	require.NoError(t, i.Reset(t.Context()))
	require.Empty(t, m.Keys())
}

func TestURLOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.StartTLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
	defer m.Close()

	// Nobody vouches for the certificate: it must not be taken unless the URL says so.
	_, err = Start(t.Context(), Spec{Provider: "rediss://" + m.Addr()})
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "certificate")

	i := start(t, Spec{Provider: "rediss://" + m.Addr() + "?skip_verify=true"})
	require.NoError(t, i.Alive(t.Context()))
	c, err := i.Dial(t.Context())
	require.NoError(t, err)
	_, err = converse(t.Context(), c, []string{"SET", "k", "v"})
	require.NoError(t, err)
	require.Equal(t, "v", connectTo(t, i).Get(t.Context(), "k").Val())
}

// Without Docker the container provider says so at once, and auto goes on.
func TestNoDocker(t *testing.T) {
	path := os.Getenv("PATH")
	for _, c := range []struct {
		name, provider, path, host string
		want                       []string
	}{
		{"asked for", "container", path, "unix:///nowhere.sock",
			[]string{"error: no Docker engine answers at unix:///nowhere.sock: start one, set DOCKER_HOST, or use --redis server or --redis embedded"}},
		{"silent", "container", path, "tcp://" + silent(t), []string{"error: no Docker engine answers at tcp://"}},
		{"auto takes the server", "auto", path, "unix:///nowhere.sock", []string{"note: not container: no Docker", "note: using server", "provider: server"}},
		{"auto takes the embedded", "", "/nowhere", "unix:///nowhere.sock",
			[]string{"note: not container: ", "note: not server: no redis-server or valkey-server on PATH", "note: using embedded", "provider: embedded"}},
		{"no server", "server", "/nowhere", "", []string{"error: no redis-server or valkey-server on PATH: install one, or use --redis embedded"}},
	} {
		if strings.Contains(c.name, "takes the server") && len(usable(t, "server")) == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			cmd := childCommand(t, "resolve", "PROVIDER="+c.provider, "PATH="+c.path, "DOCKER_HOST="+c.host, "HOME="+t.TempDir())
			began := time.Now()
			out, _ := cmd.CombinedOutput()
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			require.Len(t, lines, len(c.want), "%s", out)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(lines[i], want), "%s", out)
			}
			require.Less(t, time.Since(began), dockerTimeout+7*time.Second) // the margin is for a crowded machine
		})
	}
}

// silent listens and never answers.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestNoSuchImage(t *testing.T) {
	for range usable(t, "container") {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		// A registry on a port where nobody listens: the refusal does not depend on the network.
		const image = "127.0.0.1:1/flakehunt/no-such-image:1"
		_, _, err := Resolve(ctx, Spec{Provider: "container", Image: image})
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorContains(t, err, "image "+image+" is not on this machine and can't be pulled (")
		require.ErrorContains(t, err, "docker pull "+image)
		require.NotContains(t, err.Error(), "\n")

		_, err = Start(ctx, Spec{Provider: "container", Image: "Not A Name"})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
	}
}
