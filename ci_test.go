package flakehunt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The compose file is an interface: pipelines rely on its port and its check.
func TestComposeFile(t *testing.T) {
	text, err := os.ReadFile("docker-compose.ci.yml")
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, yaml.Unmarshal(text, &got))
	require.Equal(t, map[string]any{"services": map[string]any{"redis": map[string]any{
		"image": "redis:7-alpine",
		"ports": []any{"6380:6379"},
		"healthcheck": map[string]any{
			"test": []any{"CMD", "redis-cli", "ping"}, "interval": "1s", "timeout": "2s", "retries": 30,
		},
	}}}, got)
}

// What README.md tells people to run is what CI runs, which reads it from there.
func TestOneTestCommand(t *testing.T) {
	command := regexp.MustCompile(`(?m)^go tool gotestsum .*$`)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Equal(t, []string{"go tool gotestsum -- -race -p 3 ./..."}, command.FindAllString(string(readme), -1))
	script, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	require.Contains(t, string(script), `tests=$(grep -m1 -E '^go tool gotestsum ' README.md)`)
	require.Contains(t, string(script), `bash -c "$tests"`)
}

func TestScripts(t *testing.T) {
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	for _, name := range []string{".ci/run", ".ci/image.sh", ".ci/reproducible.sh", ".ci/extras.sh", ".ci/vuln.sh", ".ci/cross.sh", ".ci/notes.sh", ".ci/install.sh", "install.sh", ".ci/examples.sh", ".ci/npm.sh", "bench/kills.sh", "bench/pipeline.sh", "bench/attacks.sh", "bench/bounds.sh", "bench/go.sh", "docs/picture.sh"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o111, "%s is not executable", name)
		out, err := exec.CommandContext(t.Context(), bash, "-n", name).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// actionStep runs a script of the composite action as GitHub does, with a program
// in flakehunt's place that writes its arguments down and ends with a code.
func actionStep(t *testing.T, script, code string, env ...string) (args []string, outputs, summary string, err error) {
	t.Helper()
	dir := t.TempDir()
	program := "#!/bin/sh\nprintf '%s\\n' \"$@\" >args\nmkdir -p out/findings && echo '{}' >out/findings/F-01.json\n" +
		"echo ' \"status\": \"flaky\",' >out/result.json\necho '# sum' >out/summary.md\necho 'gate: FAIL'\nexit " + code + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flakehunt"), []byte(program), 0o700))
	path, err := filepath.Abs(filepath.Join(".github/actions/flakehunt", script))
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), path)
	c.Dir = dir
	c.Env = append(os.Environ(), append([]string{"FLAKEHUNT=./flakehunt", "OUT=out", "SEED=7", "DB=", "SHARD=", "GATE=true",
		"GITHUB_OUTPUT=outputs", "GITHUB_STEP_SUMMARY=summary"}, env...)...)
	said, failed := c.CombinedOutput()
	t.Logf("%s", said)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(b)
	}
	return strings.Split(strings.TrimSuffix(read("args"), "\n"), "\n"), read("outputs"), read("summary"), failed
}

// Arguments reach the program as they were written, one a line; what was found
// are outputs; a flake is left to the gate, whose word is in the summary.
func TestActionSteps(t *testing.T) {
	args, outputs, summary, err := actionStep(t, "hunt.sh", "1", "ARGS=--junit\nre ports/**/*.xml\n\n--\nsh\n-c\necho \"$HOME\"; `x`\n", "DB=h.db")
	require.NoError(t, err, "the gate judges a flake")
	require.Equal(t, []string{"run", "--seed", "7", "--out", "out", "--db", "h.db", "--junit", "re ports/**/*.xml", "--", "sh", "-c", "echo \"$HOME\"; `x`"}, args)
	require.Equal(t, "exit=1\nflaky=1\nbroken=0\nfindings=1\nreport=out/report.html\n", outputs)
	require.Equal(t, "# sum\n", summary)

	_, _, _, err = actionStep(t, "hunt.sh", "3", "ARGS=")
	require.Error(t, err, "that the harness failed is for nobody to excuse")

	args, outputs, summary, err = actionStep(t, "gate.sh", "1", "GATE_ARGS=--quarantine\nmy list.yaml", "DB=h.db", "GITHUB_STEP_SUMMARY=summary")
	require.Error(t, err)
	require.Equal(t, []string{"gate", "--db", "h.db", "--quarantine", "my list.yaml", "out"}, args)
	require.Equal(t, "verdict=1\n", outputs)
	require.Contains(t, summary, "### Gate\n\n    gate: FAIL")
}

// The action has one comment on a pull request, and a run without one has none. A
// token that may not comment fails nothing.
func TestActionComment(t *testing.T) {
	script, err := filepath.Abs(".github/actions/flakehunt/comment.sh")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		pr, known, may string
		want           []string
		warned         bool
	}{
		"no pull request": {"", "", "0", []string{}, false},
		"the first run":   {"7", "", "0", []string{"--paginate repos/o/r/issues/7/comments", "-X POST repos/o/r/issues/7/comments"}, false},
		"a further run":   {"7", "41\n42", "0", []string{"--paginate repos/o/r/issues/7/comments", "-X PATCH repos/o/r/issues/comments/41"}, false},
		"of a fork":       {"7", "", "1", []string{"--paginate repos/o/r/issues/7/comments"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"out/result.json": "{}",
				"bin/flakehunt":   "#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\necho '## Of 2 tests, 1 is flaky' >\"$1/comment.md\"\n",
				"bin/gh": "#!/bin/sh\nshift; echo \"$*\" | sed 's/ --jq.*//; s/ -F.*//' >>said\n" +
					"case \"$*\" in *--paginate*) printf '" + c.known + "'; exit " + c.may + " ;; esac\ncp \"${5#body=@}\" body\n",
			} {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o755))
			}
			cmd := exec.CommandContext(t.Context(), script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "FLAKEHUNT=flakehunt", "OUT=out", "PR="+c.pr,
				"GITHUB_REPOSITORY=o/r", "GITHUB_WORKFLOW=ci", "GITHUB_JOB=flakes")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, c.warned, bytes.Contains(out, []byte("::warning::")), "%s", out)
			said, _ := os.ReadFile(filepath.Join(dir, "said"))
			require.Equal(t, c.want, strings.FieldsFunc(string(said), func(r rune) bool { return r == '\n' }), "%s", out)
			if len(c.want) == 2 {
				body, err := os.ReadFile(filepath.Join(dir, "body"))
				require.NoError(t, err)
				require.Equal(t, "<!-- flakehunt: ci/flakes -->\n## Of 2 tests, 1 is flaky\n", string(body))
			}
		})
	}
}

// Whoever can move a tag can change what it runs: actions are named by commit.
// A cache that saves by itself forgets the runs that fail.
func TestActionIsPinnedAndSaves(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*.yml")
	require.NoError(t, err)
	const action = ".github/actions/flakehunt/action.yml"
	for _, name := range append(files, action) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, u := range regexp.MustCompile(`(?m)^ +-? ?uses: (\S+)@(\S+)(.*)$`).FindAllStringSubmatch(string(text), -1) {
			require.Regexp(t, `^[0-9a-f]{40}$`, u[2], "%s: %s", name, u[1])
			require.Regexp(t, `^ # v\d+\.\d+\.\d+$`, u[3], "%s: %s: the version that the commit is", name, u[1])
			require.NotEqual(t, "actions/cache", u[1], name)
		}
	}
	text, err := os.ReadFile(action)
	require.NoError(t, err)
	require.Contains(t, string(text), "uses: actions/cache/save@")
	require.Regexp(t, `(?s)Save the history\n +if: always\(\)`, string(text))
}

func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var out bytes.Buffer
	linter, err := actionlint.NewLinter(&out, &actionlint.LinterOptions{})
	require.NoError(t, err)
	problems, err := linter.LintFiles(files, nil)
	require.NoError(t, err)
	require.Empty(t, problems, out.String())
}

// Offline set-up of an image belongs to CI: no product code may know of it.
func TestImageScriptStaysInCI(t *testing.T) {
	require.NoError(t, filepath.WalkDir(".", func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || name == "ci_test.go" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		require.NotContains(t, string(text), "image.sh", name)
		return nil
	}))
}
