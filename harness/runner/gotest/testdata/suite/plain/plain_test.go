package plain

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var word = flag.String("word", "", "")

func TestPass(t *testing.T) {}

func TestFail(t *testing.T) { t.Errorf("got %d of 1 at %s", 0, os.Getenv("REDIS_ADDR")) }

func TestSkipped(t *testing.T) { t.Skip("not here") }

func TestShort(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
}

func TestWord(t *testing.T) {
	if *word != "" {
		t.Fatalf("word is %s", *word)
	}
}

func TestParent(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("bad (1|2) [x]", func(t *testing.T) { t.Fatal("sub failed") })
	t.Run("with/slash", func(t *testing.T) {})
}

// TestLoud prints a line of 10 MB, much in all, and bytes that are no UTF-8.
func TestLoud(t *testing.T) {
	if os.Getenv("LOUD") == "" {
		return
	}
	line := bytes.Repeat([]byte{'x', 0xff}, 5<<20)
	os.Stdout.Write(line)
	os.Stdout.Write([]byte("\n"))
	for range 9 {
		os.Stderr.Write(line)
	}
	os.Stdout.Write([]byte("\n"))
}
