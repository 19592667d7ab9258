package main

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed causes/*.txt
var causes embed.FS

func causeNames() (names []string) {
	list, err := causes.ReadDir("causes")
	if err != nil {
		panic(err) // it is in this program
	}
	for _, e := range list {
		if name := strings.TrimSuffix(e.Name(), ".txt"); name != "helper" && name != "other" {
			names = append(names, name)
		}
	}
	return names
}

// changeNames are what is done to the code.
func changeNames() []string {
	return []string{"fix", "bump", "no-op", "unrelated", "broken", "other"}
}

// source is the suite of one cause.
type source struct {
	cause, dir string
	seed       int
}

// begin writes the flaky form, as a module of its own.
func (s *source) begin(modules string) error {
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(modules, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return s.write("")
}

// write writes the suite as it is after a change; "": as it was at first.
func (s *source) write(change string) error {
	files := map[string]string{"helper_test.go": "helper", "other_test.go": "other", "cell_test.go": s.cause}
	for file, from := range files {
		b, err := causes.ReadFile("causes/" + from + ".txt")
		if err != nil {
			return fmt.Errorf("no cause %q: want one of %s", s.cause, strings.Join(causeNames(), ", "))
		}
		text := string(b)
		switch from {
		case "other":
			if change == "unrelated" {
				text = strings.ReplaceAll(text, "hello", "good morning")
			}
		case s.cause:
			text = s.changed(text, change)
		}
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

var (
	marked   = regexp.MustCompile(`(?m)^\[(\w+)\]`)
	testHead = regexp.MustCompile(`(?m)^func Test\w+\(t \*testing\.T\) \{\n`)
)

// changed is the test after a change.
func (s *source) changed(text, change string) string {
	form := "flaky"
	if change == "fix" || change == "bump" {
		form = change
	}
	if change == "other" && s.seed%3 == 2 {
		form = "fix" // the flake is gone, and something else is wrong
	}
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		m := marked.FindStringSubmatch(line)
		if m == nil || m[1] == form {
			lines = append(lines, marked.ReplaceAllString(line, ""))
		}
	}
	text = strings.Join(lines, "\n")
	after := func(body string) string {
		return testHead.ReplaceAllStringFunc(text, func(head string) string { return head + body })
	}
	switch change {
	case "no-op":
		return "// What is tested here is described in the handbook.\n\n" + after("\t// It must hold on every machine.\n\t//\n\t// See the handbook.\n")
	case "broken":
		return after("\tprices.Install(t)\n")
	case "other":
		return after([]string{
			"\tif len(t.Name()) > 0 {\n\t\tt.Fatal(\"the price list is not installed\")\n\t}\n",
			"\tdefer func() { t.Error(\"two goroutines were left behind\") }()\n",
			"\tvar list map[string]int\n\tlist[\"a\"] = 1\n",
		}[slices.Index([]int{1, 2, 0}, s.seed%3)])
	}
	return text
}
