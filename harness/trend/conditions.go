package trend

import (
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// ConditionsOf names what must be equal for two runs' pass rates to be
// comparable: the variant of the shipped suites, the delays of an undirected
// strategy, and whether time was virtual. A run whose counted trials inject
// nothing (strategies none and directed, and imported files) has none of these
// but the variant.
func ConditionsOf(r *harness.Result) string {
	var parts []string
	if t := r.Target; t.Kind == harness.ShippedTarget {
		variant, waits := t.Variant, t.Waits
		if variant != "" && variant != "hardened" {
			defects := slices.Clone(t.Defects)
			slices.Sort(defects)
			parts = append(parts, strings.TrimSuffix(variant+":"+strings.Join(defects, "+"), ":"))
		}
		if waits != "" && waits != "hardened" {
			parts = append(parts, "waits:"+waits)
		}
	}
	if r.Redis.Provider == "sim" {
		parts = append(parts, "virtual-time")
	}
	if r.Strategy != "" && r.Strategy != "none" && r.Strategy != "directed" {
		parts = append(parts, r.Strategy)
		keys := make([]string, 0, len(r.Params))
		for k := range r.Params {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			parts = append(parts, k+"="+r.Params[k])
		}
	}
	return strings.Join(parts, " ")
}
