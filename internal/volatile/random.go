package volatile

import "math"

// ULID tells an identifier of 26 characters of Crockford's base 32, in upper
// case, that begins with 0 to 7 and holds a letter. w holds ASCII letters and
// numerals alone.
func ULID[T ~string | ~[]byte](w T) bool {
	if len(w) != 26 || w[0] > '7' {
		return false
	}
	letters := 0
	for i := range len(w) {
		switch c := w[i]; {
		case c <= '9':
		case c > 'Z', c == 'I', c == 'L', c == 'O', c == 'U':
			return false
		default:
			letters++
		}
	}
	return letters > 0
}

// Bits of evidence from which a word counts as random, and the shortest such
// words. The shares of names that are taken for random are measured by
// TestLooksRandomSparesNames, those of random words that are told by
// TestLooksRandomFindsRandomSuffixes.
const (
	randomFrom       = 4    // a word of letters of both cases, or of letters and numerals
	randomSuffixFrom = -1.5 // likewise, behind a separator
	randomPlainFrom  = 10   // a word of letters of one case
	leastRandom      = 5
	leastPlainRandom = 6
)

// LooksRandom tells a word that a program drew at random (a short UUID, a token,
// a nanoid, a hash) from a name that somebody chose. w holds ASCII letters and
// numerals alone; of numerals alone it says false.
func LooksRandom[T ~string | ~[]byte](w T) bool { return looksRandom(w, randomFrom) }

// LooksRandomSuffix is LooksRandom for a word behind a separator, where programs
// put what they draw: less evidence suffices.
func LooksRandomSuffix[T ~string | ~[]byte](w T) bool { return looksRandom(w, randomSuffixFrom) }

func looksRandom[T ~string | ~[]byte](w T, from float64) bool {
	if len(w) < leastRandom || repeats(w) {
		return false
	}
	a := alphabetOf(w)
	if a.kinds() == 1 {
		if a.digits || len(w) < leastPlainRandom {
			return false
		}
		from = randomPlainFrom
	}
	return nameBits(w, a)-float64(len(w))*a.bits() > from
}

// repeats reports whether one character stands four times in a row: padding, not
// chance.
func repeats[T ~string | ~[]byte](w T) bool {
	run := 1
	for i := 1; i < len(w); i++ {
		if w[i] != w[i-1] {
			run = 0
		}
		if run++; run == 4 {
			return true
		}
	}
	return false
}

// alphabet is what characters a word is made of.
type alphabet struct{ digits, lower, upper, beyondF bool }

func alphabetOf[T ~string | ~[]byte](w T) (a alphabet) {
	for i := range len(w) {
		c := w[i]
		switch {
		case c <= '9':
			a.digits = true
		case c >= 'a':
			a.lower = true
		default:
			a.upper = true
		}
		a.beyondF = a.beyondF || c|0x20 > 'f'
	}
	return a
}

func (a alphabet) kinds() (n int) {
	for _, has := range [...]bool{a.digits, a.lower, a.upper} {
		if has {
			n++
		}
	}
	return n
}

// bits is what a character of the alphabet drawn at random takes to tell.
func (a alphabet) bits() float64 {
	if a.digits && !a.beyondF && a.lower != a.upper {
		return 4 // hexadecimal
	}
	n := 0.0
	if a.digits {
		n += 10
	}
	if a.lower {
		n += 26
	}
	if a.upper {
		n += 26
	}
	return math.Log2(n)
}

// What it takes, in bits, to tell the next character of a name.
const (
	letterBits = 4.7 // of 26, by chance; pairs that names have take less
	digitBits  = 3.3

	stays       = 0.15
	staysUpper  = 1 // in a word that has lower case, too
	staysDigit  = 1
	newWord     = 3.5 // fooBar, at B
	capitalized = 0.5 // Foo, at the first o
	endsAcronym = 3   // HTTPServer, at the e
	toDigit     = 4.5
	fromDigit   = 4.5
	digitFirst  = 3
)

// nameBits is what it takes to tell w if it is a name: pairs of letters as in
// identifiers and English, few changes of case, numerals together.
func nameBits[T ~string | ~[]byte](w T, a alphabet) (bits float64) {
	const none, digit, lower, upper = 0, 1, 2, 3
	last, run := none, 0
	before := 0 // row of the letter before; 0: a word begins
	for i := range len(w) {
		c := w[i]
		kind := digit
		switch {
		case c >= 'a':
			kind = lower
		case c > '9':
			kind = upper
		}
		letter := func(row int) float64 { return letterBits - float64(int(pairs[row][(c|0x20)-'a'])-'6') }
		switch {
		case kind == digit && last == digit:
			bits += digitBits + staysDigit
		case kind == digit && last == none:
			bits += digitBits + digitFirst
		case kind == digit:
			bits += digitBits + toDigit
		case last == none:
			bits += letter(0)
		case last == digit:
			bits += letter(0) + fromDigit
		case kind == last && (kind == lower || !a.lower):
			bits += letter(before) + stays
		case kind == last:
			bits += letter(before) + staysUpper
		case kind == upper:
			bits += letter(0) + newWord
		case run == 1:
			bits += letter(before) + capitalized
		default:
			bits += letter(before) + endsAcronym
		}
		if kind != last {
			run = 0
		}
		last, before = kind, 0
		run++
		if kind != digit {
			before = int(c|0x20) - 'a' + 1
		}
	}
	return bits
}

// pairs says how much likelier than by chance a letter follows another in
// names, in bits, '6' being as likely. It was counted over 20,000 words of
// SCOWL's American English and half of the identifiers of net, encoding,
// database and go of Go's standard library, split at changes of case.
var pairs = [27]string{
	"66766656734666573777655222", // beginning
	"26772462614878160878544452", // a
	"85238101761822810763812070", // b
	"81518047617722942647630040", // c
	"73379343820635740762623350", // d
	"73675542312658454887345641", // e
	"71447712900734821755701150", // f
	"72419367700646820775602144", // g
	"83129211801444820558603050", // h
	"64767560102769752577250405", // i
	"82229222625222822272822222", // j
	"74229264813636620473703050", // k
	"73369322803733830266640070", // l
	"96239201801464770264610130", // m
	"72778582605446622278552031", // n
	"55673552516778660866756331", // o
	"82338126604712860856641040", // p
	"33433323322423242244922222", // q
	"84559442804455730776552050", // r
	"62618337704554662379604050", // s
	"72539317800542760767603372", // t
	"65657650612778460787020212", // u
	"93029200800201600222430020", // v
	"83248326803547730864222031", // w
	"71617333711453591149543561", // x
	"64647343621567591677434212", // y
	"73229224823532642332333256", // z
}
