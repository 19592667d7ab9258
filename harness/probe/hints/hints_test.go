package hints_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/probe/hints"
)

func TestLine(t *testing.T) {
	for line, want := range map[string]string{
		`rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})`: "[] [localhost:6379]",
		`r = redis.Redis(host="localhost", port=6379)`:                   "[] [localhost:6379]",
		`Redis.new(url: "redis://user:s3cret@127.0.0.1:7001/2")`:         "[] [localhost:7001]",
		`createClient({ url: 'redis://cache.internal' })`:                "[] [cache.internal:6379]",
		`app.conf.broker = os.environ["CELERY_BROKER_URL"]`:              "[CELERY_BROKER_URL] []",
		`url := getenv("REDIS_URL", "redis://localhost:6379")`:           "[REDIS_URL] []",
		`spring.data.redis.url=redis://localhost:6379`:                   "[SPRING_DATA_REDIS_URL] []",
		`host: ${VALKEY_HOST}, port: ${VALKEY_PORT}`:                     "[VALKEY_HOST VALKEY_PORT] []",
		`Addr: "[::1]:6379"`:                                                 "[] [localhost:6379]",
		`Addr: "10.1.2.3:6379"`:                                              "[] [10.1.2.3:6379]",
		`const db = "postgres://localhost:5432/app"`:                         "[] []",
		`// REDIS_URL_EXAMPLE and REDIS_TIMEOUT say nothing of an address`:   "[] []",
		`DATABASE_URL=postgres://u:p@localhost:5432`:                         "[] []",
		`redisPort := 99999; redis://localhost:99999`:                        "[] []",
		`HTTP_CACHE_SERVER is about a cache, and may be one`:                 "[HTTP_CACHE_SERVER] []",
		strings.Repeat("x", 100<<10) + ` localhost:6379 is too far to count`: "[] []",
	} {
		vars, addrs := hints.Line(line)
		require.Equal(t, want, fmt.Sprint(vars, " ", addrs), line[:min(len(line), 100)])
	}
}

func TestFormOf(t *testing.T) {
	for name, want := range map[string]hints.Form{
		"REDIS_URL": hints.URL, "CELERY_RESULT_BACKEND": hints.URL, "CACHE_HOST": hints.Host, "REDISPORT": hints.Port, "VALKEY_ENDPOINT": hints.Addr, "REDIS_TIMEOUT": "",
	} {
		got, ok := hints.FormOf(name)
		require.Equal(t, want, got, name)
		require.Equal(t, want != "", ok, name)
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestScan(t *testing.T) {
	tree := fstest.MapFS{
		"a/app.py":                 file("import os\nB = os.environ['CELERY_BROKER_URL']\nC = os.environ['CELERY_BROKER_URL']\n"),
		"a/b.go":                   file("x\n\naddr := \"localhost:6379\"\n"),
		"node_modules/x/index.js":  file("process.env.REDIS_URL"),
		"vendor/y.go":              file("localhost:6379"),
		".git/config":              file("localhost:6379"),
		"package-lock.json":        file("redis://localhost:1234"),
		"README.md":                file("redis://localhost:1234"),
		"image.bin":                file("\x00localhost:6379"),
		"flakehunt-out/result.jso": file("localhost:6379"),
	}
	got, err := hints.Scan(t.Context(), tree, hints.Limits{Each: 1})
	require.NoError(t, err)
	require.Equal(t, hints.Found{
		Variables: []hints.Hint{{Text: "CELERY_BROKER_URL", Places: []hints.Place{{File: "a/app.py", Line: 2}}, More: 1}},
		Addresses: []hints.Hint{{Text: "localhost:6379", Places: []hints.Place{{File: "a/b.go", Line: 3}}}},
		Files:     3,
	}, got)
}

func TestScanIsBounded(t *testing.T) {
	tree := fstest.MapFS{"big.go": file(strings.Repeat("localhost:6379\n", 1000))}
	for i := range 20 {
		tree[fmt.Sprintf("f%02d.go", i)] = file("REDIS_URL\n" + strings.Repeat("x", 300<<10))
	}
	got, err := hints.Scan(t.Context(), tree, hints.Limits{})
	require.NoError(t, err)
	require.Equal(t, 1, got.Files, "files above the size are not opened")

	for i := range 20 {
		tree[fmt.Sprintf("f%02d.go", i)] = file("A_REDIS_URL")
	}
	got, err = hints.Scan(t.Context(), tree, hints.Limits{Files: 5})
	require.NoError(t, err)
	require.True(t, got.Cut)
	require.Equal(t, 5, got.Files)
	got, err = hints.Scan(t.Context(), tree, hints.Limits{Total: 10})
	require.NoError(t, err)
	require.True(t, got.Cut)
	require.Equal(t, 1, got.Files)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = hints.Scan(ctx, tree, hints.Limits{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = hints.Scan(t.Context(), fstest.MapFS{"a": file("")}, hints.Limits{})
	require.NoError(t, err)
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"redis://u:p@[::1]:6379/0", "REDIS_HOST=localhost", "a:1 localhost:6379", "\xff\xfe localhost:6379", "spring.redis.host"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		vars, addrs := hints.Line(line)
		for _, v := range vars {
			if _, ok := hints.FormOf(v); !ok {
				t.Fatalf("variable %q of unknown form", v)
			}
		}
		for _, a := range addrs {
			if !strings.Contains(a, ":") || strings.ContainsAny(a, "@ \t\n") {
				t.Fatalf("address %q", a)
			}
		}
	})
}
