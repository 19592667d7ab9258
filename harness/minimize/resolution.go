package minimize

import "time"

// Resolution is the step to which a delay's threshold is measured by trials: the
// larger of 1 ms and 4 % of it.
func Resolution(d time.Duration) time.Duration { return max(time.Millisecond, d/25) }
