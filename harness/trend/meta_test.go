package trend

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

func TestMetaFromEnv(t *testing.T) {
	git := func(args ...string) (string, error) {
		switch strings.Join(args, " ") {
		case "rev-parse HEAD":
			return "fromgit\n", nil
		case "rev-parse --abbrev-ref HEAD":
			return "gitbranch\n", nil
		case "status --porcelain --untracked-files=no":
			return " M x.go\n", nil
		}
		return "", fmt.Errorf("unexpected git %v", args)
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		want Meta
	}{
		{"no CI", nil, Meta{Commit: "fromgit", Branch: "gitbranch", Dirty: true}},
		{"GitHub pull request", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SHA": "s", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "topic",
			"GITHUB_REF_NAME": "12/merge", "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "secret"},
			Meta{Commit: "s", Branch: "topic", CI: "github", CIRun: "7.2", URL: "https://github.com/o/r/actions/runs/7", PullRequest: "12"}},
		{"GitLab", map[string]string{"GITLAB_CI": "true", "CI_COMMIT_SHA": "s", "CI_COMMIT_BRANCH": "main", "CI_PIPELINE_ID": "9",
			"CI_JOB_URL": "https://user:secret@gl.example/j/1?token=secret", "CI_JOB_TOKEN": "secret"},
			Meta{Commit: "s", Branch: "main", CI: "gitlab", CIRun: "9", URL: "https://gl.example/j/1"}},
		{"GitLab merge request", map[string]string{"GITLAB_CI": "true", "CI_COMMIT_SHA": "s", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic", "CI_MERGE_REQUEST_IID": "3"},
			Meta{Commit: "s", Branch: "topic", CI: "gitlab", PullRequest: "3"}},
		{"Buildkite of HEAD", map[string]string{"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD", "BUILDKITE_BRANCH": "main", "BUILDKITE_BUILD_NUMBER": "4", "BUILDKITE_PULL_REQUEST": "false"},
			Meta{Commit: "fromgit", Branch: "main", CI: "buildkite", CIRun: "4"}},
		{"CircleCI", map[string]string{"CIRCLECI": "true", "CIRCLE_SHA1": "s", "CIRCLE_BRANCH": "main", "CIRCLE_WORKFLOW_ID": "w", "CIRCLE_PULL_REQUEST": "https://github.com/o/r/pull/5"},
			Meta{Commit: "s", Branch: "main", CI: "circleci", CIRun: "w", PullRequest: "5"}},
		{"Jenkins", map[string]string{"JENKINS_URL": "https://j/", "GIT_COMMIT": "s", "GIT_BRANCH": "origin/main", "BUILD_TAG": "jenkins-x-1", "BUILD_URL": "https://j/x/1/"},
			Meta{Commit: "s", Branch: "main", CI: "jenkins", CIRun: "jenkins-x-1", URL: "https://j/x/1/"}},
		{"a URL that is none", map[string]string{"JENKINS_URL": "https://j/", "GIT_COMMIT": "s", "GIT_BRANCH": "main", "BUILD_URL": "%zz secret"},
			Meta{Commit: "s", Branch: "main", CI: "jenkins"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := MetaFromEnv(func(k string) string { return c.env[k] }, git)
			assert.Equal(t, c.want, got)
			assert.Equal(t, got, MetaOf(got.Map()), "survives the result's map")
			assert.NotContains(t, fmt.Sprint(got), "secret")
		})
	}
	nothing := func(string) string { return "" }
	assert.Equal(t, Meta{}, MetaFromEnv(nothing, nil))
	assert.Equal(t, Meta{}, MetaFromEnv(nothing, func(...string) (string, error) { return "", errors.New("no git") }))
	assert.Empty(t, MetaFromEnv(nothing, func(a ...string) (string, error) { return "HEAD", nil }).Branch, "detached")
}

func TestConditionsTellIncomparableRunsApart(t *testing.T) {
	shipped := func(variant string, defects ...string) *harness.Result {
		return &harness.Result{Strategy: "directed", Target: harness.Target{Kind: harness.ShippedTarget, Variant: variant, Defects: defects, Waits: "hardened"}}
	}
	assert.Equal(t, "", ConditionsOf(shipped("hardened")))
	assert.Equal(t, "as-described:a+b", ConditionsOf(shipped("as-described", "b", "a")))
	assert.Equal(t, "", ConditionsOf(&harness.Result{Strategy: "none"}))
	assert.Equal(t, "latency jitter=5ms latency=20ms", ConditionsOf(&harness.Result{Strategy: "latency", Params: map[string]string{"latency": "20ms", "jitter": "5ms"}}))
	assert.Equal(t, "virtual-time", ConditionsOf(&harness.Result{Redis: harness.RedisInfo{Provider: "sim"}}))
}

func TestLabel(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	assert.Equal(t, "012345678", Run{Meta: Meta{Commit: "0123456789abcdef"}}.Label())
	assert.Equal(t, "abc+", Run{Meta: Meta{Commit: "abc", Dirty: true}}.Label())
	assert.Equal(t, "7", Run{Meta: Meta{CIRun: "7"}}.Label())
	assert.Equal(t, "2026-01-02 03:04", Run{Started: at}.Label())
}
