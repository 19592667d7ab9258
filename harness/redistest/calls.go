package redistest

import (
	"cmp"
	"context"
	"net"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	maxCalls = 1 << 14         // that wait for the end of their test
	maxDepth = 32              // frames of a stack that are looked at
	dialing  = 5 * time.Second // go-redis' own limit
)

// call is what one Write sent, and whose it was. The stack is looked up when the
// test has ended: a Write takes about a microsecond more.
type call struct {
	port     int
	from, to int64
	stack    [maxDepth]uintptr
	depth    int
}

// calls wait to be told.
var calls struct {
	sync.Mutex
	list []call
}

// watched is a connection that notes who writes to it.
type watched struct {
	net.Conn
	port int
	mu   sync.Mutex
	sent int64
}

func (w *watched) Write(b []byte) (int, error) {
	c := call{port: w.port}
	c.depth = runtime.Callers(2, c.stack[:])
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.Conn.Write(b)
	c.from = w.sent
	w.sent += int64(n)
	c.to = w.sent
	calls.Lock()
	if len(calls.list) < maxCalls {
		calls.list = append(calls.list, c)
	}
	calls.Unlock()
	return n, err
}

// checked is one whose descriptor go-redis can look at before it uses it again.
type checked struct {
	*watched
	syscall.Conn
}

// watch has the connections of these options note who writes to them.
func watch(o *redis.Options) {
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		as := *o
		as.DialTimeout = cmp.Or(as.DialTimeout, dialing)
		c, err := redis.NewDialer(&as)(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return note(c), nil
	}
}

func note(c net.Conn) net.Conn {
	a, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return c
	}
	w := &watched{Conn: c, port: a.Port}
	if raw, ok := c.(syscall.Conn); ok {
		return checked{w, raw}
	}
	return w
}

// told takes the calls that wait, as an event of the marks' protocol; nil: there
// are none.
func told() *callsEvent {
	calls.Lock()
	list := calls.list
	calls.list = nil
	calls.Unlock()
	e := callsEvent{Event: "calls"}
	files := map[string]int64{}
	for i := range list {
		c := &list[i]
		file, line := owner(c.stack[:c.depth])
		if file == "" {
			continue
		}
		n, ok := files[file]
		if !ok {
			n = int64(len(e.Files))
			files[file] = n
			e.Files = append(e.Files, file)
		}
		e.Calls = append(e.Calls, [5]int64{int64(c.port), c.from, c.to - c.from, n, int64(line)})
	}
	if len(e.Calls) == 0 {
		return nil
	}
	return &e
}

type callsEvent struct {
	Event string     `json:"event"`
	Files []string   `json:"files"`
	Calls [][5]int64 `json:"calls"`
}

// self is the prefix of this package's functions.
const self = "github.com/flakehunt/flakehunt/harness/redistest."

// owner finds the innermost line that is of the suite: neither of a dependency
// nor of the standard library.
func owner(stack []uintptr) (file string, line int) {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		if own(f) {
			return f.File, f.Line
		}
		if !more {
			return "", 0
		}
	}
}

// own reports whether a frame is the suite's code, with a file to be read: a
// binary built with -trimpath names none.
func own(f runtime.Frame) bool {
	switch {
	case !filepath.IsAbs(f.File), strings.HasPrefix(f.File, goroot), strings.Contains(f.File, "/pkg/mod/"), strings.Contains(f.File, "/vendor/"):
		return false
	}
	return !strings.HasPrefix(f.Function, self) || strings.HasSuffix(f.File, "_test.go")
}

// goroot holds the sources of the standard library, as this binary names them.
var goroot = func() string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(strings.Cut).Pointer()).FileLine(0)
	return strings.TrimSuffix(filepath.ToSlash(filepath.Dir(file)), "strings")
}()
