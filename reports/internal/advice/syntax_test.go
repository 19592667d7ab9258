package advice

import (
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkers read a JSON object of sketches by name on their input, and print the
// name of each that is no code of their language, with the reason.
var checkers = map[string][]string{
	"ts": {"node", "-e", `
const vm = require('node:vm')
for (const [name, code] of Object.entries(JSON.parse(require('node:fs').readFileSync(0, 'utf8')))) {
  try { new vm.Script('(async () => {' + code + '\n})') } catch (err) { console.log(name + ': ' + err.message) }
}`},
	"python": {"python3", "-c", `
import ast, json, sys
for name, code in json.load(sys.stdin).items():
    try:
        compile(code, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    except SyntaxError as err:
        print(name + ": " + str(err))`},
	"ruby": {"ruby", "-rjson", "-e", `
JSON.parse($stdin.read).each do |name, code|
  begin
    RubyVM::InstructionSequence.compile(code)
  rescue SyntaxError => e
    puts "#{name}: #{e.message}"
  end
end`},
	"php": {"php", "-r", `
foreach (json_decode(stream_get_contents(STDIN), true) as $name => $code) {
    try { token_get_all("<?php\n" . $code, TOKEN_PARSE); } catch (ParseError $e) { echo $name, ': ', $e->getMessage(), "\n"; }
}`},
}

// TestSketchesAreCode: each sketch is read by its language's own parser.
func TestSketchesAreCode(t *testing.T) {
	byLang := map[string]map[string]string{}
	for _, s := range parsed() {
		if byLang[s.Lang] == nil {
			byLang[s.Lang] = map[string]string{}
		}
		byLang[s.Lang][s.Name] = s.Code
	}
	for _, lang := range Langs() {
		require.NotEmpty(t, byLang[lang], lang)
	}
	for name, code := range byLang["go"] {
		_, body := parser.ParseFile(token.NewFileSet(), name, "package p\nfunc _() {\n"+code+"\n}", parser.AllErrors)
		_, file := parser.ParseFile(token.NewFileSet(), name, "package p\n"+code, parser.AllErrors)
		require.True(t, body == nil || file == nil, "%s: as statements: %v; as declarations: %v", name, body, file)
	}
	for lang, argv := range checkers {
		t.Run(lang, func(t *testing.T) {
			if _, err := exec.LookPath(argv[0]); err != nil && os.Getenv("CI") == "" {
				t.Logf("%s is not here: CI checks these", argv[0])
				return
			}
			input, err := json.Marshal(byLang[lang])
			require.NoError(t, err)
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Stdin = bytes.NewReader(input)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Empty(t, strings.TrimSpace(string(out)))
		})
	}
}
