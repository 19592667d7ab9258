package ingest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// tapYAML reads the block of YAML behind a test point: "key: value", and values
// of several lines behind "|-". Deeper structure is passed over.
type tapYAML struct {
	indent int
	values map[string]string
	key    string // of the text that comes
	text   strings.Builder
}

var (
	yamlKey  = regexp.MustCompile(`^([A-Za-z_][\w.-]*):(?: (.*))?$`)
	location = regexp.MustCompile(`^(.*?):(\d+)(?::\d+)?$`)
)

// line takes the next line and reports whether it ends the block.
func (y *tapYAML) line(line string) bool {
	if y.values == nil {
		y.values = map[string]string{}
	}
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if strings.TrimSpace(text) == "..." && indent <= y.indent {
		y.keep()
		return true
	}
	if indent > y.indent || text == "" {
		if y.key != "" {
			appendBounded(&y.text, line[min(y.indent+2, indent):]+"\n")
		}
		return false
	}
	y.keep()
	if m := yamlKey.FindStringSubmatch(text); m != nil {
		switch value := strings.TrimSpace(m[2]); {
		case strings.HasPrefix(value, "|") || strings.HasPrefix(value, ">"):
			y.key = m[1]
		case value != "" && len(y.values) < 100:
			y.values[m[1]] = unquoteYAML(value)
		}
	}
	return false
}

// keep ends a value of several lines.
func (y *tapYAML) keep() {
	if y.key != "" && len(y.values) < 100 {
		y.values[y.key] = strings.TrimRight(y.text.String(), "\n")
	}
	y.key = ""
	y.text.Reset()
}

func unquoteYAML(s string) string {
	switch {
	case len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'':
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	case len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"':
		if u, err := strconv.Unquote(s); err == nil {
			return u
		}
		return s[1 : len(s)-1]
	}
	return s
}

// apply writes what the block says into a case.
func (y *tapYAML) apply(c *Case, clock *clock) {
	if d := y.values["duration_ms"]; d != "" {
		if err := clock.read(d+"ms", c); err != nil {
			c.Warnings = append(c.Warnings, err.Error())
		}
	}
	for _, key := range []string{"location", "file", "at"} {
		v := strings.TrimPrefix(y.values[key], "file://")
		if v == "" || c.Test.File != "" {
			continue
		}
		if m := location.FindStringSubmatch(v); m != nil {
			v = m[1]
			c.Test.Line, _ = strconv.Atoi(m[2])
		}
		c.Test.File = sourceFile(v, "")
	}
	if c.Verdict != harness.Failed {
		return
	}
	message := ""
	for _, key := range []string{"error", "message", "reason"} {
		if message == "" {
			message = y.values[key]
		}
	}
	stack := y.values["stack"]
	if message == "" && y.values["found"] != "" {
		message = "found " + y.values["found"] + ", wanted " + y.values["wanted"]
	}
	if message == "" {
		message = stack
	}
	if message == "" {
		return
	}
	if stack == "" {
		stack = message
	}
	kind := KindOf(message, y.values["name"], harness.AssertionFailure)
	if strings.Contains(strings.ToLower(y.values["failureType"]), "timeout") {
		kind = harness.TimeoutFailure
	}
	c.Failure = NewFailure(kind, message, stack)
}
