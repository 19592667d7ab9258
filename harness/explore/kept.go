package explore

import "github.com/flakehunt/flakehunt/harness"

// AsDelays makes of each hold that ended unfulfilled the delay that it was: a
// trial that failed under such a hold fails under a network that is as slow.
// Holds that were fulfilled, and all else, stay. A hold of every frame of a name
// gives one delay for each frame that was kept, and stays for the others.
func AsDelays(test string, decisions []harness.Decision, kept []harness.Kept) []harness.Decision {
	out := make([]harness.Decision, 0, len(decisions)+len(kept))
	for _, d := range decisions {
		stays := true
		if !d.Until.IsZero() && (d.Test == "" || d.Test == test) {
			for _, k := range kept {
				if d.At != k.At && d.At != k.At.Any() {
					continue
				}
				out = append(out, harness.Decision{Test: d.Test, At: k.At, Action: harness.Delay, Delay: k.For})
				stays = stays && d.At != k.At
			}
		}
		if stays {
			out = append(out, d)
		}
	}
	return out
}
