package trial

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPace: workers are added one by one while jobs wait and timers are on time,
// and a quarter of them rests when they are late.
func TestPace(t *testing.T) {
	least := runtime.GOMAXPROCS(0)
	p := NewPool(PoolConfig{Workers: 8 * least, Adapt: true})
	defer func() { require.NoError(t, p.Close()) }()
	allowed := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.allowed
	}
	p.mu.Lock()
	for range least {
		p.grow()
	}
	p.mu.Unlock()

	now, eased := time.Now(), time.Time{}
	step := func(late time.Duration) {
		now = now.Add(pace)
		eased = p.step(now, late, eased)
	}
	step(0)
	assert.Equal(t, least, allowed(), "nobody waits")

	p.mu.Lock()
	p.waiting = 1
	p.mu.Unlock()
	step(onTime)
	assert.Equal(t, least, allowed(), "not quite on time")
	for range 100 {
		step(onTime - 1)
	}
	assert.Equal(t, 8*least, allowed(), "no more than was asked for")

	step(crowded + 1)
	assert.Equal(t, 6*least, allowed())
	assert.False(t, eased.Before(now.Add(recent)))
	step(crowded + 1)
	assert.Equal(t, 6*least, allowed(), "what was late before they rested")
	for range 10 {
		step(0)
	}
	assert.Equal(t, 8*least-1, allowed(), "one less than were too many")
	for range 100 {
		step(crowded + 1)
	}
	assert.Equal(t, least, allowed(), "never fewer than there are CPUs")

	done := make(chan bool)
	go func() { done <- p.mayRun(least + 1) }()
	select {
	case <-done:
		t.Fatal("a worker beyond those allowed ran")
	default:
	}
	for allowed() < least+1 {
		step(0)
	}
	assert.True(t, <-done, "it runs again")
}
