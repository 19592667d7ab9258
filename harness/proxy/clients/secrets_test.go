package clients

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// A password that passes is in no recording, whatever form that is written in,
// and in no log; and Redis gets it nevertheless.
func TestCredentialsAreNowhere(t *testing.T) {
	const secret = "s3cr3t-pa55word"
	long := secret + strings.Repeat("-"+secret, 100) // longer than what is recorded of a frame
	for _, s := range servers(t) {
		s.clean(t)
		require.NoError(t, s.admin.Do(t.Context(), "ACL", "SETUSER", "bob", "on", ">"+secret, ">"+long, "~*", "&*", "+@all").Err())
		defer s.admin.Do(t.Context(), "ACL", "DELUSER", "bob")
		for _, w := range engines() {
			t.Run(w.name, func(t *testing.T) {
				r := w.open(t, s, 2)
				conn, err := net.Dial("tcp", r.to.addr)
				require.NoError(t, err)
				defer conn.Close()
				p := &speaker{conn: conn, framer: resp.NewReplies(1 << 16)}
				for _, c := range []struct{ words, reply string }{
					{"AUTH bob " + secret, "^OK$"},
					{"auth bob " + long, "^OK$"},
					{"AUTH bob wrong-" + secret, "^WRONGPASS"},
					{"AUTH " + secret, "^ERR AUTH <password> called without"},
					{"HELLO 3 AUTH bob " + secret + " SETNAME me", "^server redis "},
					{"HELLO 2 SETNAME you AUTH bob " + long, "^server redis "},
					{"HELLO 3 AUTH bob " + secret + "x", "^WRONGPASS"},
					{"MULTI", "^OK$"},
					{"AUTH bob " + secret, "^(QUEUED|OK|ERR .*)$"},
					{"DISCARD", "^OK$"},
					{"ACL SETUSER eve on >" + secret, "^OK$"},
					{"ACL DELUSER eve", "^1$"},
					{"CONFIG SET masterauth " + secret, "^OK$"},
					{"CONFIG GET masterauth", "^masterauth " + secret + "$"},
					{"CONFIG SET masterauth " + strings.Repeat("x", 1), "^OK$"},
				} {
					for _, wire := range []string{string(resp.AppendCommand(nil, strings.Fields(c.words)...)), c.words + "\r\n"} {
						_, err := conn.Write([]byte(wire))
						require.NoError(t, err)
						require.Regexp(t, c.reply, p.receive(t), strings.ReplaceAll(c.words, secret, "…"))
						if strings.HasPrefix(c.words, "MULTI") || strings.HasPrefix(c.words, "DISCARD") || strings.HasPrefix(c.words, "ACL DEL") {
							break
						}
					}
				}
				events := r.close(t)
				for _, e := range events {
					assert.NotContains(t, e.Point.String(), secret)
					assert.NotContains(t, strings.Join(e.Args, " "), secret)
				}
				var file, text bytes.Buffer
				all, err := r.rec.All()
				require.NoError(t, err)
				require.NoError(t, history.Save(&file, []history.Recording{{Events: all}}))
				require.NoError(t, history.Format(&text, history.Recording{Events: events}))
				assert.Contains(t, text.String(), "(redacted)")
				for where, said := range map[string]string{"file": file.String(), "text": text.String(), "log": r.log.String()} {
					assert.NotContains(t, said, secret, where)
				}
			})
		}
	}
}
