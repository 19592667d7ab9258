package proxy

import (
	"bytes"
	"strconv"
	"strings"
)

// keyRange is where a command's keys are among its arguments: from, from+step …
// before to. A command of keyStore has one more, the first.
type keyRange struct{ from, to, step int }

func (r keyRange) has(i int) bool { return i >= r.from && i < r.to && (i-r.from)%r.step == 0 }

// firstKey finds a command's first key among its arguments; "" if it has none or
// it lies beyond what was kept.
func firstKey(cmd *command, args []string) string {
	first := keyRange{step: 1}
	switch cmd.key {
	case keyNone:
		return ""
	case keyFirst:
	default:
		first = keysOf(cmd, len(args), func(i int) []byte { return []byte(args[i]) })
		if first.from >= first.to {
			return ""
		}
	}
	if first.from >= len(args) {
		return ""
	}
	return args[first.from]
}

// keysOf finds the keys of a command among its n arguments, which arg gives.
func keysOf(cmd *command, n int, arg func(i int) []byte) keyRange {
	r := keyRange{step: 1}
	switch cmd.key {
	case keyNone:
		return r
	case keyFirst:
		return cmd.extend(r, n, arg)
	case keySecond:
		r.from = 1
		return cmd.extend(r, n, arg)
	case keyThird:
		r.from, r.to = 2, 3
	case keyCounted:
		r.from, r.to = 1, 1+count(0, n, arg)
	case keyAfter2:
		r.from, r.to = 2, 2+count(1, n, arg)
	case keyStreams:
		for i := range n {
			if bytes.EqualFold(arg(i), []byte("STREAMS")) {
				r.from, r.to = i+1, i+1+(n-i)/2
				break
			}
		}
	}
	r.to = min(r.to, n)
	return r
}

// extend sets where the keys end that begin at r.from.
func (c *command) extend(r keyRange, n int, arg func(i int) []byte) keyRange {
	switch c.keys {
	case keyAlone:
		r.to = r.from + 1
	case keyAll:
		r.to = n
	case keyAllBut1:
		r.to = n - 1
	case keyPairs:
		r.to, r.step = n, 2
	case keyTwo:
		r.to = r.from + 2
	case keyStore:
		r.from, r.to = 2, 2+count(1, n, arg)
	}
	r.to = min(r.to, n)
	return r
}

// count reads how many keys there are; 0 if that is no number.
func count(i, n int, arg func(i int) []byte) int {
	if i >= n {
		return 0
	}
	k, err := strconv.Atoi(strings.TrimSpace(string(arg(i))))
	if err != nil || k < 0 {
		return 0
	}
	return min(k, n)
}
