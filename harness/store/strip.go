package store

import (
	"fmt"
	"strconv"
	"strings"
)

// packStrip writes a strip with its runs counted, "18.F." for eighteen passes,
// a failure and a pass. One of passes alone is empty: their number is known.
func packStrip(strip string) string {
	if strings.Trim(strip, ".") == "" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(strip); {
		j := i
		for j < len(strip) && strip[j] == strip[i] {
			j++
		}
		if j-i > 1 {
			b.WriteString(strconv.Itoa(j - i))
		}
		b.WriteByte(strip[i])
		i = j
	}
	return b.String()
}

// unpackStrip reads what packStrip wrote for a test of so many runs.
func unpackStrip(packed string, runs int) (string, error) {
	if packed == "" {
		return strings.Repeat(".", max(0, runs)), nil
	}
	const most = 100_000_000 // far above any run; a damaged file must not take all memory
	var b strings.Builder
	n := 0
	for i := range len(packed) {
		c := packed[i]
		if c >= '0' && c <= '9' {
			if n = 10*n + int(c-'0'); n > most {
				return "", fmt.Errorf("strip %.20q: a run of more than %d trials", packed, most)
			}
			continue
		}
		if b.Len()+n > most {
			return "", fmt.Errorf("strip %.20q: more than %d trials", packed, most)
		}
		b.WriteString(strings.Repeat(string(rune(c)), max(n, 1)))
		n = 0
	}
	if n > 0 {
		return "", fmt.Errorf("strip %.20q: ends in a number", packed)
	}
	return b.String(), nil
}
