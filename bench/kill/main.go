// Command kill measures what a hunt leaves behind when it is ended by SIGKILL
// in the midst: it starts hunts of several kinds, kills each at a random moment,
// runs `flakehunt doctor`, and counts at once what is still there: processes,
// network namespaces, containers, entries of the directory for temporary files.
//
//	go build -o /tmp/flakehunt ../cmd/flakehunt && go run ./kill -flakehunt /tmp/flakehunt -seed 1
//
// What has ended and waits for init alone to read its status is told apart: it
// holds nothing but its number, and some inits look every other second only.
//
// The moments come from the seed, which is printed. It must never touch a
// process or container that it did not have started.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	marker     = "FLAKEHUNT_BENCH_KILL" // in the environment of all that a hunt starts
	ownerLabel = "flakehunt.owner"      // of package redisenv
)

// suite is a command with a hard-coded address, a background process, a daemon
// with a session of its own and a temporary file.
const suite = `touch "$TMPDIR/file-$$"
sleep 60 & setsid sleep 61 &
i=0; while [ $i -lt 20 ]; do redis-cli ${REDIS_AT:--u $REDIS_URL} incr n >/dev/null; sleep 0.05; i=$((i+1)); done`

type kind struct {
	name string
	args []string
	dir  string
}

func main() {
	log.SetFlags(0)
	program := flag.String("flakehunt", "flakehunt", "the binary")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments")
	n := flag.Int("n", 20, "how many hunts are killed")
	within := flag.Duration("within", 8*time.Second, "latest moment")
	root := flag.String("root", "..", "the repository")
	flag.Parse()
	bin, err := filepath.Abs(*program)
	check(err)
	orders, err := filepath.Abs(filepath.Join(*root, "fixtures/external/go-orders"))
	check(err)
	script := []string{"--", "sh", "-c", suite}
	kinds := []kind{
		{"shipped, server", []string{"--redis", "server"}, ""},
		{"shipped, container", []string{"--redis", "container"}, ""},
		{"go test, server", []string{"--redis", "server", "--", "go", "test", "./..."}, orders},
		{"command, server", append([]string{"--redis", "server"}, script...), ""},
		{"command, container", append([]string{"--redis", "container"}, script...), ""},
		{"takeover, server", append([]string{"--redis", "server", "--takeover", "localhost:6379"}, strings.Fields("-- env REDIS_AT=-p6379 sh -c")...), ""},
		{"simulation", []string{"--redis", "sim"}, ""},
	}
	kinds[5].args = append(kinds[5].args, suite)
	fmt.Printf("seed %d\n%3s  %-19s %7s  %-36s %-10s %s\n", *seed, "", "hunt", "killed", "there before", "cleaned", "left")
	rng := rand.New(rand.NewPCG(*seed, 0))
	dirty := 0
	for i := range *n {
		k := kinds[i%len(kinds)] // each kind in turn
		if !one(bin, i+1, k, time.Duration(rng.Int64N(int64(*within)))) {
			dirty++
		}
	}
	fmt.Printf("something was left in %d of %d\n", dirty, *n)
	if dirty > 0 {
		os.Exit(1)
	}
}

// one starts a hunt, kills it and reports whether nothing was left.
func one(bin string, i int, k kind, moment time.Duration) bool {
	tmp, err := os.MkdirTemp("/var/tmp", "fhk")
	check(err)
	defer os.RemoveAll(tmp)
	out, err := os.MkdirTemp("/var/tmp", "fho")
	check(err)
	defer os.RemoveAll(out)
	cmd := exec.Command(bin, append([]string{"run", "-q", "--trials", "100000", "--parallel", "3", "--out", out}, k.args...)...)
	cmd.Dir = k.dir
	if cmd.Dir == "" {
		cmd.Dir = out
	}
	id := fmt.Sprintf("%d-%d", os.Getpid(), i)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, marker+"="+id)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	check(cmd.Start())
	owner := fmt.Sprintf("/%d/%s", cmd.Process.Pid, fields(cmd.Process.Pid)[19])
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-time.After(moment):
	case <-ended:
		log.Fatalf("%s: the hunt ended by itself: %s", k.name, said.String())
	}
	before := look(id, tmp, owner, &sight{processes: map[int]string{cmd.Process.Pid: fields(cmd.Process.Pid)[19]}})
	check(cmd.Process.Kill())
	<-ended

	doctor := exec.Command(bin, "doctor")
	doctor.Env = append(os.Environ(), "TMPDIR="+tmp)
	text, err := doctor.CombinedOutput()
	after := look(id, tmp, owner, before)
	if err != nil {
		log.Fatalf("doctor: %v: %s", err, text)
	}
	left := after.String()
	if left == "" {
		left = "nothing"
	}
	if after.unread > 0 {
		left += fmt.Sprintf(" (%d ended, not yet read by init)", after.unread)
	}
	fmt.Printf("%3d  %-19s %6.2fs  %-36s %-10s %s\n", i, k.name, moment.Seconds(), before, fmt.Sprintf("%d things", strings.Count(string(text), "left behind")), left)
	if after.String() != "" {
		fmt.Printf("%s\n%s\n", strings.Join(after.list, "\n"), text)
	}
	return after.String() == ""
}

// sight is what there is of a hunt.
type sight struct {
	processes  map[int]string // number and start
	namespaces map[string]bool
	containers int
	files      int
	unread     int // ended, and init has not looked yet
	list       []string
}

func (s sight) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{len(s.processes), "processes"}, {len(s.namespaces), "networks"}, {s.containers, "containers"}, {s.files, "files"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// look counts. A process is of the hunt by its environment, by its parent, by
// where it works (redis-server writes over its environment), or since it was
// before; a network is there while any process is in it.
func look(id, tmp, owner string, before *sight) *sight {
	s := &sight{processes: map[int]string{}, namespaces: map[string]bool{}}
	host, _ := os.Readlink("/proc/self/ns/net")
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	slices.SortFunc(dirs, func(a, b string) int { // parents first, but for the turn of the counter
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		f := fields(pid)
		if f == nil {
			continue
		}
		env, _ := os.ReadFile(dir + "/environ")
		ours := slices.Contains(strings.Split(string(env), "\x00"), marker+"="+id)
		cwd, _ := os.Readlink(dir + "/cwd")
		parent, _ := strconv.Atoi(f[1])
		ours = ours || before.processes[pid] == f[19] || s.processes[parent] != "" || strings.HasPrefix(cwd, tmp+"/")
		network, _ := os.Readlink(dir + "/ns/net")
		if ours && f[0] == "Z" && f[1] == "1" {
			s.unread++
			continue
		}
		if ours {
			s.processes[pid] = f[19]
			cmdline, _ := os.ReadFile(dir + "/cmdline")
			s.list = append(s.list, fmt.Sprintf("process %d %s %q", pid, f[0], cmdline))
		}
		if network != "" && network != host && (ours || before.namespaces[network]) {
			s.namespaces[network] = true
			s.list = append(s.list, "network "+network)
		}
	}
	if out, err := exec.Command("docker", "ps", "-a", "--format", `{{.ID}} {{.Label "`+ownerLabel+`"}}`).Output(); err == nil {
		for line := range strings.Lines(string(out)) {
			if strings.HasSuffix(strings.TrimSpace(line), owner) {
				s.containers++
				s.list = append(s.list, "container "+line)
			}
		}
	}
	files, _ := os.ReadDir(tmp)
	s.files = len(files)
	for _, f := range files {
		s.list = append(s.list, "file "+f.Name())
	}
	return s
}

// fields are those of /proc/PID/stat from the state on; nil when there is none.
func fields(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 20 {
		return nil
	}
	return f
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
