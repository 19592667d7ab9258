package effects

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// streams adds consumer groups, and which streams are read only from now on.
func streams(e *Effects, args []string) {
	group := func(key, name string) Resource { return Resource{Kind: Group, Name: key, Part: name} }
	switch e.Verb {
	case "XGROUP|CREATE":
		e.write(group(at(args, 2), at(args, 3)))
		if at(args, 4) == "$" {
			e.Latest = append(e.Latest, at(args, 2))
		}
	case "XGROUP|SETID":
		e.write(group(at(args, 2), at(args, 3)))
		if at(args, 4) == "$" {
			e.Latest = append(e.Latest, at(args, 2))
		}
	case "XGROUP|DESTROY", "XGROUP|CREATECONSUMER", "XGROUP|DELCONSUMER":
		e.write(group(at(args, 2), at(args, 3)))
	case "XREADGROUP":
		name := ""
		if i := slices.IndexFunc(args, func(a string) bool { return strings.EqualFold(a, "GROUP") }); i >= 0 {
			name = at(args, i+1)
		}
		for _, k := range e.Keys {
			e.read(group(k.Key, name))
			e.write(group(k.Key, name))
		}
		// The stream itself stays as it is: what is written is the group.
		e.Writes = slices.DeleteFunc(e.Writes, func(r Resource) bool { return r.Kind == Key })
	case "XACK", "XCLAIM", "XAUTOCLAIM", "XACKDEL":
		e.read(group(at(args, 1), at(args, 2)))
		e.write(group(at(args, 1), at(args, 2)))
		if e.Verb != "XACKDEL" {
			e.Writes = slices.DeleteFunc(e.Writes, func(r Resource) bool { return r.Kind == Key })
		}
	case "XPENDING":
		e.read(group(at(args, 1), at(args, 2)))
	case "XINFO|GROUPS", "XINFO|CONSUMERS":
		e.read(group(at(args, 2), at(args, 3)))
	case "XREAD":
		e.latestOf(args)
	}
}

// latestOf notes the streams that XREAD reads from $.
func (e *Effects) latestOf(args []string) {
	i := slices.IndexFunc(args, func(a string) bool { return strings.EqualFold(a, "STREAMS") })
	if i < 0 {
		return
	}
	rest := args[i+1:]
	n := len(rest) / 2
	for j := range n {
		if rest[n+j] == "$" || rest[n+j] == "+" {
			e.Latest = append(e.Latest, rest[j])
		}
	}
}

// Timeout is how long a blocking command waits in Redis at most: 0 for ever. It
// reports false for a command that does not block.
func Timeout(args []string) (time.Duration, bool) {
	seconds := func(s string) (time.Duration, bool) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 0 || f > 1e9 {
			return 0, false
		}
		return time.Duration(f * float64(time.Second)), true
	}
	millis := func(s string) (time.Duration, bool) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || n > 1e12 {
			return 0, false
		}
		return time.Duration(n) * time.Millisecond, true
	}
	switch Name(args) {
	case "BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX", "BLMOVE", "BRPOPLPUSH":
		return seconds(at(args, len(args)-1))
	case "BLMPOP", "BZMPOP":
		return seconds(at(args, 1))
	case "XREAD", "XREADGROUP":
		for i := 1; i+1 < len(args) && !strings.EqualFold(args[i], "STREAMS"); i++ {
			if strings.EqualFold(args[i], "BLOCK") {
				return millis(args[i+1])
			}
		}
	case "WAIT":
		return millis(at(args, 2))
	case "WAITAOF":
		return millis(at(args, 3))
	}
	return 0, false
}
