package trial

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// mostMonitored bounds how many bytes of MONITOR's lines are kept of a trial.
	mostMonitored = 16 << 20
	// monitorEnd is how long is waited at most for the lines of what has been run.
	monitorEnd = time.Second
)

// monitor reads what Redis runs, the commands of scripts included, while a trial
// is played. It slows Redis down and is a client of its own, so it is used in
// trials without injection alone.
type monitor struct {
	conn net.Conn
	dial func(context.Context) (net.Conn, error)
	done chan struct{} // closed when no further line comes

	mu    sync.Mutex
	lines []string
	bytes int
	until string        // the line that holds this ends the trial's
	ended chan struct{} // closed when that came
}

// startMonitor begins.
func startMonitor(ctx context.Context, dial func(context.Context) (net.Conn, error)) (*monitor, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for MONITOR: %w", err)
	}
	m := &monitor{conn: conn, dial: dial, done: make(chan struct{}), ended: make(chan struct{})}
	in := bufio.NewReaderSize(conn, 64<<10)
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err = conn.Write([]byte("*1\r\n$7\r\nMONITOR\r\n")); err == nil {
		var reply string
		if reply, err = in.ReadString('\n'); err == nil && !strings.HasPrefix(reply, "+OK") {
			err = fmt.Errorf("redis answered %q", strings.TrimSpace(reply))
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("MONITOR: %w", err)
	}
	_ = conn.SetDeadline(time.Time{})
	go m.read(in)
	return m, nil
}

func (m *monitor) read(in *bufio.Reader) {
	defer close(m.done)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		m.mu.Lock()
		switch {
		case m.until != "" && strings.Contains(line, m.until):
			close(m.ended)
			m.until = ""
		case m.bytes+len(line) <= mostMonitored:
			m.lines, m.bytes = append(m.lines, line), m.bytes+len(line)
		}
		m.mu.Unlock()
	}
}

// stop ends the reading once all that was run by now has been read, and gives the lines.
func (m *monitor) stop(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, monitorEnd)
	defer cancel()
	m.mu.Lock()
	m.until = fmt.Sprintf("flakehunt-monitor-%p", m)
	word := m.until
	m.mu.Unlock()
	if c, err := m.dial(ctx); err == nil {
		_, err = fmt.Fprintf(c, "*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(word), word)
		if err == nil {
			select {
			case <-m.ended:
			case <-m.done:
			case <-ctx.Done():
			}
		}
		_ = c.Close()
	}
	_ = m.conn.Close()
	<-m.done
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lines
}
