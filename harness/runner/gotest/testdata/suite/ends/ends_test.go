package ends

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"testing"
	"time"
)

func mode(m string) bool { return os.Getenv("MODE") == m }

func TestA(t *testing.T) {}

func TestB(t *testing.T) {
	t.Run("one", func(t *testing.T) {})
	t.Run("two", func(t *testing.T) {
		switch {
		case mode("exit"):
			log.Fatal("giving up on 127.0.0.1:4000")
		case mode("panic"):
			panic("two is broken")
		case mode("hang"), mode("stubborn"):
			if mode("stubborn") {
				exec.Command("sleep", "1").Start()
			}
			select {}
		case mode("goroutine"):
			go func() { panic("from a goroutine") }()
			time.Sleep(time.Second)
		case mode("signal"), mode("half a line"):
			if mode("half a line") {
				fmt.Print("half a line")
			}
			exec.Command("sh", "-c", fmt.Sprintf("kill -9 %d", os.Getpid())).Run()
			time.Sleep(time.Second)
		case mode("closed"):
			os.Stdout.Close()
			os.Stderr.Close()
		}
	})
	t.Run("three", func(t *testing.T) {})
}

func TestC(t *testing.T) {}

func TestP1(t *testing.T) {
	t.Parallel()
	if mode("parallel") {
		time.Sleep(50 * time.Millisecond)
		os.Exit(7)
	}
}

func TestP2(t *testing.T) {
	t.Parallel()
	if mode("parallel") {
		time.Sleep(200 * time.Millisecond)
	}
}

func TestRace(t *testing.T) {
	if !mode("race") {
		return
	}
	x, done := 0, make(chan bool)
	go func() { x++; done <- true }()
	x++
	<-done
}

func TestZ(t *testing.T) {}
