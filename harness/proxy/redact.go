package proxy

import (
	"regexp"
	"strings"
)

// redacted stands in place of a credential, as in Redis' own MONITOR.
const redacted = "(redacted)"

// redact replaces the credentials in a command; hidden are those that it replaced.
func redact(args []string) (clean, hidden []string) {
	clean = append([]string(nil), args...)
	hide := func(from, to int) {
		for i := from; i < min(to, len(clean)); i++ {
			if i < len(args) && clean[i] != redacted {
				hidden = append(hidden, strings.TrimLeft(args[i], "<>#!"))
				clean[i] = redacted
			}
		}
	}
	word := func(i int) string {
		if i < len(args) {
			return strings.ToUpper(args[i])
		}
		return ""
	}
	all := len(args)
	inner := 0 // where a command within the command begins
	switch verb := word(0); {
	case verb == "CONFIG", verb == "SENTINEL":
		for i := 2; i+1 < all; i++ {
			if isSecretSetting(word(i)) && word(1) != "GET" {
				hide(i+1, i+2)
			}
		}
	case verb == "ACL" && word(1) == "SETUSER":
		hide(3, all)
	case verb == "ACL" && word(1) == "DRYRUN":
		inner = 3
	case verb == "COMMAND":
		inner = 2
	case verb == "MIGRATE":
		for i := 6; i < all && word(i) != "KEYS"; i++ {
			if w := word(i); w == "AUTH" || w == "AUTH2" {
				hide(i+1, i+2+len(w)-4)
				i = all
			}
		}
	case isScript(verb):
		for i := 1; i < all; i++ {
			for _, found := range inText.FindAllStringSubmatch(args[i], -1) {
				value := found[1] + found[2] // one of them is empty
				if found[2] != "" && !strings.Contains(strings.ToLower(args[i]), "setuser") {
					continue
				}
				hidden = append(hidden, value)
				clean[i] = strings.ReplaceAll(clean[i], value, redacted)
			}
		}
	case alike(verb, "AUTH"):
		if hide(1, all); all == 3 {
			hidden = hidden[len(hidden)-1:] // the first is a name
		}
	case alike(verb, "HELLO"):
		for i := 1; i < all; i++ {
			if alike(word(i), "AUTH") {
				hide(i+2, i+3)
				if i+1 < all {
					clean[i+1] = redacted
				}
				i += 2
			}
		}
	}
	if inner > 0 && inner < all && word(inner) != word(0) {
		more, found := redact(args[inner:])
		copy(clean[inner:], more)
		hidden = append(hidden, found...)
	}
	return clean, hidden
}

// inText finds, in a script, what is set as a password or given as one.
var inText = regexp.MustCompile(`(?i)["'](?:requirepass|masterauth|primaryauth|tls-key-file-pass|auth)["']\s*,\s*["']([^"']{2,})["']|["'][>#]([^"']{2,})["']`)

func isScript(verb string) bool {
	return verb == "EVAL" || verb == "EVAL_RO" || verb == "SCRIPT" || verb == "FUNCTION"
}

// alike reports whether a word is a verb, or one slip of the pen away from it: one
// letter wrong, missing, too many, or two that changed places. Redis repeats the
// arguments of a command that it does not know.
func alike(word, verb string) bool {
	if word == verb {
		return true
	}
	n, d := len(verb), len(word)-len(verb)
	if d < -1 || d > 1 {
		return false
	}
	head := 0
	for head < min(n, len(word)) && word[head] == verb[head] {
		head++
	}
	tail := 0
	for tail < min(n, len(word))-head && word[len(word)-1-tail] == verb[n-1-tail] {
		tail++
	}
	wrong := n - head - tail
	return wrong <= 1 || d == 0 && wrong == 2 && word[head] == verb[head+1] && word[head+1] == verb[head]
}

// mayHide reports whether a command that the table does not know is one with a
// credential, mistyped.
func mayHide(verb string) bool { return alike(verb, "AUTH") || alike(verb, "HELLO") }

// revealing reports whether the reply to a command may hold a credential.
func revealing(args []string) bool {
	if len(args) < 2 {
		return false
	}
	switch strings.ToUpper(args[0]) + " " + strings.ToUpper(args[1]) {
	case "CONFIG GET":
		for _, pattern := range args[2:] {
			if strings.ContainsAny(pattern, "*?[\\") || isSecretSetting(strings.ToUpper(pattern)) {
				return true
			}
		}
	case "ACL LIST", "ACL GETUSER", "ACL GENPASS", "SENTINEL CONFIG", "SENTINEL MASTERS", "SENTINEL MASTER":
		return true
	}
	return false
}

func isSecretSetting(name string) bool {
	for _, s := range []string{"REQUIREPASS", "MASTERAUTH", "PRIMARYAUTH", "MASTERUSER", "KEY-FILE-PASS", "AUTH-PASS", "SENTINEL-PASS"} {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}
