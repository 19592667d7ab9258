// Package environ says to an external suite where its Redis is: the variables
// that it gets, and the placeholders that a user may write.
//
// It must never start anything, and never log what it builds: the URL holds a password.
package environ

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness/runner"
)

// Trial placeholders, in the order of the documentation:
//
//	{addr}      host:port
//	{host} {port}
//	{url}       redis://user:password@host:port, rediss:// with TLS
//	{user} {password}
//	{dir}       the trial's own temporary directory
//	{trial} {seed} {worker}
var known = []string{"addr", "host", "port", "url", "user", "password", "dir", "trial", "seed", "worker"}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// Values are the placeholders of one trial.
type Values map[string]string

// For gives the values of an execution.
func For(x runner.Exec) Values {
	host, port, err := net.SplitHostPort(x.Redis.Addr)
	if err != nil {
		host, port = x.Redis.Addr, "6379"
	}
	u := url.URL{Scheme: "redis", Host: net.JoinHostPort(host, port)}
	if x.Redis.TLS {
		u.Scheme = "rediss"
	}
	switch {
	case x.Redis.Password != "":
		u.User = url.UserPassword(x.Redis.Username, x.Redis.Password)
	case x.Redis.Username != "":
		u.User = url.User(x.Redis.Username)
	}
	return Values{
		"addr": net.JoinHostPort(host, port), "host": host, "port": port, "url": u.String(),
		"user": x.Redis.Username, "password": x.Redis.Password, "dir": x.Dir,
		"trial": strconv.Itoa(x.Trial), "seed": strconv.FormatUint(x.Seed, 10), "worker": strconv.Itoa(x.Worker),
	}
}

// Fill replaces the placeholders in s that v has; other braces stay as they are.
func (v Values) Fill(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		if val, ok := v[p[1:len(p)-1]]; ok {
			return val
		}
		return p
	})
}

// With returns v and more.
func (v Values) With(more map[string]string) Values {
	out := make(Values, len(v)+len(more))
	for k, val := range v {
		out[k] = val
	}
	for k, val := range more {
		out[k] = val
	}
	return out
}

// Check says what is wrong with a NAME=TEMPLATE of the user's, if anything.
func Check(template string) error {
	name, value, ok := strings.Cut(template, "=")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return fmt.Errorf("--env %q: want NAME=TEMPLATE, as in --env CACHE_HOST={host}", template)
	}
	for _, m := range placeholder.FindAllStringSubmatch(value, -1) {
		if !slices.Contains(known, m[1]) {
			return fmt.Errorf("--env %q: no placeholder {%s}: there are {%s}", template, m[1], strings.Join(known, "} {"))
		}
	}
	return nil
}

// Build returns base with the variables of a trial set: REDIS_URL, REDIS_ADDR,
// REDIS_HOST, REDIS_PORT, FLAKEHUNT, FLAKEHUNT_TRIAL, FLAKEHUNT_SEED,
// FLAKEHUNT_DIR, TMPDIR when the trial has a directory, and the user's templates.
func Build(base []string, v Values, templates []string) []string {
	set := []string{
		"REDIS_URL=" + v["url"], "REDIS_ADDR=" + v["addr"], "REDIS_HOST=" + v["host"], "REDIS_PORT=" + v["port"],
		"FLAKEHUNT=1", "FLAKEHUNT_TRIAL=" + v["trial"], "FLAKEHUNT_SEED=" + v["seed"],
	}
	if v["dir"] != "" {
		set = append(set, "FLAKEHUNT_DIR="+v["dir"], "TMPDIR="+v["dir"])
	}
	for _, t := range templates {
		set = append(set, v.Fill(t))
	}
	names := make(map[string]bool, len(set))
	for _, s := range set {
		name, _, _ := strings.Cut(s, "=")
		names[name] = true
	}
	out := make([]string, 0, len(base)+len(set))
	for _, b := range base {
		if name, _, _ := strings.Cut(b, "="); !names[name] {
			out = append(out, b)
		}
	}
	// The last of several settings wins, with the user's own after ours.
	return append(out, set...)
}
