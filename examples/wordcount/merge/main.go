// Command merge adds up the partial counts that `anthill results -o DIR`
// wrote, and prints the most frequent words.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/examples/wordcount"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "merge:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("merge", flag.ContinueOnError)
	top := flags.Int("top", 10, "how many `words` to print")
	file := flags.String("o", "", "write all counts to `FILE` as well")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *top < 0 {
		return errors.New("want the directory that `anthill results JOB -o DIR` wrote")
	}
	counts, err := mergeDir(flags.Arg(0))
	if err != nil {
		return err
	}
	if *file != "" {
		if err := writeFile(*file, counts); err != nil {
			return err
		}
	}
	return print(stdout, counts, *top)
}

func mergeDir(dir string) (*wordcount.Counts, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	counts := new(wordcount.Counts)
	parts := 0
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		part, err := readFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		counts.Merge(part)
		parts++
	}
	if parts == 0 {
		return nil, fmt.Errorf("%s: no results in it; fetch them by `anthill results JOB -o %s`", dir, dir)
	}
	return counts, nil
}

func readFile(path string) (*wordcount.Counts, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	counts, err := wordcount.ReadCounts(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return counts, nil
}

func writeFile(path string, counts *wordcount.Counts) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = counts.WriteTo(file)
	return errors.Join(err, file.Close())
}

func print(w io.Writer, counts *wordcount.Counts, top int) error {
	if _, err := fmt.Fprintf(w, "%d words, %d different\n", counts.Total(), counts.Len()); err != nil {
		return err
	}
	for _, word := range counts.Top(top) {
		if _, err := fmt.Fprintf(w, "%8d  %s\n", word.Count, word.Text); err != nil {
			return err
		}
	}
	return nil
}
