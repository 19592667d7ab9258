package harness

import "time"

func twiceFault() Fault {
	return Fault{
		Action: "twice",
		Help:   "keep a frame for twice Delay",
		Delays: true,
		Text:   func(d Decision) string { return "twice " + d.Delay.String() + " at " + d.At.String() },
		Note:   func(*Event) string { return "kept for twice as long" },
		Gate: func(p *Passage, now time.Duration) Gate {
			if due := p.In + 2*time.Duration(p.Delay); now < due {
				return Gate{Again: due}
			}
			return Gate{Bytes: p.Size}
		},
	}
}
