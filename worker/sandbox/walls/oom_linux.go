package walls

import "os"

// dieFirst has the kernel end this process before any other when the machine's memory runs
// out. A process may always offer itself.
func dieFirst() error {
	return os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
}
