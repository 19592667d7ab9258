package proxy

import (
	"strconv"
	"unicode/utf8"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

const leastOfWord = 16 // bytes that a word keeps, if there is room

// excerpt is what the recorder gets of a command. One that is longer than the
// limit has its long words shortened, rather than its end cut off: what follows
// a value, as EX and 10 do in SET k <4 KiB> EX 10, often matters more than the
// value. Keys stay whole, up to harness.MaxKeys bytes beside the limit: what a
// command touches must not be a guess.
func (s *session) excerpt(fr *resp.Framer, cmd *command) []byte {
	limit := s.c.cfg.PayloadLimit
	if len(fr.Head) <= limit {
		return fr.Head
	}
	if s.c.journal.rec == nil || fr.Type == resp.Inline {
		return fr.Head[:limit]
	}
	args, cut := resp.Split(fr.Head)
	if len(args) == 0 {
		return fr.Head[:limit]
	}
	rest := args[1:]
	keys := keysOf(cmd, len(rest), func(i int) []byte { return rest[i] })
	isKey := func(i int) bool { return keys.has(i-1) || cmd.keys == keyStore && i == 1 }
	long, short, last := 0, 0, 0
	for i, a := range args {
		switch {
		case isKey(i):
			last = i
		case len(a) > leastOfWord:
			long++
		default:
			short += len(a) + overhead
		}
	}
	e := excerpted{words: make([]byte, 0, 2*limit), room: limit - overhead, keyRoom: harness.MaxKeys}
	e.each = max(leastOfWord, (e.room-short)/max(long, 1)-overhead)
	for i, a := range args {
		if !e.put(a, isKey(i), i < last) {
			cut = nil
			break
		}
	}
	e.words = append(e.words, cut[:min(len(cut), max(e.room, 0))]...)    // a word whose end did not come in reach
	b := append(strconv.AppendInt([]byte{'*'}, fr.Argc, 10), '\r', '\n') // how many words it had
	return append(b, e.words...)
}

// overhead is what a word takes beside its bytes, as in "$9999\r\n…\r\n".
const overhead = len("$9999\r\n") + len("\r\n")

// excerpted is an excerpt as it is written.
type excerpted struct {
	words   []byte
	room    int // left for words that are no keys
	keyRoom int // left for keys, and for marks
	each    int // bytes of a long word
}

// put writes a word: a key whole, another one shortened where it is long, and
// where there is no room for it a mark, as long as keys are to come. It reports
// whether anything was written; the command must end where nothing was.
func (e *excerpted) put(word []byte, key, more bool) bool {
	room := &e.room
	switch {
	case key:
		room = &e.keyRoom
	case len(word) > e.each:
		word = append(append(make([]byte, 0, e.each), cutRune(word[:e.each-len(resp.Cut)])...), resp.Cut...)
	}
	if len(word)+overhead > *room {
		if !key && !more {
			return false
		}
		word, room = []byte(resp.Cut), &e.keyRoom
		if len(word)+overhead > *room {
			return false
		}
	}
	*room -= len(word) + overhead
	e.words = appendBulk(e.words, word)
	return true
}

func appendBulk(b, word []byte) []byte {
	b = strconv.AppendInt(append(b, '$'), int64(len(word)), 10)
	b = append(b, '\r', '\n')
	b = append(b, word...)
	return append(b, '\r', '\n')
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
