// Package golden compares files with what Go computes, for tests of this module. With -update, it writes them.
package golden

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files")

// Cases reads cases.txt: lines of so many fields with tabs between them, of which the last is what Go computes. It compares the
// file with the lines that are computed from its own.
func Cases(t *testing.T, fields int, line func(fields []string) string) {
	const file = "cases.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for each := range strings.Lines(string(text)) {
		lines = append(lines, line(strings.SplitN(strings.TrimSuffix(each, "\n"), "\t", fields)))
	}
	Compare(t, file, strings.Join(lines, ""))
}

// Compare fails unless the file has this text.
func Compare(t *testing.T, file, got string) {
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got {
		t.Errorf("%s is not what Go does (%v); look at what has changed, and run the test with -update:\n%s", file, err, got)
	}
}
