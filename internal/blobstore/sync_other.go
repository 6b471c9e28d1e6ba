//go:build !linux

package blobstore

// syncFiles makes files durable one by one: there is no syncfs here.
func syncFiles(_ string, paths []string) error { return syncEach(paths) }
