package flakehunt_test

import (
	"bytes"
	"os"
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
			Src  string
			Info struct{ Mtime string }
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
	source, err := os.ReadFile("cmd/flakehunt/root.go")
	require.NoError(t, err)
	sets := regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(b.Ldflags[0], -1)
	require.NotEmpty(t, sets)
	for _, s := range sets {
		require.Regexp(t, `(?m)^var `+s[1]+` = ""$`, string(source))
	}
	require.Len(t, c.Archives, 1)
	require.Equal(t, "{{ .CommitDate }}", c.Archives[0].BuildsInfo.Mtime)
	for _, f := range c.Archives[0].Files {
		require.FileExists(t, f.Src)
		require.Equal(t, "{{ .CommitDate }}", f.Info.Mtime, f.Src)
	}
	require.Equal(t, "sha256", c.Checksum.Algorithm)

	script, err := os.ReadFile(".ci/reproducible.sh")
	require.NoError(t, err)
	for _, words := range []string{"CGO_ENABLED=0", strings.Join(b.Flags, " "), strings.Replace(b.Ldflags[0], "{{ .Version }}", "$version", 1)} {
		require.Contains(t, string(script), words)
	}
	run, err := os.ReadFile(".github/workflows/nightly.yml")
	require.NoError(t, err)
	require.Contains(t, string(run), "run: .ci/reproducible.sh")
}
