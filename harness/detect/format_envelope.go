package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// formatEnvelope: one channel carries payloads of more than one shape, or an undecodable or ambiguous one.
func formatEnvelope(t *Trace) []Match {
	shapes, channels := shapesByChannel(t)
	var out []Match
	for _, ch := range channels {
		if m, ok := matchShapes(t, ch, shapes[ch]); ok {
			out = append(out, m)
		}
	}
	return out
}

// shapesByChannel gives the first delivery of each shape that the payloads of a
// channel had, and the channels in the order of their first deliveries. It leaves
// out payloads of which the recording does not hold enough.
func shapesByChannel(t *Trace) (shapes map[string]map[string]*Delivery, channels []string) {
	shapes = map[string]map[string]*Delivery{}
	for _, d := range t.Deliveries {
		if strings.HasSuffix(d.Payload, "…") {
			continue
		}
		if shapes[d.Channel] == nil {
			shapes[d.Channel] = map[string]*Delivery{}
			channels = append(channels, d.Channel)
		}
		if s := shape(d.Payload); shapes[d.Channel][s] == nil {
			shapes[d.Channel][s] = d
		}
	}
	return shapes, channels
}

// oddShape is the first of the shapes that a reader may stumble over, and what is
// odd about it; "" when none is. kinds are in order. A payload that is no JSON is
// odd on a channel with another that is.
func oddShape(kinds []string) (kind, odd string) {
	structured := slices.ContainsFunc(kinds, func(k string) bool { return k != text })
	for _, k := range kinds {
		switch {
		case k == text && structured:
			return k, noJSON
		case strings.HasPrefix(k, "!"):
			return k, k[1:]
		}
	}
	return kinds[0], ""
}

// matchShapes judges the shapes of one channel's payloads.
func matchShapes(t *Trace, ch string, shapes map[string]*Delivery) (Match, bool) {
	kinds := slices.Sorted(maps.Keys(shapes))
	kind, odd := oddShape(kinds)
	first := shapes[kind]
	said := t.message().hint("json", "null", "object", "field", "decode", "payload", "envelope")
	if slices.ContainsFunc(kinds, func(k string) bool { return t.message().quotes(shapes[k].Payload) }) {
		said += 0.2 // the test tells of what it carried
	}
	m := Match{First: first.Event.Point, Then: first.Event.Point}
	for _, k := range kinds {
		m.Events = append(m.Events, shapes[k].Event.Seq)
	}
	slices.Sort(m.Events)
	switch {
	case odd == noJSON:
		if _, got, counted := shortfall(t); counted && got == readable(t, ch) {
			said += 0.3 // the test had all but those
		}
		m.Title = fmt.Sprintf("a payload on %s %s", ch, noJSON)
		m.Explanation = fmt.Sprintf("%s carried %s, which %s. A reader that expects JSON must say what it does with anything else: log and drop it, and go on.", ch, brief(first.Payload), noJSON)
		m.Score = 0.4 + said
	case odd != "":
		m.Title = fmt.Sprintf("a payload on %s %s", ch, odd)
		m.Explanation = fmt.Sprintf("%s carried %s, which %s. A reader that takes the field msg of whatever has one gives its handler something else than was published. "+
			"Tell wrapper and message apart by more than one field: require the wrapper's fields and no others.", ch, brief(first.Payload), odd)
		m.Score = 0.4 + said
	case len(kinds) > 1:
		m.Title = fmt.Sprintf("%s carries payloads of %d shapes", ch, len(kinds))
		m.Explanation = fmt.Sprintf("The payloads on %s had the shapes %s. A handler that expects one of them cannot read the others. Agree on one wire form for a channel.",
			ch, strings.Join(kinds, "; "))
		m.Score = 0.25 + said
	default:
		return Match{}, false
	}
	return m, true
}

// readable counts the messages of a channel that are JSON.
func readable(t *Trace, channel string) int {
	n := 0
	for _, d := range t.Deliveries {
		if d.Channel == channel && shape(d.Payload) != text {
			n++
		}
	}
	return n
}

// text is the shape of what is no JSON: a channel may carry nothing else.
const text = "text"

// noJSON is what is odd about it beside JSON.
const noJSON = "is no JSON"

// shape describes a payload by its kind and field names. One that a reader may
// well mistake begins with "!", followed by what is odd about it.
func shape(payload string) string {
	var v any
	if err := json.Unmarshal([]byte(payload), &v); err != nil {
		return text
	}
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprintf("%T", v)
	}
	if msg, there := object["msg"]; there {
		inner, nested := msg.(map[string]any)
		switch {
		case msg == nil:
			return "!has null for its field msg"
		case nested && has(inner, "msg"):
			return "!has a field msg within its field msg"
		case len(object) > 2 || len(object) == 2 && !has(object, "key"):
			return "!has a field msg among others"
		case !nested:
			return "!has a field msg that is no object"
		}
		return "wrapper of " + fields(inner)
	}
	return fields(object)
}

func has(m map[string]any, k string) bool { _, ok := m[k]; return ok }

func fields(m map[string]any) string {
	return "{" + strings.Join(slices.Sorted(maps.Keys(m)), ",") + "}"
}
