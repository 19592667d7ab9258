package effects

import (
	"strings"
	"unicode/utf8"
)

// maxTitle is how much of a script's comment names it, in bytes.
const maxTitle = 48

// Title is how a script calls itself in the comment at its beginning, or in the
// first line of a library; "" if it has neither.
func Title(body string) string {
	body = strings.TrimSpace(body)
	if lib, ok := strings.CutPrefix(body, "#!lua name="); ok {
		name, _, _ := strings.Cut(lib, "\n")
		return shorten(name)
	}
	if !strings.HasPrefix(body, "--") {
		return ""
	}
	block, inBlock := body, false
	for _, opening := range []string{"--[[", "--[=[", "--[==["} {
		if rest, ok := strings.CutPrefix(body, opening); ok {
			block, inBlock = rest, true
			for _, closing := range []string{"]]", "]=]", "]==]"} {
				if text, _, ok := strings.Cut(block, closing); ok {
					block = text
					break
				}
			}
			break
		}
	}
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		if !inBlock {
			rest, ok := strings.CutPrefix(line, "--")
			if !ok {
				return ""
			}
			line = strings.TrimSpace(rest)
		}
		if line = strings.TrimSpace(strings.Trim(line, "-=*#")); line != "" && !strings.HasPrefix(line, "luacheck") {
			return shorten(line)
		}
	}
	return ""
}

// shorten keeps the first sentence, or as much of it as there is room for.
func shorten(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "�"))
	for _, end := range []string{". ", ": ", " =>"} {
		if first, _, ok := strings.Cut(s, end); ok {
			s = first
		}
	}
	s = strings.TrimRight(s, ".: ")
	if len(s) <= maxTitle {
		return s
	}
	n := maxTitle
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	if i := strings.LastIndexByte(s[:n], ' '); i > maxTitle/2 {
		n = i
	}
	return s[:n] + cut
}

// Describe names a command for a person, with regard to one key: SET, or of a
// script what it did to the key and how it calls itself.
func (k *Knowledge) Describe(args []string, key string) string {
	verb := Name(args)
	if !Script(verb) {
		return strings.ReplaceAll(verb, "|", " ")
	}
	who := k.script(args)
	if u := k.Of(args).Use(key); u.Verb != "" {
		return strings.ReplaceAll(u.Verb, "|", " ") + " by " + who
	}
	return who
}

// script names the script or function that a command runs.
func (k *Knowledge) script(args []string) string {
	id := k.known(args)
	if strings.HasPrefix(id, "function ") {
		return id
	}
	if k != nil {
		if name := k.names[id]; name != "" {
			return `script "` + name + `"`
		}
	}
	if name := Title(at(args, 1)); name != "" {
		return `script "` + name + `"`
	}
	if len(id) == 40 {
		return "script " + id[:8]
	}
	return "a script"
}
