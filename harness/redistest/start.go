package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/flakehunt/flakehunt/internal/ports"
)

// image is what a container runs.
const image = "redis:7-alpine"

// keeper runs a command until its own input ends, which it does when the test
// process is gone, however it went. $1 is a directory to remove at last.
const keeper = `dir=$1; shift
"$@" </dev/null >"$dir/log" 2>&1 & pid=$!
trap 'kill $pid 2>/dev/null' INT TERM HUP
cat >/dev/null
kill $pid 2>/dev/null; wait $pid 2>/dev/null
rm -rf "$dir"`

// start gets a Redis for this process: what works first.
func start() (addr string, err error) {
	var tried []error
	for _, name := range []string{"redis-server", "valkey-server"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if addr, err = serve(path); err == nil {
			return addr, nil
		}
		tried = append(tried, err)
	}
	if docker, err := exec.LookPath("docker"); err == nil {
		if addr, err := contain(docker); err == nil {
			return addr, nil
		} else {
			tried = append(tried, err)
		}
	}
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		return "", errors.Join(append(tried, fmt.Errorf("starting an embedded Redis: %w", err))...)
	}
	go tick(m) // for as long as the process lives, as the server would
	return m.Addr(), nil
}

// tick lets the embedded Redis's keys expire as the clock runs.
func tick(m *miniredis.Miniredis) {
	const step = 10 * time.Millisecond
	last := time.Now()
	for now := range time.Tick(step) {
		m.FastForward(now.Sub(last))
		last = now
	}
}

// serve starts a server of this machine on a free port.
func serve(path string) (string, error) {
	var err error
	for range 3 { // another process may take the port in between
		var port int
		if port, err = ports.Free(); err != nil {
			return "", err
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if err = keep(addr, path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"); err == nil {
			return addr, nil
		}
	}
	return "", err
}

// contain starts a container on a free port.
func contain(docker string) (string, error) {
	if err := exec.Command(docker, "image", "inspect", image).Run(); err != nil {
		if out, err := exec.Command(docker, "pull", "-q", image).CombinedOutput(); err != nil {
			return "", fmt.Errorf("docker pull %s: %s", image, strings.TrimSpace(string(out)))
		}
	}
	port, err := ports.Free()
	if err != nil {
		return "", err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	return addr, keep(addr, docker, "run", "--rm", "--init", "-p", addr+":6379", image)
}

// keep starts a command under the keeper and waits until a Redis answers at addr.
func keep(addr string, argv ...string) error {
	dir, err := os.MkdirTemp("", "redistest-")
	if err != nil {
		return fmt.Errorf("starting %s: %w", argv[0], err)
	}
	cmd := exec.Command("sh", append([]string{"-c", keeper, "redistest", dir}, argv...)...)
	cmd.Dir = dir
	in, err := cmd.StdinPipe() // kept open until the process is gone
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return fmt.Errorf("starting %s: %w", argv[0], err)
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if answers(addr) {
			return nil
		}
		if log, err := os.ReadFile(dir + "/log"); err == nil && strings.Contains(string(log), "Address already in use") {
			break
		}
	}
	log, _ := os.ReadFile(dir + "/log")
	_ = in.Close()
	_ = cmd.Wait()
	return fmt.Errorf("starting %s: no answer at %s: %s", argv[0], addr, strings.TrimSpace(string(log)))
}

// answers reports whether a Redis answers PING at addr.
func answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return false
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "+PONG")
}
