//go:build race

package main

// raceDetector reports that this test binary has the race detector, which takes memory of its own.
const raceDetector = true
