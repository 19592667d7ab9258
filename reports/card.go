package reports

import (
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/advice"
)

// findingView is a finding as the page shows it: what happened, pass beside
// fail, why, how to see it, what to change, how to check the fix.
type findingView struct {
	ID, Class, Family, Standing, Title string
	Happened, Detail                   string
	Why                                []string
	Message, Kind                      string
	Compare                            *compareView
	Source                             []sourceView
	CallShare                          string
	Tests                              []testLink
	MoreTests                          int
	Replays, Look                      []string
	Threshold, Needs, Repro, Verify    string
	Margin                             *marginView
	Change                             *advice.Advice
	Redis                              string
	Latent                             bool
	Notes                              []string
	Counts                             string // for the overview: "provoked 3 of 3"
}

// testLink is a test's name and its place in the page; "" if it is not there.
type testLink struct{ Name, Anchor string }

func newFinding(r *harness.Result, f *harness.Finding, b *budget) findingView {
	v := findingView{
		ID: oneLine(f.ID, 40), Class: oneLine(string(f.Class), 60), Standing: oneLine(string(f.Standing), 40),
		Title: oneLine(f.Title, 500), Happened: happened(f), Detail: block(f.Explanation, 5000), Why: why(f),
		Kind: oneLine(string(f.Failure.Kind), 40), Message: b.block(f.Failure.Message, pageMessage),
		Compare: compareRuns(f, forgeOfResult(r)), Source: sources(f, forgeOfResult(r)), CallShare: callShare(f), Replays: replays(f), Look: look(f), Threshold: threshold(f), Needs: needs(f),
		Repro: Repro(f.ID), Verify: Verify(f.ID), Change: change(r, f), Redis: redisWords(f.Redis),
		Latent: f.Standing == harness.Latent, MoreTests: max(0, len(f.Tests)-20), Counts: evidence(f),
	}
	v.Family, _, _ = strings.Cut(v.Class, "/")
	for i, name := range safeNames(f.Tests, 20) {
		v.Tests = append(v.Tests, testLink{name, anchorOf(r, f.Tests[i])})
	}
	if f.Margin != nil {
		m := newMargin(*f.Margin, r.Machine)
		v.Margin = &m
	}
	for _, s := range f.Warnings {
		v.Notes = append(v.Notes, oneLine(s, 500))
	}
	return v
}
