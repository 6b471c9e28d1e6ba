package blobstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/internal/blob"
)

const benchBatch, benchBlobs, benchSize = 50, 10_000, 200

// BenchmarkSmallBlobs compares packs with a file for each blob and one sync of the
// file system for each batch, which is how small blobs were once kept.
func BenchmarkSmallBlobs(b *testing.B) {
	var inPacks, inFiles, readPacks, readFiles time.Duration
	seed := uint64(0)
	for b.Loop() {
		var all [][]byte
		for range benchBlobs {
			seed++
			all = append(all, content(seed, benchSize))
		}
		s, dir := open(b, Config{}), b.TempDir()
		inPacks += took(b, func() error {
			return inBatches(all, func(batch [][]byte) error { _, err := s.PutMany(batch); return err })
		})
		inFiles += took(b, func() error { return inBatches(all, func(batch [][]byte) error { return putFiles(dir, batch) }) })
		readPacks += took(b, func() error { return readAll(s, all) })
		readFiles += took(b, func() error { return readFilesOf(dir, all) })
	}
	n := float64(b.N * benchBlobs)
	b.ReportMetric(n/inPacks.Seconds(), "put/s")
	b.ReportMetric(inFiles.Seconds()/inPacks.Seconds(), "put-times-as-fast-as-files")
	b.ReportMetric(n/readPacks.Seconds(), "read/s")
	b.ReportMetric(readFiles.Seconds()/readPacks.Seconds(), "read-times-as-fast-as-files")
}

func took(b *testing.B, do func() error) time.Duration {
	b.Helper()
	began := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func inBatches(all [][]byte, put func([][]byte) error) error {
	for len(all) > 0 {
		if err := put(all[:benchBatch]); err != nil {
			return err
		}
		all = all[benchBatch:]
	}
	return nil
}

func fileOf(dir string, data []byte) string {
	name := blob.Of(data).ID().String()
	return filepath.Join(dir, name[:2], name+wholeExt)
}

func putFiles(dir string, batch [][]byte) error {
	for _, data := range batch {
		path := fileOf(dir, data)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}

func readAll(s *Store, all [][]byte) error {
	for _, data := range all {
		if _, err := s.ReadRange(blob.Of(data).ID(), 0, -1); err != nil {
			return err
		}
	}
	return nil
}

func readFilesOf(dir string, all [][]byte) error {
	for _, data := range all {
		got, err := os.ReadFile(fileOf(dir, data))
		if err != nil {
			return err
		}
		if err := blob.Of(data).Verify(0, got); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkOpenMillion opens a store of a million blobs of 100 bytes.
func BenchmarkOpenMillion(b *testing.B) {
	dir := b.TempDir()
	s := open(b, Config{Dir: dir})
	for i := range 100 {
		var batch [][]byte
		for k := range 10_000 {
			batch = append(batch, content(uint64(10_000*i+k), 100))
		}
		if _, err := s.PutMany(batch); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if n := len(open(b, Config{Dir: dir}).Recent(2_000_000)); n != 1_000_000 {
			b.Fatal(n)
		}
	}
}
