// Package marks lets a suite say itself where its tests begin and end: a Unix
// socket whose path is in FLAKEHUNT_MARKS, and one line a mark.
//
//	suite                     hunt
//	begin TestX/sub\n    ──►  the mark is set
//	                     ◄──  ok\n
//	end TestX/sub\n      ──►
//	                     ◄──  ok\n
//
// A test that waits for the ok before its first command, and sends its end
// after the last reply, has sure boundaries. Package redistest does this for
// Go; any language can. The plugins that package suite hands to test runners
// say more: each of their lines is an Event in JSON, and has the same answer.
//
// The package must never keep a suite from running: without the socket there
// are no marks, and nothing else is missing.
package marks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Var is the environment variable that holds the socket's path.
const Var = "FLAKEHUNT_MARKS"

// longest is what every Unix takes as a socket's path: macOS has room for 103 bytes.
const longest = 100

// short holds the socket where the trial's own directory has too long a name.
const short = "/tmp"

// maxLine is the longest line that is taken.
const maxLine = 1 << 20

// Server takes marks.
type Server struct {
	path  string
	own   string // a directory made for the socket, or ""
	l     net.Listener
	event func(Event)
	again func() (settings []string, ok bool) // nil: nothing is run again
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Listen opens a socket in dir. mark is called for each beginning and end, one at a time.
func Listen(dir string, mark func(begin bool, test string)) (*Server, error) {
	return ListenEvents(dir, func(e Event) {
		switch e.Event {
		case "begin", "end":
			mark(e.Event == "begin", e.ID)
		}
	})
}

// ListenEvents opens a socket in dir. event is called for each line, one at a
// time, and before the line is answered; and with a "gone" when a connection that
// has said something ends.
func ListenEvents(dir string, event func(Event)) (*Server, error) {
	return ListenAgain(dir, event, nil)
}

// ListenAgain is ListenEvents for a process that may run its test several times:
// again is called, without regard to other lines, when it asks for another turn,
// and answers when there is one. Its settings, NAME=VALUE without spaces, go with
// the answer. It must return at the latest when the server is closed.
func ListenAgain(dir string, event func(Event), again func() (settings []string, ok bool)) (*Server, error) {
	path, own := filepath.Join(dir, "marks"), ""
	if len(path) > longest {
		var err error
		if own, err = os.MkdirTemp(short, "flakehunt-marks-"); err != nil {
			return nil, fmt.Errorf("opening a socket for test marks: %s is longer than %d bytes, and %w: choose a shorter TMPDIR", path, longest, err)
		}
		path = filepath.Join(own, "marks")
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		if own != "" {
			_ = os.RemoveAll(own)
		}
		return nil, fmt.Errorf("opening a socket for test marks: %w", err)
	}
	s := &Server{own: own, path: path, l: l, event: event, again: again, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s, nil
}

// Env is the setting for the suite's environment.
func (s *Server) Env() string { return Var + "=" + s.path }

// Close ends all connections and waits for marks under way.
func (s *Server) Close() error {
	err := s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
	if s.own != "" {
		_ = os.RemoveAll(s.own)
	}
	return err
}

func (s *Server) accept() {
	for n := 1; ; n++ {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.conns == nil {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		s.wg.Go(func() { s.serve(c, n) })
	}
}

func (s *Server) serve(c net.Conn, n int) {
	spoke := false
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		if spoke {
			s.event(Event{Event: "gone", Arrived: time.Now(), From: n})
		}
		s.mu.Unlock()
	}()
	in := bufio.NewReaderSize(c, 4096)
	for {
		line, ok := readLine(in)
		if !ok { // the end, or a line that is no mark
			return
		}
		answer := "ok\n"
		if e, err := parse(line); err != nil {
			answer = err.Error() + "\n"
		} else if e.Event == "again" {
			answer = s.turn()
		} else {
			s.mu.Lock()
			e.Arrived, e.From, spoke = time.Now(), n, true
			s.event(e)
			s.mu.Unlock()
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// turn answers a process that asks for another turn.
func (s *Server) turn() string {
	if s.again != nil {
		if settings, ok := s.again(); ok {
			return strings.Join(append([]string{"ok"}, settings...), " ") + "\n"
		}
	}
	return "no\n"
}

// readLine reads to the next newline; ok is false where there is none within
// maxLine.
func readLine(in *bufio.Reader) (line string, ok bool) {
	var whole []byte
	for {
		part, err := in.ReadSlice('\n')
		if whole = append(whole, part...); len(whole) > maxLine {
			return "", false
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return string(bytes.TrimRight(whole, "\r\n")), err == nil
	}
}
