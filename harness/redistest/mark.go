package redistest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// marksVar holds the path of the hunt's socket for marks; the protocol is that
// of package marks of the harness.
const marksVar = "FLAKEHUNT_MARKS"

// marker speaks to the hunt. All tests of the process share one connection.
type marker struct {
	mu   sync.Mutex
	c    net.Conn
	in   *bufio.Reader
	done map[string]int // tests under way, and how often they asked
}

// connect is settled once: nil when no hunt listens.
var connect = sync.OnceValue(func() *marker {
	path := os.Getenv(marksVar)
	if path == "" {
		return nil
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil // a hunt without marks is still a hunt
	}
	return &marker{c: c, in: bufio.NewReader(c), done: map[string]int{}}
})

// markTest marks the beginning of t, once, and its end when it comes.
func markTest(t testing.TB) {
	m := connect()
	if m == nil {
		return
	}
	name := t.Name()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done[name]++; m.done[name] > 1 {
		return
	}
	m.say("begin", name)
	t.Cleanup(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.done, name)
		if e := told(); e != nil {
			m.tell(e)
		}
		m.say("end", name)
	})
}

// say sends a mark and waits until the hunt has set it.
func (m *marker) say(word, name string) {
	if strings.ContainsAny(name, "\r\n") {
		return
	}
	m.send(word + " " + name)
}

// tell says which code sent what.
func (m *marker) tell(e *callsEvent) {
	if line, err := json.Marshal(e); err == nil {
		m.send(string(line))
	}
}

// send sends a line and waits for the answer.
func (m *marker) send(line string) {
	_ = m.c.SetDeadline(time.Now().Add(time.Second)) // a hunt that hangs must not hang the test
	if _, err := io.WriteString(m.c, line+"\n"); err == nil {
		_, _ = m.in.ReadSlice('\n')
	}
}
