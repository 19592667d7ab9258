package runner_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
)

func TestMessageTakesAssertionsApart(t *testing.T) {
	text := "\n\tError Trace:\t/src/a_test.go:12\n\t            \t\t\t\t/src/run.go:7\n" +
		"\tError:      \tNot equal: \n\t            \texpected: 1\n\t            \tactual  : 2\n" +
		"\tTest:       \tTestX\n\tMessages:   \tcounting visits\n"
	message, trace := runner.Message(text)
	require.Equal(t, "counting visits: Not equal:\nexpected: 1\nactual  : 2", message)
	require.Equal(t, "/src/a_test.go:12\n/src/run.go:7", trace)

	message, trace = runner.Message("  plain words\n")
	require.Equal(t, "plain words", message)
	require.Empty(t, trace)
}

func TestKindOf(t *testing.T) {
	for text, want := range map[string]harness.FailureKind{
		"WARNING: DATA RACE\n":              harness.DataRace,
		"panic: boom":                       harness.PanicFailure,
		"panicked about nothing":            harness.AssertionFailure,
		"test timed out after 1s":           harness.TimeoutFailure,
		"expected 1 message, received none": harness.AssertionFailure,
	} {
		require.Equal(t, want, runner.KindOf(text), text)
	}
}

// In a bubble timers are never late; there the watch must say so.
func TestTimerLagOfTimersThatAreOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &runner.TimerLag{}
		done := make(chan struct{})
		go func() { defer close(done); l.Watch(ctx) }()
		start := time.Now()
		time.Sleep(time.Second)
		p50, p99, worst := l.Quantiles()
		require.Zero(t, worst)
		require.Zero(t, p50)
		require.Zero(t, p99)
		require.Zero(t, l.Worst(start))
		cancel()
		<-done
		require.Zero(t, runner.Measure(t.Context(), 100*time.Millisecond))
	})
}

func TestEndpointPrefersItsDialer(t *testing.T) {
	dialled := false
	e := runner.Endpoint{Dial: func(context.Context) (net.Conn, error) { dialled = true; return nil, net.ErrClosed }}
	o := e.Options()
	require.NotEmpty(t, o.Addr, "a client asks DNS for an empty address")
	_, err := o.Dialer(t.Context(), "tcp", o.Addr)
	require.ErrorIs(t, err, net.ErrClosed)
	require.True(t, dialled)
}
