package proxy

import (
	"unicode/utf8"

	"github.com/flakehunt/flakehunt/harness/resp"
)

// Bounds of what excerpt shortens word by word.
const (
	maxExcerptWords = 24
	leastOfWord     = 16 // bytes of a shortened word
)

// excerpt is what the recorder gets of a command. One that is longer than the
// limit has its long words shortened, rather than its end cut off: what follows
// a value, as EX and 10 do in SET k <4 KiB> EX 10, often matters more than the
// value.
func (s *session) excerpt(fr *resp.Framer) []byte {
	limit := s.c.cfg.PayloadLimit
	if len(fr.Head) <= limit {
		return fr.Head
	}
	if s.c.journal.rec == nil || fr.Type == resp.Inline || fr.Argc > maxExcerptWords || int64(len(fr.Head)) < fr.Size {
		return fr.Head[:limit]
	}
	args := resp.Split(fr.Head)
	const overhead = len("$9999\r\n") + len("\r\n")
	room, long := limit-overhead*(len(args)+1), 0
	for _, a := range args {
		if len(a) > leastOfWord {
			long++
		} else {
			room -= len(a)
		}
	}
	each := max(leastOfWord, room/max(long, 1))
	for i, a := range args {
		if len(a) > each {
			args[i] = append(append(make([]byte, 0, each), cutRune(a[:each-len(resp.Cut)])...), resp.Cut...)
		}
	}
	raw := resp.AppendCommand(nil, args...)
	return raw[:min(len(raw), limit)]
}

// cutRune takes an incomplete UTF-8 sequence off the end.
func cutRune(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i > len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			break
		}
	}
	return b
}
