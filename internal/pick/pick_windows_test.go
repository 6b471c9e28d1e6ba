package pick

import "testing"

func mkfifo(t *testing.T, _ string) {
	t.Helper()
	t.Skip("there are no such files")
}
