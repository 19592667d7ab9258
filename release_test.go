package flakehunt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// releaseConfig is what of GoReleaser's configuration, version 2, is used here. A
// field that it does not have is an error: a misspelt one would be passed over.
type releaseConfig struct {
	Version int
	Project string `yaml:"project_name"`
	Before  struct{ Hooks []string }
	Builds  []struct {
		ID, Main, Binary string
		Env              []string
		Flags, Ldflags   []string
		ModTimestamp     string `yaml:"mod_timestamp"`
		Goos, Goarch     []string
	}
	Archives []struct {
		ID        string
		IDs       []string `yaml:"ids"`
		Formats   []string
		Overrides []struct {
			Goos    string
			Formats []string
		} `yaml:"format_overrides"`
		Name       string `yaml:"name_template"`
		BuildsInfo struct {
			Mtime string
		} `yaml:"builds_info"`
		Files []struct {
			Src, Dst    string
			StripParent bool `yaml:"strip_parent"`
			Info        struct{ Mtime string }
		}
	}
	Checksum struct {
		Name      string `yaml:"name_template"`
		Algorithm string
	}
	Snapshot struct {
		Version string `yaml:"version_template"`
	}
	Changelog struct{ Disable bool }
	Release   struct{ Draft bool }
}

// The release is the same bytes wherever it is built, and what builds it twice in CI
// builds it as the release does.
func TestReleaseConfig(t *testing.T) {
	text, err := os.ReadFile(".goreleaser.yaml")
	require.NoError(t, err)
	var c releaseConfig
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	require.NoError(t, dec.Decode(&c))
	require.Equal(t, 2, c.Version)
	require.Len(t, c.Builds, 1)
	b := c.Builds[0]
	require.DirExists(t, b.Main)
	require.Equal(t, []string{"CGO_ENABLED=0"}, b.Env)
	require.Equal(t, []string{"-trimpath", "-buildvcs=false"}, b.Flags, "paths and the state of the tree are in no binary")
	require.Equal(t, "{{ .CommitTimestamp }}", b.ModTimestamp)
	require.ElementsMatch(t, []string{"linux", "darwin", "windows"}, b.Goos)

	// The linker sets variables that there are; it passes over others in silence.
	require.Len(t, b.Ldflags, 1)
	source, err := os.ReadFile("cmd/flakehunt/version.go")
	require.NoError(t, err)
	sets := regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(b.Ldflags[0], -1)
	require.Len(t, sets, 3, "version, commit and date")
	for _, s := range sets {
		require.Regexp(t, `(?m)^var `+s[1]+` = ""$`, string(source))
	}
	require.Len(t, c.Archives, 1)
	require.Equal(t, "{{ .CommitDate }}", c.Archives[0].BuildsInfo.Mtime)
	for _, f := range c.Archives[0].Files {
		if f.Dst == "" {
			require.FileExists(t, f.Src)
			continue
		}
		// What .ci/extras.sh writes is there at a release alone.
		require.Equal(t, ".ci/out/extras/"+f.Dst+"/*", f.Src)
		require.True(t, f.StripParent, "%s: its own directories would be in the archive", f.Src)
		require.Equal(t, "{{ .CommitDate }}", f.Info.Mtime, f.Src)
	}
	require.Equal(t, "sha256", c.Checksum.Algorithm)

	script, err := os.ReadFile(".ci/reproducible.sh")
	require.NoError(t, err)
	ldflags := strings.NewReplacer("{{ .Version }}", "$version", "{{ .FullCommit }}", "$commit", "{{ .CommitDate }}", "$date").Replace(b.Ldflags[0])
	for _, words := range []string{"CGO_ENABLED=0", strings.Join(b.Flags, " "), ldflags} {
		require.Contains(t, string(script), words)
	}
	run, err := os.ReadFile(".github/workflows/nightly.yml")
	require.NoError(t, err)
	require.Contains(t, string(run), "run: .ci/reproducible.sh")
}

// The notes of a release are its section of the changelog, and no release goes out
// without one.
func TestReleaseNotes(t *testing.T) {
	notes := func(version string) (string, error) {
		out, err := exec.CommandContext(t.Context(), ".ci/notes.sh", version).Output()
		return string(out), err
	}
	said, err := notes("v0.2.0")
	require.NoError(t, err)
	require.Contains(t, said, "### Added\n- ")
	require.NotContains(t, said, "\n## ")
	_, err = notes("v0.2")
	require.Error(t, err)
}

// Each module that has dependencies is kept up to date.
func TestDependabotKnowsEveryModule(t *testing.T) {
	text, err := os.ReadFile(".github/dependabot.yml")
	require.NoError(t, err)
	var c struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &c))
	known := map[string][]string{}
	for _, u := range c.Updates {
		known[u.Ecosystem] = append(known[u.Ecosystem], u.Directories...)
	}
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "*go.mod", "*package-lock.json").Output()
	require.NoError(t, err)
	for file := range strings.FieldsSeq(string(out)) {
		ecosystem := map[string]string{"go.mod": "gomod", "package-lock.json": "npm"}[path.Base(file)]
		if ecosystem == "gomod" && strings.Contains(file, "/testdata/") {
			continue // no dependencies
		}
		require.Contains(t, known[ecosystem], "/"+strings.TrimPrefix(path.Dir(file), "."), file)
	}
}
