package ingest_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

func TestReportsOfEveryFormat(t *testing.T) {
	want := map[string]struct {
		format ingest.Format
		err    string
	}{
		"node.tap": {ingest.FormatTAP, ""}, "prove.tap": {ingest.FormatTAP, ""},
		"cut.tap":        {ingest.FormatTAP, "the plan is 1..3, and 1 test points are there"},
		"shop.ctrf.json": {ingest.FormatCTRF, ""}, "shop.trx": {ingest.FormatTRX, ""}, "shop.nunit3.xml": {ingest.FormatNUnit, ""}, "shop.nunit2.xml": {ingest.FormatNUnit, ""},
		"go.json": {ingest.FormatGoJSON, ""}, "node.junit.xml": {ingest.FormatJUnit, ""},
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "reports", name)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			cases, format, err := ingest.ReadReport(bytes.NewReader(text))
			if w.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, w.err)
			}
			require.Equal(t, w.format, format)
			golden(t, file+".golden.json", cases)
		})
	}
}

func TestReportOfNoKnownFormat(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "no report of a known format: want JUnit XML, go test -json, CTRF, TRX, NUnit or TAP",
		"<html><body/></html>":     "its root element is <html>",
		"hello":                    "no report of a known format",
		`{"schema": 1}`:            "no report of a known format",
		`{"results": {"tests":`:    "unexpected EOF",
		`{"results": {"a": [1]}}`:  "no results.tests",
		"TAP version 13\nnonsense": "no test point",
		"ok 1 - a":                 "no plan",
		"1..2\nok\nBail out! gone": "after 1 results: Bail out! gone",
	} {
		_, _, err := ingest.ReadReport(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

// Whatever the place of the cut: what is there is kept, no failure turns into a
// pass, and the loss is told unless the rest held no result.
func TestCutReportsKeepTheirHead(t *testing.T) {
	for _, name := range []string{"shop.ctrf.json", "shop.trx", "shop.nunit3.xml", "node.tap"} {
		text, err := os.ReadFile(filepath.Join("testdata", "reports", name))
		require.NoError(t, err)
		whole, _, err := ingest.ReadReport(bytes.NewReader(text))
		require.NoError(t, err)
		best := 0
		for cut := range text {
			if cut%3 != 0 {
				continue
			}
			cases, _, err := ingest.ReadReport(bytes.NewReader(text[:cut]))
			if err == nil && len(cases) < len(whole) {
				t.Fatalf("%s cut at %d: %d of %d results, no error", name, cut, len(cases), len(whole))
			}
			best = max(best, len(cases))
			for i, c := range cases[:min(len(cases), len(whole))] {
				if c.Verdict == harness.Passed && whole[i].Verdict == harness.Failed && c.Attempt == whole[i].Attempt {
					t.Fatalf("%s cut at %d: %s passed", name, cut, c.Test.Name)
				}
			}
		}
		require.GreaterOrEqual(t, best, len(whole)-1, name)
	}
}

// seeds are small reports: the fuzzing engine shortens each interesting input
// byte by byte, in time that grows with the square of its length.
var seeds = []string{
	`<testsuites><testsuite name="s" timestamp="2026-01-01T00:00:00"><testcase name="a" classname="b" time="1"/></testsuite></testsuites>`,
	`<testsuite><testcase name="a"><failure message="m" type="t">x</failure></testcase>`,
	`<testsuite><testcase name='a'><skipped/><flakyFailure message="&#27;"><stackTrace>`,
	"<testsuite name='a' file='x.js'><testcase name='&#27;\xff'/><testcase name='\xff'><![CDATA[",
	"\xff\xfe<\x00t\x00e\x00s\x00t\x00s\x00u\x00i\x00t\x00e\x00>\x00",
	`<?xml version="1.0" encoding="latin1"?><testcase name="a<b "c" d" time="1,2"><system-out>`,
	`{"Action":"run","Package":"p","Test":"A"}` + "\n" + `{"Action":"fail","Package":"p","Test":"A","Elapsed":1}`,
	`{"results":{"tests":[{"name":"a","status":"failed","suite":"b > c","duration":1,"start":1e12}]}}`,
	`{"results":{"tests":[{"name":"a","status":"passed","flaky":true,"retries":1,"suite":["x"]}]}}`,
	`<TestRun><Results><UnitTestResult testId="1" testName="a" outcome="Failed" duration="00:00:01">`,
	`<TestRun><UnitTest id="1"><TestMethod className="C, D"/></UnitTest></TestRun>`,
	`<test-run><test-suite name="s" result="Failed" site="SetUp"><failure><message>m</message></failure>`,
	`<test-run><test-case name="a" fullname="b.a" result="Passed" duration="0.1"/></test-run>`,
	"TAP version 13\n# Subtest: s\n    not ok 1 - a # TODO\n      ---\n      error: |-\n        x\n      ...\n    1..1\nok 1 - s\n1..1\n",
	"1..2\nnot ok 1 - a\n# got 1\nok 2 # SKIP\nBail out!",
}

func FuzzReadReport(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		cases, format, err := ingest.ReadReport(bytes.NewReader(doc))
		sound(t, cases)
		if format == "" && err == nil {
			t.Fatal("no format, no error")
		}
	})
}

// sound says what holds of all cases that were read.
func sound(t *testing.T, cases []ingest.Case) {
	for i := range cases {
		c := &cases[i]
		switch {
		case c.Verdict == harness.Failed && (c.Failure == nil || c.Failure.Fingerprint == "" || c.Failure.Message == ""):
			t.Fatalf("a failure without its Failure: %+v", c)
		case c.Duration < 0 || time.Duration(c.Duration) > 200*24*time.Hour:
			t.Fatalf("duration %d", c.Duration)
		case c.Attempt < 1 || c.Attempt > c.Attempts:
			t.Fatalf("attempt %d of %d", c.Attempt, c.Attempts)
		case !slices.Contains([]harness.Verdict{harness.Unknown, harness.Passed, harness.Failed, harness.Skipped}, c.Verdict):
			t.Fatalf("verdict %q", c.Verdict)
		}
	}
}

func TestEveryGoldenFileHasItsReport(t *testing.T) {
	require.NoError(t, filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if report, ok := strings.CutSuffix(path, ".golden.json"); ok && !strings.HasSuffix(report, ".outcomes") && !strings.HasSuffix(report, "/messages") {
			require.FileExists(t, report)
		}
		return err
	}))
}
