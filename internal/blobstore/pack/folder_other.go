//go:build !unix

package pack

// SyncFolder does nothing: the system keeps its folders in order by itself.
func SyncFolder(string) error { return nil }
