package suite

import (
	"bytes"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mostScript bounds the size in bytes of a script or a Makefile that is read.
const mostScript = 256 << 10

// keywords of the shell precede a command.
var keywords = []string{"if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "exec", "command", "sudo"}

// shellFile sees through a script of the shell: ./run-tests.sh, sh run-tests.sh. It
// reads the file's lines one by one and knows nothing of its branches.
func (l *commandParser) shellFile(file string, depth int) {
	text := l.read(file)
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if !shell.Match(first) && (bytes.HasPrefix(first, []byte("#!")) || !strings.HasSuffix(file, ".sh")) {
		return
	}
	for _, line := range lines(string(text)) {
		l.text(strings.NewReplacer(`"$@"`, "", "$*", "").Replace(line), depth+1)
	}
}

// makefile sees through the targets of make, which it finds in the files that make
// looks for. Variables of the file are filled in where they are plain words.
func (l *commandParser) makefile(args []string, depth int) {
	dir := l.dir
	var targets []string
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-C" && i+1 < len(args):
			dir = filepath.Join(l.dir, args[i+1])
			i++
		case strings.HasPrefix(a, "-"), isAssignment(a):
		default:
			targets = append(targets, a)
		}
	}
	inner := commandParser{dir: dir, steps: l.steps}
	var text []byte
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		if text = inner.read(name); text != nil {
			break
		}
	}
	m := parseMake(string(text))
	if len(targets) == 0 && m.first != "" {
		targets = []string{m.first}
	}
	done := map[string]bool{}
	for _, t := range targets {
		inner.target(m, t, done, depth+1)
	}
	l.calls, l.steps = append(l.calls, inner.calls...), inner.steps
}

func (l *commandParser) target(m makefile, name string, done map[string]bool, depth int) {
	if done[name] || depth > deepest {
		return
	}
	done[name] = true
	for _, before := range m.needs[name] {
		l.target(m, before, done, depth+1)
	}
	for _, line := range m.recipes[name] {
		l.text(m.fill(line), depth+1)
	}
}

// makefile is what is read of one: recipes and prerequisites by target.
type makefile struct {
	first     string
	recipes   map[string][]string
	needs     map[string][]string
	variables map[string]string
}

var (
	shell        = regexp.MustCompile(`^#!.*\b(ba|da|z|k|a)?sh( -\S+)?\s*$`)
	makeVariable = regexp.MustCompile(`^([A-Za-z0-9_]+)\s*[:?]?:?=\s*(.*)$`)
	makeRule     = regexp.MustCompile(`^([^\s:#=][^:#=]*):(?:[^=]|$)(.*)$`)
	makeUse      = regexp.MustCompile(`\$[({]([A-Za-z0-9_]+)[)}]`)
)

func parseMake(text string) makefile {
	m := makefile{recipes: map[string][]string{}, needs: map[string][]string{}, variables: map[string]string{}}
	var current []string
	for _, line := range lines(text) {
		if recipe, ok := strings.CutPrefix(line, "\t"); ok {
			for _, t := range current {
				m.recipes[t] = append(m.recipes[t], strings.TrimLeft(recipe, "@-+ \t"))
			}
			continue
		}
		if v := makeVariable.FindStringSubmatch(line); v != nil {
			m.variables[v[1]] = v[2]
			continue
		}
		rule := makeRule.FindStringSubmatch(line + " ")
		if rule == nil {
			continue
		}
		current = strings.Fields(rule[1])
		for _, t := range current {
			m.needs[t] = append(m.needs[t], strings.Fields(rule[2])...)
			if m.first == "" && !strings.HasPrefix(t, ".") {
				m.first = t
			}
		}
	}
	return m
}

func (m makefile) fill(line string) string {
	for range deepest { // a variable may hold another
		next := makeUse.ReplaceAllStringFunc(line, func(use string) string { return m.variables[makeUse.FindStringSubmatch(use)[1]] })
		if next == line {
			break
		}
		line = next
	}
	return line
}

// several sees through npm-run-all and its short forms, which run scripts of the
// package by name or pattern.
func (l *commandParser) several(args []string, depth int) {
	names := slices.Sorted(maps.Keys(scriptsOf(l.read("package.json"))))
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			continue
		}
		a, _, _ = strings.Cut(a, " ")
		for _, name := range names {
			if ok, err := path.Match(strings.ReplaceAll(a, ":", "/"), strings.ReplaceAll(name, ":", "/")); err == nil && ok {
				l.script("package.json", name, nil, depth)
			}
		}
	}
}

// read gives a file in the command's directory; nil: there is none, or it is no
// short text.
func (l *commandParser) read(file string) []byte {
	if !filepath.IsAbs(file) {
		file = filepath.Join(l.dir, file)
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > mostScript {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil || slices.Contains(text, 0) {
		return nil
	}
	return text
}

// lines joins those that a backslash continues, and leaves out comments.
func lines(text string) (out []string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line = strings.TrimRight(line, "\r\n"); !strings.HasPrefix(strings.TrimSpace(line), "#") {
			out = append(out, line)
		}
	}
	return out
}
