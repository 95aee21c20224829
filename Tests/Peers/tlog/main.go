// Command tlog checks what rustynet wrote with golang.org/x/mod/sumdb: it exits 0 only if everything verifies.
//
// Usage: tlog VERIFIER-KEY OLD-CHECKPOINT CHECKPOINT CONSISTENCY-PROOF INCLUSION-PROOF ENTRY
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 7 {
		fail("usage", fmt.Errorf("six arguments are needed"))
	}
	verifier, err := note.NewVerifier(os.Args[1])
	check("verifier key", err)
	old := openCheckpoint(verifier, read(os.Args[2]))
	current := openCheckpoint(verifier, read(os.Args[3]))

	var tree tlog.TreeProof
	for _, line := range strings.Fields(string(read(os.Args[4]))) {
		tree = append(tree, hash(line))
	}
	check("consistency", tlog.CheckTree(tree, current.N, current.Hash, old.N, old.Hash))

	head, rest, found := strings.Cut(string(read(os.Args[5])), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("inclusion proof", fmt.Errorf("not a tlog-proof"))
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	check("index", err)
	var record tlog.RecordProof
	for _, line := range lines[2:] {
		record = append(record, hash(line))
	}
	proved := openCheckpoint(verifier, []byte(rest))
	check("inclusion", tlog.CheckRecord(record, proved.N, proved.Hash, index, tlog.RecordHash(read(os.Args[6]))))
	fmt.Printf("verified: %d is consistent with %d, entry %d is in %d\n", current.N, old.N, index, proved.N)
}

// openCheckpoint verifies the note and reads its three lines; tlog.ParseTree accepts the Go database's origin alone.
func openCheckpoint(verifier note.Verifier, data []byte) tlog.Tree {
	signed, err := note.Open(data, note.VerifierList(verifier))
	check("checkpoint", err)
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail("checkpoint", fmt.Errorf("not of %s", verifier.Name()))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check("size", err)
	return tlog.Tree{N: size, Hash: hash(lines[2])}
}

func hash(text string) tlog.Hash {
	var result tlog.Hash
	bytes, err := base64.StdEncoding.DecodeString(text)
	check("hash", err)
	if len(bytes) != len(result) {
		fail("hash", fmt.Errorf("%d bytes", len(bytes)))
	}
	copy(result[:], bytes)
	return result
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(path, err)
	return data
}

func check(what string, err error) {
	if err != nil {
		fail(what, err)
	}
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "tlog: %s: %v\n", what, err)
	os.Exit(1)
}
