package sim

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// startTime is how long a worker may take to say that it is one.
const startTime = 30 * time.Second

// process is the parent's end of a worker.
type process struct {
	cmd    *exec.Cmd
	orders *gob.Encoder
	stdin  io.Closer
	pipe   *os.File
	in     *gob.Decoder
	stderr *tail
	ended  chan struct{} // closed when the process is gone
	once   sync.Once
}

// crash is what a worker's end in the middle of a trial says.
type crash struct{ text string }

func (c *crash) Error() string { return "the simulation's worker ended: " + firstLines(c.text, 1) }

// startProcess starts a program as a worker: this one again, if program is "".
func startProcess(ctx context.Context, program string, s setup) (*process, error) {
	if program == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("start a simulation worker: %w", err)
		}
		program = self
	}
	p := &process{cmd: exec.Command(program), stderr: &tail{}, ended: make(chan struct{})}
	p.cmd.Args = []string{os.Args[0]}
	p.cmd.Env = append(os.Environ(), workerEnv+"=1", "GOTRACEBACK=single", "GOCOVERDIR="+os.TempDir())
	p.cmd.Stderr = p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a simulation worker: %w", err)
	}
	// A pipe of our own: that of exec may not be read while Wait runs.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a simulation worker: %w", err)
	}
	p.cmd.Stdout = w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("start a simulation worker: %w", err)
	}
	p.stdin, p.orders, p.pipe = stdin, gob.NewEncoder(stdin), r
	go func() {
		_ = p.cmd.Wait() // how it ended is told by what it wrote
		close(p.ended)
	}()
	if err := p.greet(ctx, s); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// greet makes sure that the other end is a worker, and sets it up.
func (p *process) greet(ctx context.Context, s setup) error {
	stop := p.limit(ctx, startTime)
	defer stop()
	in := bufio.NewReader(p.pipe)
	hello := make([]byte, len(greeting))
	if _, err := io.ReadFull(in, hello); err != nil || string(hello) != greeting {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.New("start a simulation worker: this program does not serve as one: call sim.Main first in main, or in TestMain")
	}
	p.in = gob.NewDecoder(in)
	if err := p.orders.Encode(s); err != nil {
		return fmt.Errorf("set a simulation worker up: %w", err)
	}
	return nil
}

// limit kills the process when ctx ends or the time has passed.
func (p *process) limit(ctx context.Context, d time.Duration) (stop func()) {
	timer := time.AfterFunc(d, p.kill)
	end := context.AfterFunc(ctx, p.kill)
	return func() { timer.Stop(); end() }
}

// order sends one order and reads reports until the last, each passed to see
// first. Silence for longer than trialTimeout ends the process.
func (p *process) order(ctx context.Context, o order, see func(report)) (*report, error) {
	if err := p.orders.Encode(o); err != nil {
		return nil, p.gone(ctx)
	}
	for {
		stop := p.limit(ctx, trialTimeout)
		var r report
		err := p.in.Decode(&r)
		stop()
		if err != nil {
			return nil, p.gone(ctx)
		}
		if r.Done != nil || r.Batch != nil || r.Err != "" {
			return &r, nil
		}
		see(r)
	}
}

// gone says why there is no answer.
func (p *process) gone(ctx context.Context) error {
	select {
	case <-p.ended:
	case <-time.After(time.Second): // silent, but alive
	}
	p.kill()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := p.stderr.String()
	if !strings.Contains(text, "panic: ") && !strings.Contains(text, "fatal error: ") {
		return fmt.Errorf("the simulation's worker gave no answer (within %v): %s", trialTimeout, firstLines(text, 3))
	}
	return &crash{text}
}

// kill ends the process at once.
func (p *process) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		<-p.ended
		p.stdin.Close()
		p.pipe.Close()
	})
}

// tail keeps the last of what is written to it, and of a crash its beginning.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxTail - len(t.text); room > 0 {
		t.text = append(t.text, b[:min(len(b), room)]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(strings.TrimSpace(s), "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "; ")
}
