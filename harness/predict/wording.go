package predict

import (
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// wording puts commands in words. A script is described by what is known of it.
type wording struct{ scripts *effects.Knowledge }

// name is the command in words, with regard to what it shares.
func (w wording) name(a *act, on effects.Resource) string {
	what := w.text(a, on.Name)
	switch {
	case a.Latest():
		what += " from $ on"
	case a.Exec != nil:
		what += " in MULTI"
	}
	return what
}

// text names a command with regard to a key. A script that was sent by its SHA-1
// first is known by that.
func (w wording) text(a *act, key string) string {
	words := a.Words
	if a.Script() && a.frame.Script() {
		words = a.frame.Words
	}
	return w.plain(words, key)
}

// plain names a command by its words alone.
func (w wording) plain(words []string, key string) string { return w.scripts.Describe(words, key) }

func ms(d time.Duration) string { return phrase.Ms(d) }

// sentence shortens a value for a title.
func sentence(s string) string {
	const longest = 60
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
