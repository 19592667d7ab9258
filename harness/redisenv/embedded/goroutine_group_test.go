package embedded

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCrewGrowsWhileOthersWait: the race detector objects to a sync.WaitGroup
// that is used so.
func TestGoroutineGroupGrowsWhileOthersWait(t *testing.T) {
	var c goroutineGroup
	c.wait() // nobody is there
	var done atomic.Int32
	release := make(chan struct{})
	c.run(func() { <-release })
	waited := make(chan struct{})
	go func() {
		c.wait()
		close(waited)
	}()
	for range 100 {
		c.run(func() { done.Add(1) })
	}
	select {
	case <-waited:
		t.Fatal("one was still there")
	default:
	}
	close(release)
	<-waited
	c.wait()
	assert.EqualValues(t, 100, done.Load())
}
