package clients

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	randv2 "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/redisenv"
)

// server is a redis-server of our own that speaks TLS as well.
type server struct {
	inst    redisenv.Instance
	admin   *redis.Client // goes to it directly
	tlsAddr string
	roots   *x509.CertPool
}

// servers gives one redis-server, or none with -short or where there is no such
// program. Where CI is set there must be one.
func servers(t *testing.T) []*server {
	t.Helper()
	if testing.Short() {
		return nil
	}
	inst, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "server"})
	if err != nil {
		require.ErrorIs(t, err, redisenv.ErrUnavailable)
		require.Empty(t, os.Getenv("CI"), "CI needs a redis-server: %v", err)
		t.Logf("nothing to test with: %v", err)
		return nil
	}
	s := &server{inst: inst, admin: redis.NewClient(inst.Options())}
	t.Cleanup(func() {
		assert.NoError(t, s.admin.Close())
		assert.NoError(t, inst.Close(context.Background()))
	})
	s.speakTLS(t)
	return []*server{s}
}

// speakTLS has the server listen on a second port, with a certificate made now.
func (s *server) speakTLS(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	s.roots = makeCertificate(t, cert, key)
	const attempts = 5 // a port that was free when asked may be taken by now
	var err error
	for range attempts {
		s.tlsAddr = freeAddr(t)
		_, port, _ := net.SplitHostPort(s.tlsAddr) // the kernel wrote it
		if err = s.admin.Do(t.Context(), "CONFIG", "SET", "tls-cert-file", cert, "tls-key-file", key,
			"tls-ca-cert-file", cert, "tls-auth-clients", "no", "tls-port", port).Err(); err == nil {
			return
		}
	}
	require.NoError(t, err)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// makeCertificate writes a certificate that is its own authority.
func makeCertificate(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certFile, public, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(public))
	return roots
}

func (s *server) direct(protocol int) target { return target{addr: s.inst.Addr(), protocol: protocol} }

// clean empties the server and has it count commands from 0.
func (s *server) clean(t *testing.T) {
	t.Helper()
	for _, c := range [][]any{{"FLUSHALL"}, {"SCRIPT", "FLUSH"}, {"CONFIG", "RESETSTAT"}} {
		require.NoError(t, s.admin.Do(t.Context(), c...).Err())
	}
}

// calls is how often each command has come, by the server's own count.
func (s *server) calls(t *testing.T) map[string]int {
	t.Helper()
	info, err := s.admin.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	calls := map[string]int{}
	for line := range strings.Lines(info) {
		name, fields, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || !strings.HasPrefix(name, "cmdstat_") {
			continue
		}
		verb := strings.ToUpper(strings.TrimPrefix(name, "cmdstat_"))
		for f := range strings.SplitSeq(fields, ",") {
			if key, value, _ := strings.Cut(f, "="); key == "calls" || key == "rejected_calls" {
				n, err := strconv.Atoi(value)
				require.NoError(t, err)
				calls[verb] += n
			}
		}
	}
	require.NotEmpty(t, calls)
	return calls
}

// waitBlocked returns when some client waits in the server.
func (s *server) waitBlocked(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		info, err := s.admin.Info(t.Context(), "clients").Result()
		return err == nil && strings.Contains(info, "blocked_clients:1\r\n")
	}, 20*time.Second, 2*time.Millisecond, "no client blocks")
}

// randomBytes are the same in each run.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = randv2.NewChaCha8([32]byte{1}).Read(b) // cannot fail
	return b
}
