package advice

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestEachClassHasSketchesInEachLanguage(t *testing.T) {
	used := map[string]bool{"xgroup": true, "xid": true}
	for class, r := range rows {
		for _, lang := range Langs() {
			a, ok := For(class, nil, lang)
			require.True(t, ok)
			require.NotEmpty(t, a.Text, class)
			require.Len(t, a.Sketches, len(r.sketches), "%s in %s", class, lang)
			for i, s := range a.Sketches {
				assert.Equal(t, r.sketches[i], s.Name)
				assert.NotEmpty(t, s.Title)
				assert.NotEmpty(t, strings.TrimSpace(s.Code))
				used[s.Name] = true
				for line := range strings.SplitSeq(s.Code, "\n") {
					assert.LessOrEqual(t, len([]rune(line)), 132, "%s/%s: %s", s.Name, lang, line)
				}
			}
		}
	}
	for key := range parsed() {
		name, _, _ := strings.Cut(key, "/")
		assert.True(t, used[name], "%s: no class uses it", key)
	}
	assert.Len(t, parsed(), len(used)*len(Langs()))
}

func TestCommandsChooseSketches(t *testing.T) {
	for _, c := range []struct {
		verbs []string
		want  string
	}{
		{[]string{"XGROUP", "XADD"}, "xgroup"}, {[]string{"XREAD", "XADD"}, "xid"}, {[]string{"RPUSH", "LRANGE"}, "await"},
	} {
		a, _ := For(harness.OrderCommands, c.verbs, "python")
		assert.Equal(t, c.want, a.Sketches[0].Name)
	}
	_, ok := For(harness.NotRedis, nil, "go")
	assert.False(t, ok)
	a, ok := For(harness.TTLMissing, nil, "")
	assert.True(t, ok)
	assert.Empty(t, a.Sketches, "no language, no code")
}

func TestLang(t *testing.T) {
	for _, c := range []struct {
		target harness.Target
		file   string
		want   string
	}{
		{harness.Target{Kind: harness.GoTestTarget}, "", "go"}, {harness.Target{Kind: harness.ShippedTarget}, "", "go"},
		{harness.Target{Kind: harness.SuiteTarget, Runner: "pytest"}, "", "python"}, {harness.Target{Kind: harness.SuiteTarget, Runner: "vitest"}, "", "ts"},
		{harness.Target{Kind: harness.SuiteTarget, Runner: "rspec"}, "", "ruby"}, {harness.Target{Kind: harness.SuiteTarget, Runner: "phpunit"}, "", "php"},
		{harness.Target{Kind: harness.CommandTarget}, "spec/a_spec.rb", "ruby"}, {harness.Target{Kind: harness.CommandTarget}, "", ""},
	} {
		assert.Equal(t, c.want, Lang(c.target, c.file))
	}
}
