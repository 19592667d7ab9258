// Package history keeps what passed the proxy: a recorder that the proxy
// writes to, its compact file format, a text form that a person can edit, and
// the timelines that reports show.
//
// It must never judge what it keeps, wait for anything on the way of a frame,
// or hold more in memory than it was allowed.
//
// # The file format
//
// A file is the magic "FLKHIST" and a version byte, then records, appended as
// things happen. A record is a length (uvarint) and that many bytes, the first
// of which is its type:
//
//	0 reset   the tables below are emptied, and numbers count from 0 again
//	1 string  the rest is text; it gets the next number, from 1 (0 is "")
//	2 point   role, verb, key (uvarints: string numbers), direction (byte); gets the next number, from 1
//	3 event   kind (byte), flags (byte), then as varints: seq and time since the event before, …
//	4 again   as the event before, with seq, ordinal and reply-to one higher; the rest is its payload
//	5 same    likewise, and the payload is the same too
//	6 outcome the rest is the outcome of a test in JSON; the events that follow are its recording
//
// Types 4 and 5 are for pipelines, whose frames come and go together. They follow
// an event that nothing was decided about. Version 1 has neither. A reader
// passes over types that it does not know.
//
// A string or point is written once, before the first event that uses it. The
// last record of a file may be cut short, since a crash may come at any time;
// readers end there.
package history

const (
	magic   = "FLKHIST"
	version = 2
	oldest  = 1 // that is read

	recordReset   = 0
	recordString  = 1
	recordPoint   = 2
	recordEvent   = 3
	recordAgain   = 4
	recordSame    = 5
	recordOutcome = 6

	flagError    = 1 << 0
	flagMulti    = 1 << 1
	flagBlocking = 1 << 2
	flagDecided  = 1 << 3 // action, asked and ending follow
	flagSent     = 1 << 4 // Out − In follows; without it Out is 0

	// DefaultPayload is how many bytes of a frame are kept unless asked
	// otherwise: an envelope with its ids fits.
	DefaultPayload = 512

	// maxInterned is how many strings and points the tables hold before they
	// are emptied, so that keys without end do not fill the memory.
	maxInterned = 1 << 15
	// maxRecord is the longest record that a reader believes in.
	maxRecord = 1 << 24
)
