package flakehunt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	require.Equal(t, []string{"go tool gotestsum -- -race ./..."}, command.FindAllString(string(readme), -1))
	script, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	require.Contains(t, string(script), `tests=$(grep -m1 -E '^go tool gotestsum ' README.md)`)
	require.Contains(t, string(script), `bash -c "$tests"`)
}

func TestScripts(t *testing.T) {
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	for _, name := range []string{".ci/run", ".ci/image.sh"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o111, "%s is not executable", name)
		out, err := exec.CommandContext(t.Context(), bash, "-n", name).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
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
