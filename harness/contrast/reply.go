package contrast

import (
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness/detect"
)

// fewValues is how many answers of one command are told apart by what they are;
// where there are more, by their shape.
const fewValues = 4

// shapeOf is what is told of an answer: the code of an error, nil, a small number
// or word as it is, the kind of the rest.
func shapeOf(c *detect.Command) string {
	r := c.Result
	switch {
	case !c.Answered():
		return ""
	case c.IsError && len(r) > 0:
		return detect.Code(r[0])
	case len(r) == 0:
		return "nothing"
	case len(r) > 1:
		return strconv.Itoa(len(r)) + " elements"
	case r[0] == "(nil)":
		return "nil"
	case r[0] == "":
		return "an empty value"
	}
	const longest = 24
	if len(r[0]) > longest || strings.HasSuffix(r[0], "…") {
		return "a value"
	}
	return r[0]
}

// noteAnswers numbers the answers of all commands, so that they can be compared
// often.
func (t *table) noteAnswers() {
	t.answers = []string{""}
	number := map[string]int16{}
	for i := range t.runs {
		row := make([]int16, len(t.points))
		for id, f := range t.at[i] {
			if f == nil || f.command == nil || !f.command.Answered() || f.command.Exec != nil {
				continue
			}
			s := shapeOf(f.command)
			n, known := number[s]
			if !known && len(t.answers) < 1<<15-1 {
				n = int16(len(t.answers))
				number[s] = n
				t.answers = append(t.answers, s)
			}
			row[id] = n
		}
		t.answer = append(t.answer, row)
	}
}

// kindOf is the coarser shape.
func kindOf(shape string) string {
	switch shape {
	case "", "nil", "nothing", "an empty value", "0", "1", "-1", "-2", "OK":
		return shape
	}
	if _, err := strconv.ParseFloat(shape, 64); err == nil {
		return "a number"
	}
	if strings.HasSuffix(shape, " elements") {
		return "elements"
	}
	return "a value"
}

// replies finds commands that are answered otherwise where the test fails.
func (t finder) replies() {
	for id := range t.points {
		byShape, known := t.shapes(int32(id), asItIs)
		if len(byShape) > fewValues {
			byShape, known = t.shapes(int32(id), kindOf)
		}
		if len(byShape) < 2 {
			continue
		}
		for _, shape := range slices.Sorted(maps.Keys(byShape)) {
			q := Predicate{Kind: Reply, basis: basis{holds: byShape[shape], known: known, when: t.usual[id]}, First: t.points[id].Reply(), Then: t.points[id], Text: shape}
			if against := t.against(&q); against && len(byShape) == 2 {
				continue // the other answer says the same
			} else if against {
				q.Text = "anything but " + shape
			}
			t.add(q)
		}
	}
}

func asItIs(shape string) string { return shape }

// shapes tells in which runs a command was answered in which way.
func (t finder) shapes(id int32, of func(string) string) (byShape map[string]uint64, known uint64) {
	for i := range t.runs {
		a := t.answer[i][id]
		if a == 0 {
			continue
		}
		if byShape == nil {
			byShape = map[string]uint64{}
		}
		byShape[of(t.answers[a])] |= 1 << i
		known |= 1 << i
	}
	return byShape, known
}

// presence finds frames that are there in some runs alone. That one is missing
// says something only of a run in which its connection's role went on to frames
// that come after it as a rule: a test that failed before sends nothing more.
func (t finder) presence() {
	reached := make([]map[string]int64, len(t.runs))
	for i := range t.runs {
		reached[i] = map[string]int64{}
		for id, f := range t.at[i] {
			if f != nil {
				role := t.points[id].Role
				reached[i][role] = max(reached[i][role], int64(t.usual[id]))
			}
		}
	}
	for id, p := range t.points {
		var there, known uint64
		for i := range t.runs {
			switch {
			case t.at[i][id] != nil:
				there |= 1 << i
				known |= 1 << i
			case reached[i][p.Role] > int64(t.usual[id]):
				known |= 1 << i
			}
		}
		if there == 0 || there == known || bits.OnesCount64(there) < 2 && bits.OnesCount64(known&^there) < 2 {
			continue
		}
		q := Predicate{Kind: Duplicate, basis: basis{holds: there, known: known, when: t.usual[id]}, First: p, Then: p}
		if t.against(&q) {
			q.Kind = Absent
		}
		t.add(q)
	}
}
