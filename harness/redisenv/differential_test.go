package redisenv_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/resp"
)

type dialogue struct{ name, text string }

// line is one line of a dialogue, whose form dialogues explains.
type line struct {
	text    string
	conn    string
	words   []string // none: read only
	silence bool     // nothing may come
	pause   time.Duration
	loose   bool   // numbers don't count
	differs string // why the answers are known to differ
	chance  bool   // they do so at times
}

func (d dialogue) lines() (list []line) {
	for text := range strings.Lines(d.text) {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		l := line{text: text}
		text, l.differs, _ = strings.Cut(text, " !! ")
		if l.differs == "" {
			text, l.differs, l.chance = strings.Cut(text, " !? ")
		}
		text, l.loose = strings.CutPrefix(text, "~")
		l.conn, text, _ = strings.Cut(text, " ")
		switch {
		case l.conn == "pause":
			l.pause, _ = time.ParseDuration(text)
		case text == "<<":
			l.silence = true
		case text != "<":
			l.words = split(text)
		}
		list = append(list, l)
	}
	return list
}

// split cuts words at blanks outside of single quotes.
func split(s string) (words []string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var w string
		if quoted, ok := strings.CutPrefix(s, "'"); ok {
			w, s, _ = strings.Cut(quoted, "'")
		} else {
			w, s, _ = strings.Cut(s, " ")
		}
		words = append(words, w)
	}
	return words
}

// The embedded Redis answers as a real one does, but for what dialogues lists.
func TestEmbeddedAnswersLikeRedis(t *testing.T) {
	real := Real(t)
	if real == "" {
		return // said by Usable; CI has one
	}
	genuine, imitation := launch(t, real), launch(t, "embedded")
	differed := map[string]bool{}
	for _, protocol := range []int{2, 3} {
		for _, d := range dialogues {
			t.Run(fmt.Sprintf("RESP%d/%s", protocol, d.name), func(t *testing.T) {
				require.NoError(t, genuine.Reset(t.Context()))
				require.NoError(t, imitation.Reset(t.Context()))
				g, m := newSpeaker(t, genuine, protocol), newSpeaker(t, imitation, protocol)
				for _, l := range d.lines() {
					want, got := g.say(l), m.say(l)
					if l.loose {
						want, got = numbers.ReplaceAllString(want, "#"), numbers.ReplaceAllString(got, "#")
					}
					switch {
					case want == got:
					case l.differs != "":
						differed[d.name+": "+l.text] = true
					default:
						t.Errorf("%s\nredis:    %s\nembedded: %s", l.text, want, got)
					}
				}
			})
		}
	}
	for _, d := range dialogues {
		for _, l := range d.lines() {
			if name := d.name + ": " + l.text; l.differs != "" && !l.chance && !differed[name] {
				t.Errorf("%s\nis listed as a difference and is none any more", name)
			}
		}
	}
}

// Real names a provider of real Redis that this machine has; "" if none.
func Real(t *testing.T) string {
	for _, name := range []string{"server", "container"} {
		if slices.Contains(redisenv.Usable(t, name), name) {
			return name
		}
	}
	return ""
}

func launch(t *testing.T, provider string) redisenv.Instance {
	i, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: provider})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Close(t.Context())) })
	return i
}

// numbers and what stands for them: a sign counts, a value doesn't.
var numbers = regexp.MustCompile(`[0-9]+`)

// speaker speaks to one Redis over named connections.
type speaker struct {
	t        *testing.T
	instance redisenv.Instance
	protocol int
	conns    map[string]*talk
}

type talk struct {
	net.Conn
	*bufio.Reader
}

func newSpeaker(t *testing.T, i redisenv.Instance, protocol int) *speaker {
	s := &speaker{t: t, instance: i, protocol: protocol, conns: map[string]*talk{}}
	t.Cleanup(func() {
		for _, c := range s.conns {
			_ = c.Close()
		}
	})
	return s
}

const (
	answerTimeout = 2 * time.Second // for what must come
	silence       = 30 * time.Millisecond
)

// say does what the line says and returns the answer as text.
func (s *speaker) say(l line) string {
	if l.pause > 0 {
		time.Sleep(l.pause) // twice, once for each Redis: more is no matter
		return ""
	}
	c := s.conns[l.conn]
	if c == nil {
		raw, err := s.instance.Dial(s.t.Context())
		require.NoError(s.t, err)
		c = &talk{raw, bufio.NewReader(raw)}
		s.conns[l.conn] = c
		if s.protocol == 3 {
			s.send(c, []string{"HELLO", "3"})
			_, err := render(c.Reader)
			require.NoError(s.t, err)
		}
	}
	wait := answerTimeout
	if l.silence {
		wait = silence
	}
	if l.words != nil {
		s.send(c, l.words)
	}
	require.NoError(s.t, c.SetReadDeadline(time.Now().Add(wait)))
	answer, err := render(c.Reader)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "(nothing)"
	case err != nil:
		return "(" + err.Error() + ")"
	}
	return answer
}

func (s *speaker) send(c *talk, words []string) {
	_, err := c.Write(resp.AppendCommand(nil, words...))
	require.NoError(s.t, err)
}

// render reads one frame and writes it with its types: what a client can tell
// apart is told apart.
func render(r *bufio.Reader) (string, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, rest := head[:1], strings.TrimSpace(head[1:])
	n, _ := strconv.Atoi(rest)
	switch kind {
	case "$", "=":
		if n < 0 {
			return kind + "nil", nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		return strconv.Quote(string(b[:n])), nil
	case "*", ">", "~", "%":
		if n < 0 {
			return kind + "nil", nil
		}
		if kind == "%" {
			n *= 2
		}
		parts := make([]string, n)
		for i := range parts {
			if parts[i], err = render(r); err != nil {
				return "", err
			}
		}
		if kind == "%" { // in no order that counts
			for i := range n / 2 {
				parts[i] = parts[2*i] + ": " + parts[2*i+1]
			}
			parts = parts[:n/2]
		}
		if kind == "%" || kind == "~" {
			slices.Sort(parts)
		}
		return kind + "[" + strings.Join(parts, " ") + "]", nil
	}
	return kind + rest, nil
}
