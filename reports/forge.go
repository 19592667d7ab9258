package reports

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// forge knows where a repository's commits and files are shown. The zero forge
// knows none.
type forge struct {
	repository string // "https://github.com/o/r"
	commit     string
	gitlab     bool
}

var commitHash = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)

// forgeOf reads the address of a CI run on GitHub or GitLab, which begins with
// that of its repository.
func forgeOf(ci, address, commit string) forge {
	f := forge{commit: commit, gitlab: ci == "gitlab"}
	part := map[string]string{"github": "/actions/runs/", "gitlab": "/-/"}[ci]
	before, _, ok := strings.Cut(address, part)
	if u, err := url.Parse(before); !ok || part == "" || err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return forge{}
	}
	if !commitHash.MatchString(commit) {
		return forge{}
	}
	f.repository = before
	return f
}

func forgeOfResult(r *harness.Result) forge {
	return forgeOf(r.Meta["ci"], r.Meta["ci_url"], r.Meta["commit"])
}

// section is what a forge puts between a repository and its parts.
func (f forge) section() string {
	if f.gitlab {
		return f.repository + "/-/"
	}
	return f.repository + "/"
}

// ofCommit is the address of the commit; "": it is not known.
func (f forge) ofCommit() string {
	if f.repository == "" {
		return ""
	}
	return f.section() + "commit/" + f.commit
}

// ofLine is the address of a line of a file in the repository; "": it is not known.
func (f forge) ofLine(c harness.Call) string {
	if f.repository == "" || strings.HasPrefix(c.File, "/") || strings.HasPrefix(c.File, "..") {
		return ""
	}
	parts := strings.Split(c.File, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return fmt.Sprintf("%sblob/%s/%s#L%d", f.section(), f.commit, strings.Join(parts, "/"), c.Line)
}
