package suite

import (
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/shlex"
)

// Command is a command line, seen through what merely starts something else:
// npx, package scripts, Makefiles, shell scripts, sh -c, env, bundle exec, python -m.
type Command struct {
	Argv  []string
	Dir   string
	Calls []Call // the programs that it comes down to
}

// Call is one program with its arguments.
type Call struct {
	Program string   // base name, without .js, .cmd and the like: "vitest", "node", "pytest"
	Args    []string //
}

// Has reports whether one of the arguments is a flag: --watch, --watch=x.
func (c Call) Has(flags ...string) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool {
		name, _, _ := strings.Cut(a, "=")
		return slices.Contains(flags, name)
	})
}

// Find gives the call of a program.
func (c Command) Find(programs ...string) (Call, bool) {
	for _, call := range c.Calls {
		if slices.Contains(programs, call.Program) {
			return call, true
		}
	}
	return Call{}, false
}

// ParseCommand sees through a command line. It reads package.json and composer.json in
// dir, and runs nothing.
func ParseCommand(argv []string, dir string) Command {
	l := commandParser{dir: dir}
	l.parse(argv, 0)
	return Command{Argv: argv, Dir: dir, Calls: l.calls}
}

type commandParser struct {
	dir   string
	calls []Call
	steps int
}

// deepest and mostSteps bound scripts that call each other.
const (
	deepest   = 8
	mostSteps = 500
)

// launchers start the program that follows them and their options. The value
// lists options that take a word.
var launchers = map[string][]string{
	"env": {"-u", "-C", "-S"}, "cross-env": nil, "cross-env-shell": nil, "nice": {"-n"}, "time": nil, "timeout": {"-k", "-s"}, "exec": nil, "xvfb-run": nil, "dotenv": {"-e", "-f"},
	"nyc": nil, "c8": nil, "npx": {"-p", "--package", "-c"}, "bunx": nil, "pnpx": nil, "dotenvx": nil, "flock": nil,
}

// twoWords are launchers of two words.
var twoWords = map[string][]string{
	"bundle": {"exec"}, "poetry": {"run"}, "uv": {"run"}, "pipenv": {"run"}, "hatch": {"run"}, "pdm": {"run"}, "rye": {"run"}, "coverage": {"run"}, "mise": {"exec", "x"},
}

func (l *commandParser) parse(argv []string, depth int) {
	for len(argv) > 0 && (isAssignment(argv[0]) || slices.Contains(keywords, argv[0])) {
		argv = argv[1:]
	}
	if l.steps++; len(argv) == 0 || depth > deepest || l.steps > mostSteps {
		return
	}
	program, args := base(argv[0]), argv[1:]
	switch program {
	case "sh", "bash", "dash", "zsh", "ksh":
		if l.shell(args, depth) {
			return
		}
	case "make", "gmake":
		l.makefile(args, depth)
		return
	case "npm-run-all", "npm-run-all2", "run-s", "run-p":
		l.several(args, depth)
		return
	case "npm", "pnpm", "yarn", "bun":
		l.manager(program, args, depth)
		return
	case "composer":
		if args = l.composer(args, depth); args == nil {
			return
		}
	case "node", "nodejs", "tsx", "ts-node", "ts-node-esm", "swc-node", "babel-node", "php", "ruby", "bun-node":
		l.calls = append(l.calls, Call{program, args})
		for i, a := range args {
			if !strings.HasPrefix(a, "-") && (i == 0 || !takesWord(args[i-1])) {
				l.parse(args[i:], depth+1)
				return
			}
		}
		return
	}
	if isPython(program) || program == "coverage" {
		if i := slices.Index(args, "-m"); i >= 0 && i+1 < len(args) {
			l.parse(args[i+1:], depth+1)
			return
		}
	}
	if sub, ok := twoWords[program]; ok && len(args) > 0 && slices.Contains(sub, args[0]) {
		l.parse(skipOptions(args[1:], []string{"--with", "--group", "--python", "-p", "-e"}), depth+1)
		return
	}
	if takes, ok := launchers[program]; ok {
		l.launched(program, args, skipOptions(args, takes), depth)
		return
	}
	l.calls = append(l.calls, Call{program, args})
	l.shellFile(argv[0], depth)
}

// shell looks at what follows a shell's -c, and reports whether there is any; else
// at its script.
func (l *commandParser) shell(args []string, depth int) bool {
	for i, a := range args {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") && i+1 < len(args) {
			l.text(args[i+1], depth+1)
			return true
		}
	}
	if rest := skipOptions(args, nil); len(rest) > 0 {
		l.shellFile(rest[0], depth)
	}
	return false
}

// composer looks at the script or program that composer runs. Where it runs none, its
// arguments are given back.
func (l *commandParser) composer(args []string, depth int) []string {
	args = skipOptions(args, nil)
	if len(args) > 0 && (args[0] == "run" || args[0] == "run-script" || args[0] == "exec") {
		args = skipOptions(args[1:], nil)
	}
	if len(args) == 0 {
		return []string{}
	}
	if !l.script("composer.json", args[0], args[1:], depth) {
		l.parse(args, depth+1)
	}
	return nil
}

// launched looks at the command, rest, that another program begins.
func (l *commandParser) launched(program string, args, rest []string, depth int) {
	if program == "timeout" || program == "flock" { // its first word is a duration, a file
		rest = rest[min(1, len(rest)):]
	}
	if i := slices.IndexFunc(args, func(a string) bool { return a == "-c" || a == "--call" }); program == "npx" && i >= 0 && i+1 < len(args) {
		l.text(args[i+1], depth+1)
		return
	}
	l.parse(rest, depth+1)
}

// manager sees through npm, pnpm, yarn and bun.
func (l *commandParser) manager(program string, args []string, depth int) {
	inner := *l
	// Options before the command; some choose another package.
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, value, joined := strings.Cut(args[0], "=")
		takes := slices.Contains([]string{"--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "--filter", "-F"}, name)
		args = args[1:]
		if takes && !joined && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		if slices.Contains([]string{"--prefix", "-C", "--dir", "--cwd"}, name) {
			inner.dir = filepath.Join(l.dir, value)
		}
	}
	defer func() { l.calls, l.steps = inner.calls, inner.steps }()
	if len(args) == 0 {
		return
	}
	verb, rest := args[0], args[1:]
	switch {
	case program == "npm" && slices.Contains([]string{"t", "tst"}, verb):
		verb = "test"
	case slices.Contains([]string{"run", "run-script", "rum", "urn"}, verb):
		rest = skipOptions(rest, []string{"-w", "--workspace", "--filter", "--prefix"})
		if len(rest) == 0 {
			return
		}
		verb, rest = rest[0], rest[1:]
	case slices.Contains([]string{"exec", "x", "dlx"}, verb):
		inner.parse(skipOptions(rest, []string{"-w", "--workspace", "-p", "--package", "--filter"}), depth+1)
		return
	case program == "npm" && verb != "test" && verb != "start":
		return
	}
	if program == "npm" { // it keeps what is before -- for itself
		if i := slices.Index(rest, "--"); i >= 0 {
			rest = rest[i+1:]
		} else {
			rest = nil
		}
	}
	if !inner.script("package.json", verb, rest, depth) && program != "npm" {
		inner.parse(append([]string{verb}, rest...), depth+1) // yarn vitest, pnpm vitest
	}
}

// script sees through a script of a package file.
func (l *commandParser) script(file, name string, more []string, depth int) bool {
	raw, ok := scriptsOf(l.read(file))[name]
	if !ok {
		return false
	}
	var lines []string
	var one string
	if json.Unmarshal(raw, &one) == nil {
		lines = []string{one}
	} else if json.Unmarshal(raw, &lines) != nil {
		return false
	}
	for i, line := range lines {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "@php "), "@")
		if i == len(lines)-1 {
			for _, m := range more {
				line += " '" + strings.ReplaceAll(m, "'", `'\''`) + "'"
			}
		}
		l.text(line, depth+1)
	}
	return true
}

// scriptsOf gives the scripts of a package file by name.
func scriptsOf(text []byte) map[string]json.RawMessage {
	var p struct {
		Scripts map[string]json.RawMessage `json:"scripts"`
	}
	if json.Unmarshal(text, &p) != nil {
		return nil
	}
	return p.Scripts
}

// text sees through a shell's line.
func (l *commandParser) text(line string, depth int) {
	words, err := shlex.Split(line)
	if err != nil {
		return
	}
	var call []string
	for _, w := range append(words, ";") {
		end := strings.HasSuffix(w, ";") && len(w) > 1
		switch w {
		case "&&", "||", ";", "|", "&":
			l.parse(call, depth)
			call = nil
			continue
		}
		call = append(call, strings.TrimSuffix(w, ";"))
		if end {
			l.parse(call, depth)
			call = nil
		}
	}
}

// skipOptions leaves out what comes before the first word that is no option.
func skipOptions(args []string, takes []string) []string {
	for len(args) > 0 {
		a := args[0]
		switch {
		case a == "--":
			return args[1:]
		case isAssignment(a):
		case !strings.HasPrefix(a, "-"):
			return args
		case slices.Contains(takes, a):
			args = args[1:]
		}
		args = args[min(1, len(args)):]
	}
	return nil
}

func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// takesWord reports whether an option of node, php or ruby has its value in the next word.
func takesWord(option string) bool {
	return slices.Contains([]string{"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "-d", "-c", "-I", "-e", "--env-file", "--test-reporter", "--test-reporter-destination", "--test-name-pattern", "--test-concurrency"}, option)
}

func isPython(program string) bool {
	rest, ok := strings.CutPrefix(program, "python")
	return ok && strings.Trim(rest, "0123456789.") == "" || program == "pypy3" || program == "py"
}

// base is a program's name without its directory and the endings by which it
// is a script.
func base(word string) string {
	name := path.Base(filepath.ToSlash(word))
	for _, ending := range []string{".mjs", ".cjs", ".js", ".cmd", ".exe", ".phar", ".bat"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}
