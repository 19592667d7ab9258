package secrets

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	// secretName tells names of settings whose values are secret.
	secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?($|[_\-.0-9])|passw|pwd|secret|token|credential|masterauth|api[_-]?key|access[_-]?key|private[_-]?key|(^|[_-])auth($|[_-]))`)
	// userInfo finds passwords in URLs.
	userInfo = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:"']*:([^\s/@"']+)@`)
	// assigned finds NAME=VALUE, --name VALUE and --name=VALUE in a command.
	assigned = regexp.MustCompile(`(?:^|[\s"';&])((--?)?[A-Za-z_][\w.-]*)(=|\s+)["']?([^\s"';&]+)`)
)

// Environ notes the secrets of an environment, NAME=VALUE each.
func (m *Mask) Environ(env []string) {
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		m.named(name, value)
		m.URLs(value)
	}
}

// named notes a variable's value if its name says that it is secret. Paths are
// none: PWD names a directory, SSH_AUTH_SOCK a socket. Nor are placeholders.
func (m *Mask) named(name, value string) {
	if !secretName.MatchString(name) || strings.HasPrefix(value, "/") || strings.ContainsAny(value, "{}") || len(value) < 2 {
		return
	}
	if slices.Contains([]string{"true", "false", "yes", "no", "none", "null"}, strings.ToLower(value)) {
		return
	}
	m.setting(name+"=", value)
}

// URLs notes the passwords of all URLs in a text.
func (m *Mask) URLs(text string) {
	for _, found := range userInfo.FindAllStringSubmatch(text, -1) {
		if strings.ContainsAny(found[1], "{}$") {
			continue // a placeholder
		}
		m.Add(found[1])
		if plain, err := url.PathUnescape(found[1]); err == nil {
			m.Add(plain)
		}
	}
}

// Command notes the secrets of a command line.
func (m *Mask) Command(argv []string) {
	text := strings.Join(argv, " ")
	m.URLs(text)
	for at := 0; at < len(text); {
		found := assigned.FindStringSubmatchIndex(text[at:])
		if found == nil {
			return
		}
		part := func(i int) string {
			if found[2*i] < 0 {
				return ""
			}
			return text[at+found[2*i] : at+found[2*i+1]]
		}
		name, dashes, sign, value := part(1), part(2), part(3), part(4)
		if (sign == "=" || dashes != "" && !strings.HasPrefix(value, "-")) && secretName.MatchString(name) &&
			!strings.HasPrefix(value, "/") && !strings.ContainsAny(value, "{}$") {
			m.setting(name+sign[:1], value)
			at += found[1]
			continue
		}
		at += found[3] // behind the name
	}
}

// Learn notes a value that a suite sent as a credential. Plain words are left: a
// test's password is often a word that its report needs.
func (m *Mask) Learn(value string) {
	if strong(value) {
		m.Add(value)
	}
}

// Masked reports whether a secret was taken out of s.
func Masked(s string) bool { return strings.Contains(s, Redacted) }
