package environ_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
)

func TestVariables(t *testing.T) {
	x := runner.Exec{Trial: 3, Seed: 1<<63 + 1, Worker: 2, Dir: "/tmp/d", Redis: runner.Endpoint{Addr: "[::1]:4000", Username: "u", Password: "p/w@x"}}
	got := environ.Build([]string{"PATH=/bin", "REDIS_URL=redis://old", "TMPDIR=/old", "CACHE=old"}, environ.For(x), []string{"CACHE={host}|{port}|{trial}|{json}", "REDIS_HOST=mine"})
	for _, want := range []string{
		"PATH=/bin", "REDIS_URL=redis://u:p%2Fw%40x@[::1]:4000", "REDIS_ADDR=[::1]:4000", "REDIS_PORT=4000",
		"FLAKEHUNT_TRIAL=3", "FLAKEHUNT_SEED=9223372036854775809", "FLAKEHUNT_DIR=/tmp/d", "TMPDIR=/tmp/d", "CACHE=::1|4000|3|{json}",
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "REDIS_URL=redis://old")
	require.NotContains(t, got, "CACHE=old")
	require.Greater(t, slices.Index(got, "REDIS_HOST=mine"), slices.Index(got, "REDIS_HOST=::1"), "the user's word comes last")

	x.Redis.TLS, x.Redis.Username = true, ""
	require.Equal(t, "rediss://:p%2Fw%40x@[::1]:4000", environ.For(x)["url"])
}

func TestCheck(t *testing.T) {
	require.NoError(t, environ.Check("A={addr}"))
	require.NoError(t, environ.Check(`A={"json":1}`))
	require.ErrorContains(t, environ.Check("A={adr}"), "no placeholder {adr}: there are {addr}")
	require.ErrorContains(t, environ.Check("A"), "want NAME=TEMPLATE")
	require.ErrorContains(t, environ.Check("=x"), "want NAME=TEMPLATE")
}
