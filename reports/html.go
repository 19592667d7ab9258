package reports

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

var (
	//go:embed assets/report.html
	pageSource string
	//go:embed assets/finding.html
	findingSource string
	//go:embed assets/report.css
	styleSource string
	//go:embed assets/finding.css
	findingStyle string
	//go:embed assets/report.js
	listScript string
	//go:embed assets/compare.js
	compareScript string
)

// pageTemplate is parsed once: that takes longer than filling it in.
var pageTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("report").Funcs(template.FuncMap{
		"dur": short, "pct": percent, "one": func(v any) string { return oneLine(fmt.Sprint(v), 2000) },
		"count": count, "x100": func(v float64) float64 { return 100 * v }, "margin": marginWords, "repro": Repro,
		"term": func(name string) string { return terms[name] },
	}).Parse(pageSource + findingSource)
})

// pageStyle and pageScript are what every page has: the same bytes, whatever it shows.
func pageStyle() string { return styleSource + findingStyle }
func pageScript() string {
	return strings.TrimSpace(listScript) + "\n" + strings.TrimSpace(compareScript)
}

// HTML writes report.html: one file that asks nothing of the network. A content
// security policy lets only the page's own script run, by its hash, so that even
// a hole in the escaping would not let a test's output run.
func HTML(w io.Writer, r *harness.Result, o Options) error {
	page, err := pageTemplate()
	if err != nil {
		return fmt.Errorf("parse the page's template: %w", err)
	}
	v := newPage(r, o)
	v.Style, v.Script = template.CSS(pageStyle()), template.JS(pageScript())
	sum := sha256.Sum256([]byte(v.Script))
	v.ScriptHash = "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
	return page.Execute(w, v)
}
