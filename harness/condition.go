package harness

import (
	"slices"
	"strings"
)

// serverConditions are the first words of error replies that tell of a server's
// condition.
var serverConditions = []string{"LOADING", "OOM", "MISCONF", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY", "NOAUTH"}

// ServerCondition reports whether an error reply tells of the server's condition and
// not of the command.
func ServerCondition(reply string) bool {
	word, _, _ := strings.Cut(reply, " ")
	return slices.Contains(serverConditions, word) || strings.HasPrefix(reply, "ERR max number of")
}
