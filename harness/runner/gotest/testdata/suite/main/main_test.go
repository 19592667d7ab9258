package main

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("MODE") == "early" {
		fmt.Println("no database")
		os.Exit(2)
	}
	code := m.Run()
	if os.Getenv("MODE") == "late" {
		fmt.Println("leaked a goroutine")
		code = 1
	}
	os.Exit(code)
}

func TestOnly(t *testing.T) {}
