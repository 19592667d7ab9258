package secrets_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness/secrets"
)

type inner struct{ Text string }

type outer struct {
	Words  []string
	Inner  *inner
	More   []inner
	Any    any
	Named  map[string]string
	hidden string
}

func TestInReplacesWhatOthersHoldToo(t *testing.T) {
	m := secrets.New()
	m.Add("hunter-2000-x")
	shared := []string{"a hunter-2000-x b", "c"}
	p := &inner{"hunter-2000-x"}
	o := outer{Words: shared, Inner: p, More: []inner{{"x"}, {"hunter-2000-x"}}, Any: "hunter-2000-x", Named: map[string]string{"k": "hunter-2000-x"}, hidden: "hunter-2000-x"}
	m.In(&o)
	require.Equal(t, outer{
		Words: []string{"a (redacted) b", "c"}, Inner: &inner{"(redacted)"}, More: []inner{{"x"}, {"(redacted)"}},
		Any: "(redacted)", Named: map[string]string{"k": "(redacted)"}, hidden: "hunter-2000-x",
	}, o)
	require.Equal(t, "a hunter-2000-x b", shared[0], "what others hold stays")
	require.Equal(t, "hunter-2000-x", p.Text)
}

// A password that is a word of every report is masked only where it is certain to be it.
func TestPlainPasswordsLeaveReportsReadable(t *testing.T) {
	m := secrets.New()
	m.Command([]string{"--redis", "redis://:redis@127.0.0.1:6379/1", "--env", "DB_PASSWORD=secret", "--token", "abc"})
	require.Equal(t, "redis://:(redacted)@127.0.0.1 redis reads a secret", m.String("redis://:redis@127.0.0.1 redis reads a secret"))
	require.Equal(t, "DB_PASSWORD=(redacted) --token (redacted)", m.String("DB_PASSWORD=secret --token abc"))
}

func TestWhatIsASecret(t *testing.T) {
	m := secrets.New()
	m.Environ([]string{
		"PWD=/home/someone/project", "SSH_AUTH_SOCK=/run/agent.123", "GITHUB_TOKEN=ghp_1234567890", "TOKENIZERS_PARALLELISM=false",
		"DATABASE_URL=postgres://u:p%40ss-word9@h/d", "HOME=/home/someone", "APP_KEY_NAME=not-a-secret-1", "PASSENGER_LOG=verbose-log-1",
	})
	m.Command([]string{"pytest", "-k", "test_password_reset", "tests/unit-17", "--api-key=k3y-k3y-k3y", "--passphrase", "-v", "X_URL=redis://:{password}@{addr}"})
	for _, kept := range []string{"/home/someone/project", "/run/agent.123", "not-a-secret-1", "tests/unit-17", "false", "verbose-log-1", "{password}"} {
		require.Equal(t, kept, m.String(kept))
	}
	for _, gone := range []string{"ghp_1234567890", "p%40ss-word9", "p@ss-word9", "k3y-k3y-k3y"} {
		require.Equal(t, secrets.Redacted, m.String(gone))
	}
}

func TestWipeKeepsLengths(t *testing.T) {
	m := secrets.New()
	m.Add("hunter-2000-x")
	raw := []byte("$13\r\nhunter-2000-x\r\n$20\r\nhunter-20")
	require.Equal(t, "$13\r\n*************\r\n$20\r\n*********", string(m.Wipe(raw)))
	require.Contains(t, string(raw), "hunter-2000-x", "the frame itself goes on as it was")
}

// Whatever a password holds, it is in no text that was made of it and masked.
func TestNoFormIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[ -~äß€"<>&'\\/@:%+]{8,40}`).Filter(func(s string) bool {
			return strings.ContainsAny(s, "0123456789-_.") && strings.TrimSpace(s) == s
		}).Draw(t, "secret")
		m := secrets.New()
		m.Add(secret)
		var b bytes.Buffer
		b.WriteString("x " + secret + " y\n" + url.QueryEscape(secret) + "\n" + url.UserPassword("u", secret).String() + "\n")
		require.NoError(t, json.NewEncoder(&b).Encode(map[string]string{"p": secret}))
		var e bytes.Buffer
		j := json.NewEncoder(&e)
		j.SetEscapeHTML(false)
		require.NoError(t, j.Encode(secret))
		require.NoError(t, xml.EscapeText(&e, []byte(secret)))
		text := b.String() + e.String()
		masked := string(m.Bytes([]byte(text)))
		if strings.Contains(secrets.Redacted, secret) {
			t.Skip("it is the mark itself")
		}
		require.NotContains(t, masked, secret)
		require.Equal(t, 6, strings.Count(masked, secrets.Redacted)-strings.Count(text, secrets.Redacted), masked)
	})
}

// FuzzMask: whatever is known and read, masking ends, and leaves nothing of it.
func FuzzMask(f *testing.F) {
	f.Add("DB_PASSWORD=hunter-2000", "--token x", "redis://u:p-1234567@h say hunter-2000")
	f.Add("A_SECRET==", "PASS= ", "::@")
	f.Add("API_KEY=(redacted)", "x://:@@", "")
	f.Fuzz(func(t *testing.T, env, argv, text string) {
		m := secrets.New()
		m.Environ([]string{env})
		m.Command(strings.Fields(argv))
		once := m.String(text)
		_, value, _ := strings.Cut(env, "=")
		if strings.HasPrefix(env, "DB_PASSWORD=") && len(value) >= 14 && !strings.ContainsAny(value, "{}(") && value[0] != '/' && strings.Contains(once, value) {
			t.Fatalf("%q is left in %q", value, once)
		}
		if w := m.Wipe([]byte(text)); len(w) != len(text) {
			t.Fatalf("%d bytes became %d", len(text), len(w))
		}
	})
}
