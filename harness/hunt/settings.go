package hunt

import (
	"maps"
	"math"
	"math/bits"
	"strconv"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
)

// params are the strategy's settings for one trial.
func (h *hunter) params(index int) map[string]string {
	p := maps.Clone(h.Params)
	if p == nil {
		p = map[string]string{}
	}
	if h.Strategy == "skew" {
		p["trial"] = strconv.Itoa(index)
	}
	if measured(h.Strategy) && p["max"] == "" {
		// The budget bounds what a trial is given altogether, not one test: a frame
		// that is late by longer than a test waits fails it, and shows only that it
		// has a deadline.
		p["max"] = MaxDelay.String()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.size.Frames > 0 {
		maps.Copy(p, explore.Settings{Survey: h.size}.Params())
	}
	return p
}

// measured reports whether the strategy needs to know how large a trial is, in
// order to keep what it injects within its share of the time.
func measured(strategy string) bool {
	return strategy == "skew" || strategy == "random" || strategy == "pct"
}

// sizeUp remembers how large a trial without injection was, coarsely: the same
// suite must give the same numbers in the next run, since delays depend on them.
func (h *hunter) sizeUp(t harness.Trial) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.Points == 0 {
		return
	}
	h.size.Frames = max(h.size.Frames, 1<<(bits.Len(uint(t.Points))&^1))
	seconds := math.Exp2(math.Round(math.Log2(max(time.Duration(t.Duration).Seconds(), 0.25))))
	h.size.Duration = max(h.size.Duration, time.Duration(seconds*float64(time.Second)))
	h.size.Tests = max(h.size.Tests, len(t.Outcomes))
	h.size.Roles = 4
}
