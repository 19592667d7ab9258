package reports

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flakehunt/flakehunt/harness"
)

// stripCells is how many cells a strip of trials has at most; past it, each
// cell stands for several trials and shows the worst of them.
const stripCells = 120

// strip is the trials of a test as three paths, one unit a cell.
type strip struct {
	Width            int
	Pass, Fail, Skip string // SVG path data
	Prov, Calm       string // aimed trials, after the others: those that failed, and the rest
	Label            string
	Few              bool // so few that each trial can be told from its neighbours
}

// aimedCells is how many cells stand for the aimed trials of a test at most.
const aimedCells = 16

func newStrip(letters string, aimed harness.Count) strip {
	s := countedStrip(letters)
	if aimed.K == 0 || aimed.N <= 0 {
		return s
	}
	cells := min(aimed.N, aimedCells)
	if s.Width > 0 { // in proportion, so that they can be seen beside many trials
		cells = max(min(cells, s.Width/3), 2)
		s.Width++ // a gap
	}
	hit := min(max(cells*aimed.K/aimed.N, 1), cells)
	s.Prov = fmt.Sprintf("M%d 0h%dv1h-%dz", s.Width, hit, hit)
	if rest := cells - hit; rest > 0 {
		s.Calm = fmt.Sprintf("M%d 0h%dv1h-%dz", s.Width+hit, rest, rest)
	}
	s.Width += cells
	s.Label = strings.TrimPrefix(fmt.Sprintf("%s; %d of %s failed when provoked", s.Label, aimed.K, count(aimed.N, "aimed trial")), "; ")
	return s
}

func countedStrip(letters string) strip {
	if letters == "" {
		return strip{}
	}
	n := len(letters)
	cells := min(n, stripCells)
	var path [3]strings.Builder
	var failed int
	for i := 0; i < n; i++ {
		if letters[i] == 'F' {
			failed++
		}
	}
	kind := func(cell int) int {
		k := 2
		for i := cell * n / cells; i < (cell+1)*n/cells; i++ {
			switch letters[i] {
			case 'F':
				return 1
			case '.':
				k = 0
			}
		}
		return k
	}
	for i := 0; i < cells; {
		k, j := kind(i), i+1
		for j < cells && kind(j) == k {
			j++
		}
		// Neighbours of one kind are one rectangle: a page of 1,000 tests stays small.
		fmt.Fprintf(&path[k], "M%d 0h%dv1h-%dz", i, j-i, j-i)
		i = j
	}
	label := fmt.Sprintf("%s, %d failed", count(n, "trial"), failed)
	return strip{Width: cells, Pass: path[0].String(), Fail: path[1].String(), Skip: path[2].String(), Label: label, Few: n <= 60}
}

// Geometry of a timeline in CSS pixels; the style sheet has the same row height.
const (
	rowHeight     = 26
	laneGap       = 18
	laneCount     = 8 // further roles share the last
	timelineLines = 40
	longGap       = 50 * time.Millisecond
)

// timeline is commands on the wire: one row a frame, one lane a role.
type timeline struct {
	Width, Height int
	Lanes         []laneView
	Rows          []wireView
	Holds         []holdView
	Marks         []markView
	Cut           int // frames left out
	RoleWidth     int // characters of the longest role, within reason
	Boundary      string
	Label         string // of the region: no two of a page are alike
}

type laneView struct {
	Name         string
	N            int // colour
	X, Top, Foot int
}

type wireView struct {
	At, Role, Arrow, Text, Note, Held, Gap string
	Lane                                   int
	Suspect                                bool
	Remark                                 bool // no frame of a role: "… 12 more frames", "connection closed"
}

// holdView is a bar from a frame's arrival to when it was sent on, which is
// where its row stands.
type holdView struct {
	X, Y, Height int
	Suspect      bool
}

type markView struct {
	X, Y, Lane int
	Out        bool // from Redis to the client
	Suspect    bool
}

// delayNote is the part of a note that says no more than the delay that is drawn anyway.
var delayNote = regexp.MustCompile(`^(?:delayed|held) [0-9][0-9.µa-z]*(?:[,;] |$)`)

// newTimeline lays out lines; nil if there are none. A line's moment is when its
// frame left the proxy: a frame that was held came earlier, by Delayed.
func newTimeline(lines []harness.Line) *timeline {
	if len(lines) == 0 {
		return nil
	}
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b harness.Line) int { return int(min(1, max(-1, a.At-b.At))) })
	t := &timeline{}
	lines, t.Cut = aboutSuspects(lines, timelineLines)
	names := laneNames(lines)
	lanes := map[laneKey]int{}
	for i := range lines {
		l := &lines[i]
		if l.Role == "" { // a remark, not a frame
			w := wireView{Text: oneLine(l.Text, 300), Note: oneLine(l.Note, 200), Suspect: l.Suspect, Remark: true}
			if l.Dir != "" { // something that happened on a connection without a role
				w.At = fmt.Sprintf("%.1f", l.At.Milliseconds())
			}
			t.Rows = append(t.Rows, w)
			continue
		}
		key := laneKey{l.Role, l.Conn}
		n, ok := lanes[key]
		if !ok {
			n = min(len(t.Lanes), laneCount-1)
			lanes[key] = n
			name := names[key]
			if len(t.Lanes) == laneCount {
				if !strings.HasSuffix(t.Lanes[n].Name, " …") {
					t.Lanes[n].Name += " …"
				}
			} else {
				t.Lanes = append(t.Lanes, laneView{Name: name, N: n, X: laneX(n), Top: rowY(i)})
			}
		}
		t.Lanes[n].Foot = rowY(i)
		w := wireView{
			At: fmt.Sprintf("%.1f", l.At.Milliseconds()), Role: names[key], Arrow: "→", Lane: n,
			Text: oneLine(l.Text, 300), Note: oneLine(l.Note, 200), Suspect: l.Suspect,
		}
		if l.Dir == "<" {
			w.Arrow = "←"
		}
		if i > 0 && time.Duration(l.At-lines[i-1].At) >= longGap {
			w.Gap = short(l.At - lines[i-1].At)
		}
		if l.Delayed > 0 {
			w.Held = short(l.Delayed)
			w.Note = delayNote.ReplaceAllString(w.Note, "")
			top := min(timeY(lines, l.At-l.Delayed), rowY(i)-10)
			t.Holds = append(t.Holds, holdView{X: laneX(n), Y: top, Height: rowY(i) - top, Suspect: l.Suspect})
			t.Lanes[n].Top = min(t.Lanes[n].Top, top)
		}
		t.Marks = append(t.Marks, markView{laneX(n), rowY(i), n, l.Dir == "<", l.Suspect})
		t.Rows = append(t.Rows, w)
	}
	t.measure(len(lines))
	return t
}

// measure says how wide and high the drawing of so many lines is.
func (t *timeline) measure(lines int) {
	if len(t.Lanes) == 0 {
		t.Lanes = append(t.Lanes, laneView{Name: "?"})
	}
	t.RoleWidth = 3
	for _, l := range t.Lanes {
		t.RoleWidth = min(14, max(t.RoleWidth, utf8.RuneCountInString(l.Name)))
	}
	t.Width, t.Height = laneX(len(t.Lanes)-1)+laneGap/2+2, lines*rowHeight
}

// laneKey tells lanes apart: roles, and the connections of one role.
type laneKey struct {
	role string
	conn uint32
}

// laneNames names each lane by its role, and numbers those of a role that has
// several connections, in the order in which they appear.
func laneNames(lines []harness.Line) map[laneKey]string {
	names := map[laneKey]string{}
	byRole := map[string][]laneKey{}
	for i := range lines {
		key := laneKey{lines[i].Role, lines[i].Conn}
		if _, ok := names[key]; ok || key.role == "" {
			continue
		}
		names[key] = oneLine(key.role, 40)
		byRole[key.role] = append(byRole[key.role], key)
	}
	for _, keys := range byRole {
		for i, key := range keys {
			if len(keys) > 1 {
				names[key] = fmt.Sprintf("%s·%d", names[key], i+1)
			}
		}
	}
	return names
}

func laneX(n int) int { return laneGap/2 + 2 + n*laneGap }
func rowY(i int) int  { return i*rowHeight + rowHeight/2 }

// timeY places a moment among the rows, in proportion between its neighbours.
func timeY(lines []harness.Line, at harness.Duration) int {
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1].At, lines[i].At
		if at < b && at >= a {
			return rowY(i-1) + int(float64(rowHeight)*float64(at-a)/float64(b-a))
		}
	}
	return 2 // before the first row
}

// aboutSuspects keeps at most n lines, about the suspects if there are any.
func aboutSuspects(lines []harness.Line, n int) (kept []harness.Line, left int) {
	if len(lines) <= n {
		return lines, 0
	}
	first, last := len(lines)-n/2, len(lines)-1
	if i := slices.IndexFunc(lines, func(l harness.Line) bool { return l.Suspect }); i >= 0 {
		first = i
		for j := range lines {
			if lines[j].Suspect && j-first < n {
				last = j
			}
		}
	}
	from := max(0, min((first+last)/2-n/2, len(lines)-n))
	return lines[from : from+n], len(lines) - n
}

// trendView is the pass rate of earlier runs as a line.
type trendView struct {
	Points []trendDot
	Line   string // SVG path data in a box of 1000 by 100
	Low    string // what the foot of the box means
	From   string
	To     string
}

type trendDot struct {
	X, Y   float64
	Failed bool
	Label  string
}

func newTrend(points []TrendPoint) *trendView {
	points = slices.DeleteFunc(slices.Clone(points), func(p TrendPoint) bool { return p.Runs <= 0 })
	if len(points) < 2 {
		return nil
	}
	const most = 400
	if len(points) > most {
		points = points[len(points)-most:]
	}
	low := 1.0
	for _, p := range points {
		low = min(low, passRate(p))
	}
	if low == 1 {
		low = 0.9 // a flat line at the top, not one without a scale
	}
	v := &trendView{Low: percent(low), From: trendLabel(points[0]), To: trendLabel(points[len(points)-1])}
	var path strings.Builder
	for i, p := range points {
		x := 1000 * float64(i) / float64(len(points)-1)
		y := 6 + 88*(1-passRate(p))/(1-low)
		op := "L"
		if i == 0 {
			op = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", op, x, y)
		v.Points = append(v.Points, trendDot{x, y, p.Failures > 0, fmt.Sprintf("%s: %s of %d passed", trendLabel(p), percent(passRate(p)), p.Runs)})
	}
	v.Line = path.String()
	return v
}

func passRate(p TrendPoint) float64 { return 1 - float64(p.Failures)/float64(p.Runs) }

func trendLabel(p TrendPoint) string {
	s := oneLine(p.Label, 60)
	if !p.When.IsZero() {
		s = strings.TrimSpace(p.When.UTC().Format(time.DateOnly) + " " + s)
	}
	return s
}
