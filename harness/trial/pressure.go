package trial

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// pressureFile is where Linux tells for how long some task waited for a CPU.
const pressureFile = "/proc/pressure/cpu"

// pressure reads how much of the time since the last reading some task of this
// machine waited for a CPU. The zero value is ready.
type pressure struct {
	at    time.Time
	total time.Duration
}

// since gives the share from 0 to 1; ok is false where the kernel does not tell,
// and at the first reading.
func (p *pressure) since(now time.Time) (share float64, ok bool) {
	b, err := os.ReadFile(pressureFile)
	if err != nil {
		return 0, false
	}
	total, ok := parsePressure(b)
	if !ok {
		return 0, false
	}
	was := *p
	p.at, p.total = now, total
	if was.at.IsZero() || !now.After(was.at) {
		return 0, false
	}
	return min(max(float64(total-was.total)/float64(now.Sub(was.at)), 0), 1), true
}

// parsePressure finds total in the line "some avg10=0.00 … total=234384289".
func parsePressure(b []byte) (time.Duration, bool) {
	for line := range bytes.Lines(b) {
		if !bytes.HasPrefix(line, []byte("some ")) {
			continue
		}
		_, text, ok := bytes.Cut(line, []byte("total="))
		us, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
		if !ok || err != nil || us < 0 {
			return 0, false
		}
		return time.Duration(us) * time.Microsecond, true
	}
	return 0, false
}
