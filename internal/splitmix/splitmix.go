// Package splitmix derives numbers from numbers and names, the same on every machine.
//
// It must never hold a state, or draw from one that others share.
package splitmix

// Golden is what SplitMix64 adds from one number of a stream to the next.
const Golden = 0x9e3779b97f4a7c15

const (
	// Start is the hash of nothing: 64-bit FNV-1a's.
	Start = 14695981039346656037
	prime = 1099511628211
)

// Mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014, section 4).
func Mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Word folds s into h by 64-bit FNV-1a, ended by a byte that UTF-8 never holds, so
// that "ab","c" and "a","bc" differ.
func Word(h uint64, s string) uint64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * prime
	}
	return (h ^ 0xff) * prime
}
