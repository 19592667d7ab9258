# The few commands that people type. What CI runs is .ci/run.

.PHONY: help build test short check lint cross vuln fuzz bench benchstat picture release-snapshot

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

build: ## the program, in this directory
	go build -o flakehunt ./cmd/flakehunt

test: ## all tests, as README.md says
	go tool gotestsum -- -race -p 3 ./...

short: ## what needs no Redis and no browser
	go test -short ./...

check: ## what CI runs, with all that it needs (15 to 18 minutes on 2 cores)
	.ci/run

lint: ## vet, staticcheck, golangci-lint, actionlint
	go vet ./...
	go tool staticcheck ./...
	go build -C tools -o ../.ci/out/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	.ci/out/golangci-lint run ./...
	go tool actionlint

cross: ## compile and vet for macOS, Windows and Linux on ARM
	.ci/cross.sh

vuln: ## known weaknesses of what it is built from
	.ci/vuln.sh

fuzz: ## one target for a minute: make fuzz P=./harness/runner/ingest F=FuzzJUnit
	go test $(P) -run '^$$' -fuzz '^$(F)$$' -fuzztime 60s -fuzzminimizetime 1x

bench: ## Go benchmarks, six times each, to bench/new.txt
	bench/go.sh bench/new.txt

benchstat: ## bench/new.txt beside the figures in the tree
	go build -C tools -o ../.ci/out/benchstat golang.org/x/perf/cmd/benchstat
	.ci/out/benchstat bench/last.txt bench/new.txt

picture: ## docs/finding.png, from a hunt of a shipped fault
	docs/picture.sh

release-snapshot: ## a release's archives in dist/, published nowhere
	go run github.com/goreleaser/goreleaser/v2@v2.18.2 release --snapshot --clean
