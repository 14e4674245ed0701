package main

import (
	"log"
	"testing"
)

// testingTB stands in for a test: the relay's constructor takes one, though it only logs, fails and registers clean-ups
// that the end of the process does as well. What is not overridden here panics on the nil interface inside.
type testingTB struct{ testing.TB }

func (testingTB) Helper()                           {}
func (testingTB) Cleanup(func())                    {}
func (testingTB) Logf(format string, args ...any)   { log.Printf(format, args...) }
func (testingTB) Fatal(args ...any)                 { log.Fatal(args...) }
func (testingTB) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
func (testingTB) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
