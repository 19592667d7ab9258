package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// node is any XML element.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []node     `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *node) all(name string) []*node {
	var list []*node
	for i := range n.Children {
		if n.Children[i].XMLName.Local == name {
			list = append(list, &n.Children[i])
		}
	}
	return list
}

func (n *node) first(name string) *node {
	if list := n.all(name); len(list) > 0 {
		return list[0]
	}
	return nil
}

func parseXML(t *testing.T, data []byte) *node {
	t.Helper()
	var n node
	require.NoError(t, xml.Unmarshal(data, &n))
	return &n
}

// schema is the part of XML Schema that testdata/junit.xsd uses: elements with
// a sequence of references, attributes of simple types, mixed or no text.
type schema struct{ elements, types map[string]*node }

func loadSchema(t *testing.T) schema {
	t.Helper()
	data, err := os.ReadFile("testdata/junit.xsd")
	require.NoError(t, err)
	s := schema{map[string]*node{}, map[string]*node{}}
	root := parseXML(t, data)
	for i := range root.Children {
		switch c := &root.Children[i]; c.XMLName.Local {
		case "element":
			s.elements[c.attr("name")] = c
		case "complexType":
			s.types[c.attr("name")] = c
		default:
			require.FailNow(t, "the validator does not know "+c.XMLName.Local)
		}
	}
	return s
}

// validate returns what is wrong with n and all below it.
func (s schema) validate(n *node, path string) []string {
	path += "/" + n.XMLName.Local
	decl, ok := s.elements[n.XMLName.Local]
	if !ok {
		return []string{path + ": unknown element"}
	}
	kind := decl.first("complexType")
	if name := decl.attr("type"); strings.HasPrefix(name, "xs:") {
		if len(n.Children)+len(n.Attrs) > 0 {
			return []string{path + ": only text is allowed"}
		}
		return simple(name, n.Text, path)
	} else if kind == nil {
		kind = s.types[name]
	}
	var wrong []string
	if kind.attr("mixed") != "true" && strings.TrimSpace(n.Text) != "" {
		wrong = append(wrong, path+": text is not allowed")
	}
	wrong = append(wrong, attributes(kind, n, path)...)
	next := 0
	var particles []*node
	if seq := kind.first("sequence"); seq != nil {
		particles = seq.all("element")
	}
	for _, p := range particles {
		count := 0
		for next < len(n.Children) && n.Children[next].XMLName.Local == p.attr("ref") {
			next++
			count++
		}
		if p.attr("minOccurs") == "1" && count < 1 || p.attr("maxOccurs") == "1" && count > 1 {
			wrong = append(wrong, fmt.Sprintf("%s: %d of %s", path, count, p.attr("ref")))
		}
	}
	if next < len(n.Children) {
		wrong = append(wrong, path+": unexpected "+n.Children[next].XMLName.Local)
	}
	for i := range n.Children {
		wrong = append(wrong, s.validate(&n.Children[i], path)...)
	}
	return wrong
}

func attributes(kind, n *node, path string) []string {
	var wrong []string
	known := map[string]bool{}
	for _, a := range kind.all("attribute") {
		name := a.attr("name")
		known[name] = true
		present := false
		for _, got := range n.Attrs {
			if got.Name.Local == name {
				present = true
				wrong = append(wrong, simple(a.attr("type"), got.Value, path+"/@"+name)...)
			}
		}
		if !present && a.attr("use") == "required" {
			wrong = append(wrong, path+": no attribute "+name)
		}
	}
	for _, got := range n.Attrs {
		if !known[got.Name.Local] {
			wrong = append(wrong, path+": unknown attribute "+got.Name.Local)
		}
	}
	return wrong
}

var (
	wholeNumber = regexp.MustCompile(`^[0-9]+$`)
	decimalForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

func simple(kind, value, path string) []string {
	ok := true
	switch kind {
	case "xs:string":
	case "xs:nonNegativeInteger":
		ok = wholeNumber.MatchString(value)
	case "xs:decimal":
		ok = decimalForm.MatchString(value)
	case "xs:dateTime":
		_, err := time.Parse(time.RFC3339, value)
		ok = err == nil
	default:
		return []string{path + ": the validator does not know " + kind}
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %q is no %s", path, value, kind)}
	}
	return nil
}

// TestJUnitHasTheShapeOfItsSchema validates every sample in both ways of writing flaky tests.
func TestJUnitHasTheShapeOfItsSchema(t *testing.T) {
	s := loadSchema(t)
	for _, x := range append(sample.All(), sample.Named{Name: "large", Result: sample.Large(1000, 100)}) {
		for _, mode := range []string{"pass", "fail"} {
			var buf bytes.Buffer
			require.NoError(t, JUnit(&buf, x.Result, Options{JUnitFlaky: mode}))
			root := parseXML(t, buf.Bytes())
			assert.Empty(t, s.validate(root, ""), "%s, flaky %s", x.Name, mode)
			cases := 0
			for _, suite := range root.all("testsuite") {
				cases += len(suite.all("testcase"))
			}
			assert.Equal(t, len(x.Result.Tests)+huntCases(x.Result, mode), cases, "%s: one testcase a test", x.Name)
		}
	}
}

// huntCases is 1 for a run that is no pass for a reason beside its tests.
func huntCases(r *harness.Result, flaky string) (n int) {
	if kind, _, _ := alarm(r); kind != "" {
		n++
	}
	r = asJudged(r)
	for i := range r.Tests {
		if g := groupsOf(r, &r.Tests[i]); flaky != "fail" && r.Tests[i].Status == harness.Flaky && len(g) > 0 && !neverRetried(g) {
			return n + 1 // they are named in one case
		}
	}
	return n
}

// TestSchemaRefuses shows that the validator can fail.
func TestSchemaRefuses(t *testing.T) {
	s := loadSchema(t)
	const head = `<testsuites tests="1" failures="0" errors="0">`
	for _, c := range []struct{ xml, want string }{
		{`<testsuites tests="x" failures="0" errors="0"/>`, `/testsuites/@tests: "x" is no xs:nonNegativeInteger`},
		{`<testsuites tests="1" errors="0"/>`, "/testsuites: no attribute failures"},
		{head + `<testcase name="a" classname="b" time="1"/></testsuites>`, "/testsuites: unexpected testcase"},
		{head + `<testsuite name="s" tests="1"><testcase name="a" classname="b" time="1"><failure type="f"/><failure type="f"/></testcase></testsuite></testsuites>`, "/testsuites/testsuite/testcase: 2 of failure"},
		{head + `<testsuite name="s" tests="1"><testcase name="a" classname="b" time="1"><failure type="f"><stackTrace/></failure></testcase></testsuite></testsuites>`, "/testsuites/testsuite/testcase/failure: unexpected stackTrace"},
		{head + `<testsuite name="s" tests="1"><testcase name="a" classname="b" time="1"><retry/></testcase></testsuite></testsuites>`, "/testsuites/testsuite/testcase/retry: unknown element"},
		{head + `<testsuite name="s" tests="1" host="h"/></testsuites>`, "/testsuites/testsuite: unknown attribute host"},
		{head + `text</testsuites>`, "/testsuites: text is not allowed"},
	} {
		assert.Contains(t, s.validate(parseXML(t, []byte(c.xml)), ""), c.want, c.xml)
	}
}
