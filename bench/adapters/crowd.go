package main

import (
	"context"
	"fmt"
)

// computing takes 1.5 s of processor time in Node's process, then waits twice 100 ms
// for what another connection does. It is sound: only a machine that keeps its
// processes waiting for more than a second fails it.
const computing = `const until = process.cpuUsage().user + 1.5e6
let n = 0
while (process.cpuUsage().user < until) n++
b.set('done', '1')
await sleep(100)
ok(await a.get('done') === '1')
b.publish('done', '1')
await sleep(100)
ok(await a.get('done') === '1')`

// crowd hunts a suite that computes, with as many workers as flakehunt chooses and
// with two.
func (b *bench) crowd(ctx context.Context) error {
	for _, r := range b.those("node --test", "mocha") {
		if r.name == "mocha" {
			r.argv = append(r.argv, "--timeout", "20000")
		}
		minutes := map[string]float64{}
		for _, workers := range []string{"default", "2"} {
			dir, err := b.suite(r, test{"computes and waits", computing})
			if err != nil {
				return err
			}
			n := b.times(100)
			flags := []string{"--strategy", "none", "--trials", fmt.Sprint(n)}
			if workers != "default" {
				flags = append(flags, "--parallel", workers)
			}
			if _, _, _, err := b.hunt(ctx, r, dir, flags...); err != nil {
				return err
			}
			list, err := journal(dir)
			if err != nil {
				return err
			}
			failed := 0
			for _, t := range list {
				for _, o := range t.Outcomes {
					if o.Verdict != "pass" {
						failed++
					}
				}
			}
			minutes[workers] = 60 * perSecond(list)
			fmt.Printf("%-12s %-8s workers: %5.1f trials a minute, %d of %d failed\n", r.name, workers, minutes[workers], failed, len(list))
			if failed > 0 {
				b.miss("crowd of %s, %s workers: %d of %d trials failed", r.name, workers, failed, len(list))
			}
		}
		if minutes["default"] < 0.95*minutes["2"] { // two runs of the same differ by some percent
			b.miss("crowd of %s: %.1f trials a minute, %.1f with --parallel 2", r.name, minutes["default"], minutes["2"])
		}
	}
	return nil
}
