//go:build unix

package pytest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/pytest"
	"github.com/flakehunt/flakehunt/harness/runner/wiretap"
)

// TestCalls: the bytes that the plugin names are the commands of the line that it
// names, on every kind of client.
func TestCalls(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "store.py"), []byte(`def put(client, key):
    client.set(key, "v" * 40)  # line 2
`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test_calls.py"), []byte(`import asyncio
import os

import redis
import redis.asyncio
from store import put

URL = os.environ["REDIS_URL"]


def test_plain():
    client = redis.Redis.from_url(URL)
    put(client, "plain:a")
    client.get("plain:b")  # line 14
    pipe = client.pipeline(transaction=True)
    pipe.incr("plain:c")
    pipe.execute()  # line 17
    client.connection_pool.disconnect()
    client.get("plain:d")  # line 19


def test_pubsub():
    client = redis.Redis.from_url(URL)
    p = client.pubsub()
    p.subscribe("chan:e")  # line 25
    client.publish("chan:f", "é")  # line 26


def test_async():
    async def go():
        client = redis.asyncio.Redis.from_url(URL)
        await asyncio.gather(client.get("async:g"), client.get("async:h"))
        await client.get("async:i")  # line 33
        await client.close()

    asyncio.run(go())
`), 0o600))
	tap := wiretap.New(t)
	r, err := suite.New(suite.Config{Argv: []string{"/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider"}, Dir: dir, Adapter: pytest.Adapter{}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	out, err := r.Run(t.Context(), runner.Exec{
		Trial: 1, Redis: runner.Endpoint{Addr: tap.Addr}, Called: tap.Called,
	})
	require.NoError(t, err)
	require.Len(t, out, 3)
	for _, o := range out {
		require.Equal(t, harness.Passed, o.Verdict, "%+v", o.Failure)
	}
	require.Equal(t, map[string]string{
		"SET plain:a": "store.py:2", "GET plain:b": "test_calls.py:14", "INCRBY plain:c": "test_calls.py:17", "GET plain:d": "test_calls.py:19",
		"SUBSCRIBE chan:e": "test_calls.py:25", "PUBLISH chan:f": "test_calls.py:26", "GET async:i": "test_calls.py:33",
		"GET async:g": "", "GET async:h": "", // the loop called them
	}, tap.Places())
}
