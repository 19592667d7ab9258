package detect

// cursed finds reads of the key "cursed".
func cursed(t *Trace) (out []Match) {
	for _, c := range t.Commands {
		if c.Verb == "GET" && c.Point.Key == "cursed" {
			out = append(out, Match{
				Title: "GET cursed", Explanation: "The test read the cursed key.",
				Events: seqs(c.Seq, c.Reply), First: c.Point, Then: c.Point.Reply(), Score: 0.97,
			})
		}
	}
	return out
}
