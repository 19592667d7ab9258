package proc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/flakehunt/flakehunt/internal/owner"
)

// isolate gives the command its own process group, and asks the kernel to kill
// it when this process dies, however that happens.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func signalGroup(leader int, sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(-leader, s) // it may have ended by itself
	}
}

// process is one that carries a mark. start tells it from a later one with the
// same number.
type process struct {
	pid   int
	name  string
	start string
}

// endStrays kills what is left of a run after its leader ended: first its
// process group, then what carries its mark, until nothing does.
func endStrays(leader int, mark string) []string {
	for range 100 {
		if syscall.Kill(-leader, syscall.SIGKILL) != nil {
			break // the group is gone, the usual case
		}
		time.Sleep(time.Millisecond)
	}
	var names []string
	for range 50 { // one may have forked while we looked
		found := marked(func(m string) bool { return m == mark }, leader)
		if len(found) == 0 {
			break
		}
		for _, p := range found {
			if sent, _ := kill(p); sent {
				names = append(names, fmt.Sprintf("%d %s", p.pid, p.name))
			}
		}
	}
	return names
}

// kill ends p if it is still the process that was seen, and waits until it runs
// no more: a killed process shows no environment while it dies, so a later look
// would miss it. Between the check and the signal its number could only be
// reused after a full turn of the counter.
func kill(p process) (sent, gone bool) {
	if owner.StartTime(p.pid) != p.start || syscall.Kill(p.pid, syscall.SIGKILL) != nil {
		return false, true
	}
	return true, patiently(time.Now().Add(dyingTime), func() bool { return owner.StartTime(p.pid) != p.start })
}

const (
	// dyingTime is how long a killed process may take. One that the kernel
	// holds longer (a dead network disk) is given up.
	dyingTime = 2 * time.Second
	// reapingTime is how long its new parent may take to read its status: there
	// are inits that look every other second, and containers whose init never does.
	reapingTime = 5 * time.Second
)

// patiently asks until it is so, or the time is up.
func patiently(until time.Time, so func() bool) bool {
	for !so() {
		if !time.Now().Before(until) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	return true
}

// bury waits until of these processes not even their numbers are left, within
// reapingTime. For one that became a child of ours nobody else would read its status.
func bury(dead []process) {
	self := strconv.Itoa(os.Getpid())
	patiently(time.Now().Add(reapingTime), func() bool {
		return !slices.ContainsFunc(dead, func(p process) bool {
			f := statFields(strconv.Itoa(p.pid))
			return f != nil && f[19] == p.start && (f[0] != "Z" || f[1] != self)
		})
	})
}

// dying lists this user's processes that the kernel is taking down now. What a
// killed hunt started may be among them: the kernel ends it with the hunt, but
// not in the same moment, and it shows no mark any more.
func dying() []process {
	const exiting = 0x00000004 // PF_EXITING of the kernel's sched.h
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []process
	for _, file := range stats {
		dir := filepath.Dir(file)
		f := stat(filepath.Base(dir))
		if f == nil {
			continue // gone, or waits for its parent, which may never ask
		}
		if flags, _ := strconv.ParseUint(f[6], 10, 64); flags&exiting == 0 {
			continue
		}
		var st syscall.Stat_t
		if syscall.Stat(dir, &st) != nil || int(st.Uid) != os.Geteuid() && st.Uid != 0 {
			continue // a process that gives its memory up may be shown as root's
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			found = append(found, process{pid: pid, start: f[19]})
		}
	}
	return found
}

// marked lists the processes whose environment has a mark that is wanted.
// Processes that began before the one numbered since are skipped, unless the
// counter has turned over since then.
func marked(want func(mark string) bool, since int) []process {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	if since > 0 && lastPID() < since {
		since = 0
	}
	var found []process
	for _, n := range names {
		pid, err := strconv.Atoi(n)
		if err != nil || pid < since {
			continue
		}
		mark := variable(environ(n), MarkVar)
		if mark == "" || !want(mark) {
			continue
		}
		if p := (process{pid: pid, name: comm(n), start: owner.StartTime(pid)}); p.start != "" {
			found = append(found, p)
		}
	}
	return found
}

// environ reads a process's environment; nothing for a kernel thread, a zombie
// or another user's process. While a process executes a new program it has none
// for a moment, and must not escape by that.
func environ(pid string) []byte {
	for range 20 {
		env, err := os.ReadFile("/proc/" + pid + "/environ")
		if err != nil || len(env) > 0 {
			return env
		}
		f := stat(pid)
		if f == nil {
			return nil
		}
		const kernelThread = 0x00200000 // PF_KTHREAD of the kernel's sched.h
		if flags, _ := strconv.ParseUint(f[6], 10, 64); flags&kernelThread != 0 {
			return nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return nil
}

// variable finds NAME=value in a block of NUL-terminated settings.
func variable(env []byte, name string) string {
	for len(env) > 0 {
		var setting []byte
		setting, env, _ = bytes.Cut(env, []byte{0})
		if v, ok := bytes.CutPrefix(setting, []byte(name+"=")); ok {
			return string(v)
		}
	}
	return ""
}

func comm(pid string) string {
	b, _ := os.ReadFile("/proc/" + pid + "/comm")
	return strings.TrimSpace(string(b))
}

// lastPID is the number given to the youngest process.
func lastPID() int {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	n, _ := strconv.Atoi(f[len(f)-1])
	return n
}

// stat returns the fields of /proc/PID/stat from the third (state) on, or nil
// when the process is gone or a zombie.
func stat(pid string) []string {
	f := statFields(pid)
	if f == nil || f[0] == "Z" || f[0] == "X" {
		return nil
	}
	return f
}

// statFields is stat for zombies, too.
func statFields(pid string) []string {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	i := bytes.LastIndexByte(b, ')') // the name, field 2, may hold spaces and parentheses
	f := strings.Fields(string(b[i+1:]))
	if i < 0 || len(f) < 20 {
		return nil
	}
	return f
}

func ownedByUs(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
