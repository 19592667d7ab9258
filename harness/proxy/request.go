package proxy

import (
	"strings"

	"github.com/flakehunt/flakehunt/harness/resp"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// resolveCommand resolves a command of which more than the verb and the first
// argument must be known. It applies what the command says of the connection's
// role, and replaces credentials in the frame's raw.
func (s *session) resolveCommand(f *frame, args []string) entry {
	if len(args) == 0 { // the verb alone is longer than what was kept
		args = []string{""}
	}
	cmd := s.c.names.command([]byte(args[0]))
	rest := args[1:]
	if cmd.container && len(rest) > 0 {
		sub := *cmd
		sub.name += "|" + strings.ToUpper(rest[0][:min(len(rest[0]), 64)])
		cmd = s.c.names.learn(&sub)
	}
	if cmd.blocks {
		f.blocking = hasWord(rest, "BLOCK")
	}
	switch {
	case s.inMulti:
	case cmd.effect == onHello:
		s.helloName(rest)
	case cmd.effect == onClient && len(rest) == 2 && strings.EqualFold(rest[0], "SETNAME"):
		s.rename([]byte(rest[1]))
	case (cmd.effect == onSubscribe || cmd.effect == onMonitor) && s.names.role == "":
		s.names = s.c.names.role("sub")
	}
	if cmd.secret {
		f.reveals = revealing(args)
		if clean, hidden := redact(args); len(hidden) > 0 {
			s.hide(hidden)
			raw := resp.AppendCommand(nil, clean...)
			f.raw = raw[:min(len(raw), s.c.cfg.PayloadLimit)]
			rest = clean[1:]
		}
	}
	return entry{cmd, s.c.names.group(s.names.roleOf(cmd.class), cmd.name, volatile.Key([]byte(firstKey(cmd, rest))))}
}

// hide passes credentials on to whoever masks them elsewhere.
func (s *session) hide(values []string) {
	if tell := s.c.cfg.Secret; tell != nil {
		for _, v := range values {
			tell(v)
		}
	}
}

// helloName is HELLO … SETNAME name.
func (s *session) helloName(args []string) {
	for i := 1; i < len(args); i++ {
		switch {
		case strings.EqualFold(args[i], "AUTH"):
			i += 2
		case strings.EqualFold(args[i], "SETNAME") && i+1 < len(args):
			s.rename([]byte(args[i+1]))
			return
		}
	}
}

func hasWord(args []string, word string) bool {
	for _, a := range args {
		if strings.EqualFold(a, word) {
			return true
		}
	}
	return false
}
