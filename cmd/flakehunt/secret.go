package main

import (
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/secrets"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// maskFor knows the secrets of a command line and of the environment.
func maskFor(args []string) *secrets.Mask {
	m := secrets.New()
	m.Named = func(text string) string { return volatile.Key([]byte(text)) }
	m.Environ(os.Environ())
	m.Command(args)
	return m
}

// unmask puts back into a finding's target what its file does not hold: variables
// from the environment of this command.
func unmask(f *harness.Finding) error {
	t := &f.Target
	if i := slices.IndexFunc(t.Argv, secrets.Masked); i >= 0 || secrets.Masked(t.OneTest) {
		return usagef("%s: its command held a secret, which no file keeps: hunt with the secret in a variable, as in --env NAME=…, and replay with that variable set", f.ID)
	}
	for i, e := range t.Env {
		if !secrets.Masked(e) {
			continue
		}
		name, _, _ := strings.Cut(e, "=")
		value, ok := os.LookupEnv(name)
		if !ok {
			return usagef("%s: the value of --env %s is a secret, which no file keeps: set the variable %s and replay again", f.ID, name, name)
		}
		t.Env[i] = name + "=" + value
	}
	return nil
}

// remarks collects what is to be said once of a run, from several goroutines.
type remarks struct {
	mu   sync.Mutex
	list []string
}

// add notes a remark, up to a number that a reader reads.
func (r *remarks) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) < 20 && !slices.Contains(r.list, text) {
		r.list = append(r.list, text)
	}
}

// all gives the remarks in the order of the alphabet.
func (r *remarks) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.list))
}
