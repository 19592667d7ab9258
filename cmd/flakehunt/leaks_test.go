package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLeftUnderWay: a test that does not wait for its last write fails the one that
// runs next, which no trial of either alone shows. With default flags it is found,
// both are named, and repro plays both.
func TestLeftUnderWay(t *testing.T) {
	needsPytest(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test_shop.py"), []byte(`
import os, threading, time
import redis

r = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
background = redis.Redis.from_url(os.environ["REDIS_URL"])

def test_shop_is_closed():
    threading.Thread(target=background.set, args=("shop", "closed")).start()
    r.set("sign", "back soon")
    assert r.get("sign") == "back soon"
    time.sleep(0.02)

def test_shop_is_open():
    r.set("shop", "open")
    time.sleep(0.1)
    assert r.get("shop") == "open"
`), 0o600))
	t.Chdir(dir)
	flakehunt := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), args, strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	code, text := flakehunt("run", "--redis", "server", "--trials", "6", "--seed", "1", "--out", "out", "--", "python3", "-m", "pytest", "-p", "no:cacheprovider")
	require.Equal(t, 1, code, text)
	require.Contains(t, text, "isolation/test-leak")
	files, err := filepath.Glob("out/findings/F-*.json")
	require.NoError(t, err)
	require.Len(t, files, 1, text)
	finding, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Contains(t, string(finding), `"before"`)
	require.Contains(t, string(finding), "SET shop of test_shop.py::test_shop_is_closed took effect while test_shop.py::test_shop_is_open ran")
	code, text = flakehunt("repro", files[0], "-n", "4", "--redis", "server")
	require.Equal(t, 1, code, text)
	require.Contains(t, text, "reproduced 4/4")
}
