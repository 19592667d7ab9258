// Command verify asks a flakehunt binary, by its command line and with default
// flags, what became of a flake after a change of the code: eight causes, six
// changes each. It prints the table cell by cell and ends with 1 where one is wrong.
//
//	go build -o flakehunt ../cmd/flakehunt && go run ./verify -flakehunt ./flakehunt -seeds 3
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// options say what is run.
type options struct {
	flakehunt, redis, modules, keep string
	seeds, atOnce, replays          int
	causes, changes                 []string
}

func main() {
	var o options
	var causes, changes string
	flag.StringVar(&o.flakehunt, "flakehunt", "./flakehunt", "the program")
	flag.StringVar(&o.redis, "redis", "server", "where Redis comes from")
	flag.StringVar(&o.modules, "modules", "../fixtures/corpus/go", "the directory whose go.mod and go.sum the suites get")
	flag.StringVar(&o.keep, "keep", "", "a directory in which the suites and their runs stay; empty: none")
	flag.IntVar(&o.seeds, "seeds", 1, "how many seeds, from 1")
	flag.IntVar(&o.atOnce, "j", 2, "how many suites at once")
	flag.IntVar(&o.replays, "n", 0, "replays of repro and verify; 0: their own default")
	flag.StringVar(&causes, "causes", strings.Join(causeNames(), ","), "which causes")
	flag.StringVar(&changes, "changes", strings.Join(changeNames(), ","), "which changes")
	flag.Parse()
	o.causes, o.changes = strings.Split(causes, ","), strings.Split(changes, ",")
	wrong, err := o.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(3)
	}
	if wrong > 0 {
		os.Exit(1)
	}
}

// run does all cells and gives how many are wrong.
func (o *options) run() (wrong int, err error) {
	if o.flakehunt, err = filepath.Abs(o.flakehunt); err != nil {
		return 0, err
	}
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		cells []cell
	)
	slots := make(chan struct{}, o.atOnce)
	for seed := 1; seed <= o.seeds; seed++ {
		for _, cause := range o.causes {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				list, rerr := o.suite(cause, seed)
				mu.Lock()
				defer mu.Unlock()
				if rerr != nil && err == nil {
					err = rerr
				}
				for _, c := range list {
					fmt.Println(c)
				}
				cells = append(cells, list...)
			})
		}
	}
	wg.Wait()
	right := 0
	for _, c := range cells {
		if c.right() {
			right++
		}
	}
	fmt.Printf("\n%d of %d cells right\n", right, len(cells))
	return len(cells) - right, err
}

// suite hunts the flaky form of one cause, and asks after each change.
func (o *options) suite(cause string, seed int) ([]cell, error) {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "verify-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
	}
	dir = filepath.Join(dir, fmt.Sprintf("%s-%d", cause, seed))
	s := source{cause: cause, dir: dir, seed: seed}
	if err := s.begin(o.modules); err != nil {
		return nil, err
	}
	began := time.Now()
	hunt := command(dir, o.flakehunt, "run", "--redis", o.redis, "--seed", fmt.Sprint(seed), "--", "go", "test", "./...")
	id, class, err := found(filepath.Join(dir, "flakehunt-out"))
	if err != nil || id == "" {
		return []cell{{cause: cause, seed: seed, change: "hunt", want: "a finding with a cause", got: hunt.last(), took: time.Since(began)}}, nil
	}
	var cells []cell
	for _, change := range o.changes {
		if err := s.write(change); err != nil {
			return cells, err
		}
		for _, verb := range []string{"verify", "repro"} {
			began := time.Now()
			argv := []string{o.flakehunt, verb, "--redis", o.redis, id}
			if o.replays > 0 {
				argv = append(argv, "-n", fmt.Sprint(o.replays))
			}
			said := command(dir, argv[0], argv[1:]...)
			c := cell{cause: cause, class: class, seed: seed, change: change, verb: verb, code: said.code, said: said.answer(), took: time.Since(began)}
			c.want, c.got = wanted(verb, change), c.reading()
			cells = append(cells, c)
		}
	}
	return cells, nil
}

// found gives the first finding of a run that has a cause and was seen to fail; "":
// there is none.
func found(out string) (id, class string, err error) {
	b, err := os.ReadFile(filepath.Join(out, "result.json"))
	if err != nil {
		return "", "", err
	}
	var r struct {
		Findings []struct{ ID, Class, Standing string }
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return "", "", err
	}
	for _, f := range r.Findings {
		if f.Standing != "latent" && f.Class != "unattributed" {
			return f.ID, f.Class, nil
		}
	}
	for _, f := range r.Findings {
		if f.Standing != "latent" {
			return f.ID, f.Class, nil
		}
	}
	return "", "", nil
}
