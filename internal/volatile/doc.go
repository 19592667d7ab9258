// Package volatile knows what differs from run to run in the texts of a program:
// identifiers, hashes, times, ports, numbers. Key is for keys, channels and names
// of connections, Name for names of tests, Message for what a failure says, Words
// for whole commands.
//
// The rules differ where the texts do. A key of digits alone is an identifier; in
// the name of a test it is part of what somebody wrote.
//
// It must never do I/O or know of Redis.
package volatile

import "regexp"

const (
	// uuid matches 8-4-4-4-12 hexadecimal digits.
	uuid = `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`
	// longWord matches a word that is an identifier if LooksRandom or ULID says so.
	longWord = `[0-9A-Za-z]{16,}`
)

// inWords is what differs between two runs in the arguments of commands.
var inWords = regexp.MustCompile(`(?i)` + uuid + `|\d{4}-\d\d-\d\dT[0-9:.]+Z|\d{6,}(-\d+)?`)

// Words puts # in the place of identifiers and times in a command.
func Words(command string) string { return inWords.ReplaceAllString(command, "#") }
