package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestHostile(t *testing.T) {
	switch os.Getenv("MODE") {
	case "lines":
		line := bytes.Repeat([]byte("x"), 399)
		for range 1 << 18 { // 100 MB
			os.Stdout.Write(append(line, '\n'))
		}
	case "line":
		os.Stdout.Write(bytes.Repeat([]byte("x"), 10<<20))
	case "bytes":
		b := make([]byte, 1<<20)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		os.Stdout.Write(b)
	case "daemon":
		for range 3 {
			cmd := exec.Command("sleep", "7791")
			cmd.Stdout = os.Stdout // it holds the output open
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("\ndaemon %d\n", cmd.Process.Pid)
		}
	case "closed":
		os.Stdout.Close()
	case "hang":
		select {}
	}
	t.Fatal("1 is not 2")
}

func TestAfterwards(t *testing.T) {}
