// Package main has a TestMain.
package main

func main() {}
