package reports

import (
	"encoding/xml"
	"strings"
)

type xmlSuites struct {
	XMLName   xml.Name   `xml:"testsuites"`
	Name      string     `xml:"name,attr"`
	Tests     int        `xml:"tests,attr"`
	Failures  int        `xml:"failures,attr"`
	Errors    int        `xml:"errors,attr"`
	Skipped   int        `xml:"skipped,attr"`
	Time      string     `xml:"time,attr"`
	Timestamp string     `xml:"timestamp,attr,omitempty"`
	Suites    []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name       string         `xml:"name,attr"`
	Tests      int            `xml:"tests,attr"`
	Failures   int            `xml:"failures,attr"`
	Errors     int            `xml:"errors,attr"`
	Skipped    int            `xml:"skipped,attr"`
	Time       string         `xml:"time,attr"`
	Timestamp  string         `xml:"timestamp,attr,omitempty"`
	Properties *xmlProperties `xml:"properties"`
	Cases      []xmlCase      `xml:"testcase"`
}

type xmlProperties struct {
	List []xmlProperty `xml:"property"`
}

type xmlProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type xmlCase struct {
	Name       string         `xml:"name,attr"`
	Class      string         `xml:"classname,attr"`
	File       string         `xml:"file,attr,omitempty"`
	Line       string         `xml:"line,attr,omitempty"`
	Time       string         `xml:"time,attr"`
	Properties *xmlProperties `xml:"properties"`
	Skipped    *xmlSkipped    `xml:"skipped"`
	Error      *xmlFault      `xml:"error"`
	Failure    *xmlFault      `xml:"failure"`
	Flaky      []xmlFault     `xml:"flakyFailure"`
	Rerun      []xmlFault     `xml:"rerunFailure"`
	Out        *xmlText       `xml:"system-out"`
}

type xmlSkipped struct {
	Message string `xml:"message,attr,omitempty"`
}

// xmlFault is a failure in any of its elements. In those of reruns the trace
// stands twice: some readers take the text, others the child.
type xmlFault struct {
	Message   string   `xml:"message,attr"`
	Type      string   `xml:"type,attr"`
	Time      string   `xml:"time,attr,omitempty"`
	Timestamp string   `xml:"timestamp,attr,omitempty"`
	Text      string   `xml:",innerxml"` // escaped by verbatim
	Stack     *xmlText `xml:"stackTrace"`
	Out       *xmlText `xml:"system-out"`
}

// xmlText is an element of text whose line ends stay line ends: encoding/xml
// writes them as character references, which no person can read.
type xmlText struct {
	Text string `xml:",innerxml"` // escaped by verbatim
}

var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// verbatim escapes what plain has cleaned.
func verbatim(s string) string {
	return markup.Replace(s)
}

// element makes an element of plain text; none of no text.
func element(s string) *xmlText {
	if s == "" {
		return nil
	}
	return &xmlText{verbatim(s)}
}
