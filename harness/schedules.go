package harness

import "time"

// HoldTimeoutFrom is the gap from which a hold needs a timeout of its own. The
// proxy takes stillness of 300 ms for a sign that the program waits, and would
// release the frame.
const HoldTimeoutFrom = 150 * time.Millisecond

// ReplaySchedule makes a schedule of decisions. They hold while the test runs.
func ReplaySchedule(test string, decisions ...Decision) Schedule {
	for i := range decisions {
		decisions[i].Test = test
	}
	return Schedule{Version: ScheduleVersion, Strategy: "replay", Decisions: decisions}
}

// DelayFrame keeps a frame for d, in whole milliseconds.
func DelayFrame(at Point, d time.Duration) Decision {
	return Decision{At: at, Action: Delay, Delay: Duration(d.Round(time.Millisecond))}
}

// HoldFrame keeps a frame until another has passed. In a recorded run the other
// came gap later.
func HoldFrame(at, until Point, gap time.Duration) Decision {
	d := Decision{At: at, Action: Hold, Until: until}
	if gap > HoldTimeoutFrom {
		d.Timeout = Duration((2*gap + time.Second).Round(time.Millisecond))
	}
	return d
}
