package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Format is a form of test reports.
type Format string

const (
	FormatJUnit  Format = "JUnit XML"
	FormatGoJSON Format = "go test -json"
	FormatCTRF   Format = "CTRF"
	FormatTRX    Format = "TRX"
	FormatNUnit  Format = "NUnit"
	FormatTAP    Format = "TAP"
)

// sniffed is how much of a report tells its format: a wrapper script may have
// printed something first.
const sniffed = 64 << 10

// ReadReport reads a report of any known format, which it recognises by the
// content. When the report is damaged or ends early, the cases up to there are
// returned with the error.
func ReadReport(r io.Reader) ([]Case, Format, error) {
	in := bufio.NewReaderSize(r, sniffed)
	head, _ := in.Peek(sniffed)
	format := formatOf(head)
	read := map[Format]func(io.Reader) ([]Case, error){
		FormatJUnit: junitCases, FormatGoJSON: goCases, FormatCTRF: ctrfCases, FormatTRX: trxCases, FormatNUnit: nunitCases, FormatTAP: tapCases,
	}[format]
	if read == nil {
		return nil, "", errors.New("no report of a known format: want " +
			"JUnit XML, go test -json, CTRF, TRX, NUnit or TAP" + rootWords(head))
	}
	cases, err := read(in)
	new(Names).Assign(cases)
	return cases, format, err
}

var tapLine = regexp.MustCompile(`^\s*(TAP version \d+|1\.\.\d+|(not )?ok\b( \d+)?)`)

func formatOf(head []byte) Format {
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")))
	if bytes.HasPrefix(text, []byte{'<'}) || bytes.HasPrefix(text, []byte{0xFF, 0xFE}) || bytes.HasPrefix(text, []byte{0xFE, 0xFF}) || bytes.HasPrefix(text, []byte{0, '<'}) {
		return map[string]Format{"testsuites": FormatJUnit, "testsuite": FormatJUnit, "testcase": FormatJUnit,
			"TestRun": FormatTRX, "test-run": FormatNUnit, "test-results": FormatNUnit}[rootOf(head)]
	}
	for line := range bytes.Lines(text) {
		switch line = bytes.TrimSpace(line); {
		case bytes.HasPrefix(line, []byte("{")):
			var e struct{ Action, Package, ImportPath, Test string }
			if json.Unmarshal(line, &e) == nil && e.Action != "" && e.Package+e.ImportPath+e.Test != "" {
				return FormatGoJSON
			}
		case tapLine.Match(line):
			return FormatTAP
		}
	}
	if bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"results"`)) {
		return FormatCTRF
	}
	return ""
}

// rootOf names the root element; empty when there is none.
func rootOf(head []byte) string {
	d := newElements(bytes.NewReader(head)).d
	for {
		tok, err := d.RawToken()
		if err != nil {
			return ""
		}
		if e, ok := tok.(xml.StartElement); ok {
			return e.Name.Local
		}
	}
}

func rootWords(head []byte) string {
	if root := rootOf(head); root != "" && bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")) {
		return fmt.Sprintf("; its root element is <%s>", root)
	}
	return ""
}

// goCases reads the output of go test -json.
func goCases(r io.Reader) ([]Case, error) {
	outcomes, err := GoTest(r)
	from := &report{}
	cases := make([]Case, len(outcomes))
	for i, o := range outcomes {
		cases[i] = Case{Outcome: o, Name: o.Test.Title, Classname: o.Test.Classname, Path: []string{o.Test.Suite}, OwnStart: true,
			Attempt: 1, Attempts: 1, short: o.Test.Name, report: from}
	}
	return cases, err
}

// joined is a title behind the suites around it.
func joined(suites []string, title string) string {
	return strings.Join(append(suites[:len(suites):len(suites)], title), " > ")
}
