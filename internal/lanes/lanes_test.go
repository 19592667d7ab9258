package lanes_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/internal/lanes"
)

// TestEach: all items run, as many at a time as there are lanes, and a lane is
// never used twice at once.
func TestEach(t *testing.T) {
	const n = 3
	items := make([]int, 10)
	for i := range items {
		items[i] = i
	}
	var mu sync.Mutex
	var ran []string
	busy, most := 0, 0
	together := make(chan struct{}) // closed once n subtests run at a time
	var once sync.Once
	enter := func(t *testing.T) {
		mu.Lock()
		defer mu.Unlock()
		ran = append(ran, t.Name())
		busy++
		most = max(most, busy)
		if busy == n {
			once.Do(func() { close(together) })
		}
	}
	leave := func() {
		mu.Lock()
		defer mu.Unlock()
		busy--
	}
	open := func(*testing.T) *sync.Mutex { return new(sync.Mutex) }
	ok := t.Run("group", func(t *testing.T) {
		lanes.Each(t, n, open, items, strconv.Itoa, func(t *testing.T, lane *sync.Mutex, i int) {
			require.True(t, lane.TryLock(), "the lane is in use")
			defer lane.Unlock()
			enter(t)
			defer leave()
			if i < n {
				<-together // for ever, were they run one after the other
			}
		})
	})
	require.True(t, ok)
	assert.Equal(t, n, most)
	var want []string
	for i := range items {
		want = append(want, "TestEach/group/"+strconv.Itoa(i))
	}
	assert.ElementsMatch(t, want, ran)
}

// TestEachWithFewItems opens no lane that would stay empty.
func TestEachWithFewItems(t *testing.T) {
	opened := 0
	open := func(*testing.T) int { opened++; return opened }
	lanes.Each(t, 8, open, []string{"one", "two"}, func(s string) string { return s }, func(*testing.T, int, string) {})
	assert.Equal(t, 2, opened)
	lanes.Each(t, 8, open, []string{}, func(s string) string { return s }, func(*testing.T, int, string) {})
	assert.Equal(t, 2, opened)
}
