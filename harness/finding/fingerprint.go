package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Fingerprint names a cause: its class and the commands whose order or time
// matters, without keys and ordinals, so that it is the same in other tests and
// other runs. Of a topic that was subscribed twice it is the subscription alone,
// whether its request or its confirmation was late; of messages whose handling
// overlapped it is the delivery alone, whatever their handlers do; of a message
// that was lost with its connection, the connection; of a read and a write that
// another caller came between, the write, whatever that caller did.
func Fingerprint(class harness.Class, first, then harness.Point) string {
	switch {
	case class == harness.RaceDuplicateSubscribe:
		first.Dir, then = harness.ToServer, harness.Point{}
	case class == harness.RaceCheckThenAct || class == harness.RaceLostUpdate:
		then = harness.Point{}
	case class == harness.OrderMessages && then.Dir == harness.ToClient:
		first, then.Verb = harness.Point{}, "message" // by name or by pattern
	case class == harness.ConnectionLost && first.Dir == harness.ToClient:
		// The connection is the cause, by whichever of its subscriptions a message came.
		first.Verb, then = "message", harness.Point{}
	}
	shape := func(p harness.Point) string { return p.Role + p.Dir.String() + strings.ToUpper(p.Verb) }
	sum := sha256.Sum256([]byte(string(class) + "\n" + shape(first) + "\n" + shape(then)))
	return hex.EncodeToString(sum[:16])
}

// ID is the short name of a fingerprint.
func ID(fingerprint string) string { return "F-" + fingerprint[:8] }
