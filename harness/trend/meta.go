package trend

import (
	"net/url"
	"strings"
)

// MetaFromEnv says where a run comes from: from the variables of GitHub
// Actions, GitLab CI, Buildkite, CircleCI or Jenkins, and from git for what
// they leave out. getenv is os.Getenv; git runs git with arguments and gives
// its output; nil means there is none. Nothing else of the environment is
// looked at, and credentials in URLs are left out.
func MetaFromEnv(getenv func(string) string, git func(args ...string) (string, error)) Meta {
	var m Meta
	for _, system := range []func(func(string) string) (Meta, bool){github, gitlab, buildkite, circleci, jenkins} {
		found, ok := system(getenv)
		if ok {
			m = found
			break
		}
	}
	ask := func(args ...string) string {
		if git == nil {
			return ""
		}
		out, err := git(args...)
		if err != nil { // no repository, or no git: then it is not known
			return ""
		}
		return strings.TrimSpace(out)
	}
	if m.Commit == "" || m.Commit == "HEAD" { // a Buildkite build may be of "HEAD"
		m.Commit = ask("rev-parse", "HEAD")
		// Only for a commit that git names: CI systems write files into the tree.
		m.Dirty = m.Commit != "" && m.CI == "" && ask("status", "--porcelain", "--untracked-files=no") != ""
	}
	if m.Branch == "" {
		if b := ask("rev-parse", "--abbrev-ref", "HEAD"); b != "HEAD" { // HEAD: detached
			m.Branch = b
		}
	}
	m.URL = withoutCredentials(m.URL)
	return m
}

func github(get func(string) string) (Meta, bool) {
	if get("GITHUB_ACTIONS") != "true" {
		return Meta{}, false
	}
	m := Meta{CI: "github", Commit: get("GITHUB_SHA"), Branch: first(get("GITHUB_HEAD_REF"), get("GITHUB_REF_NAME"))}
	if run := get("GITHUB_RUN_ID"); run != "" {
		m.CIRun = run
		if a := get("GITHUB_RUN_ATTEMPT"); a != "" && a != "1" {
			m.CIRun += "." + a
		}
		if repo := get("GITHUB_REPOSITORY"); repo != "" {
			m.URL = first(get("GITHUB_SERVER_URL"), "https://github.com") + "/" + repo + "/actions/runs/" + run
		}
	}
	if rest, ok := strings.CutPrefix(get("GITHUB_REF"), "refs/pull/"); ok {
		m.PullRequest, _, _ = strings.Cut(rest, "/")
	}
	return m, true
}

func gitlab(get func(string) string) (Meta, bool) {
	if get("GITLAB_CI") != "true" {
		return Meta{}, false
	}
	return Meta{CI: "gitlab", Commit: get("CI_COMMIT_SHA"), CIRun: get("CI_PIPELINE_ID"), URL: first(get("CI_JOB_URL"), get("CI_PIPELINE_URL")),
		Branch:      first(get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), get("CI_COMMIT_BRANCH"), get("CI_COMMIT_REF_NAME")),
		PullRequest: get("CI_MERGE_REQUEST_IID")}, true
}

func buildkite(get func(string) string) (Meta, bool) {
	if get("BUILDKITE") != "true" {
		return Meta{}, false
	}
	m := Meta{CI: "buildkite", Commit: get("BUILDKITE_COMMIT"), Branch: get("BUILDKITE_BRANCH"),
		CIRun: first(get("BUILDKITE_BUILD_NUMBER"), get("BUILDKITE_BUILD_ID")), URL: get("BUILDKITE_BUILD_URL")}
	if pr := get("BUILDKITE_PULL_REQUEST"); pr != "false" {
		m.PullRequest = pr
	}
	return m, true
}

func circleci(get func(string) string) (Meta, bool) {
	if get("CIRCLECI") != "true" {
		return Meta{}, false
	}
	m := Meta{CI: "circleci", Commit: get("CIRCLE_SHA1"), Branch: get("CIRCLE_BRANCH"),
		CIRun: first(get("CIRCLE_WORKFLOW_ID"), get("CIRCLE_BUILD_NUM")), URL: get("CIRCLE_BUILD_URL")}
	if pr := get("CIRCLE_PULL_REQUEST"); pr != "" { // a URL
		m.PullRequest = pr[strings.LastIndex(pr, "/")+1:]
	}
	return m, true
}

func jenkins(get func(string) string) (Meta, bool) {
	if get("JENKINS_URL") == "" && get("BUILD_TAG") == "" {
		return Meta{}, false
	}
	branch := first(get("CHANGE_BRANCH"), get("BRANCH_NAME"), get("GIT_BRANCH"))
	return Meta{CI: "jenkins", Commit: get("GIT_COMMIT"), Branch: strings.TrimPrefix(branch, "origin/"),
		CIRun: first(get("BUILD_TAG"), get("BUILD_ID")), URL: get("BUILD_URL"), PullRequest: get("CHANGE_ID")}, true
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// withoutCredentials takes user and password out of a URL; what is no URL is
// left out whole.
func withoutCredentials(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return ""
	}
	u.User = nil
	u.RawQuery = "" // may hold tokens
	return u.String()
}
