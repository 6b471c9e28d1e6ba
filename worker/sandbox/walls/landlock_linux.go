package walls

import (
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// landlockVersion is the newest that is used. Version 6 would also keep signals
// in, but kernels before 6.14 then take those between the threads of this
// process for foreign ones, and the Go runtime stops its threads by signals;
// the seccomp filter does it without that.
const landlockVersion = 5

// restrictFiles leaves the process its one writable directory, the reading of some
// others, and neither TCP nor any other file. On older kernels it is as strict
// as they can be: moving files between directories is governed from version 2
// on, truncating from 3, TCP from 4, devices from 5.
func restrictFiles(cfg Config) (string, error) {
	version, err := landlocksys.LandlockGetABIVersion()
	if err != nil {
		return "", fmt.Errorf("not in this kernel, or turned off: %w", err)
	}
	var rules []landlock.Rule
	if cfg.Writable != "" {
		rules = append(rules, landlock.RWDirs(cfg.Writable))
	}
	for _, dir := range cfg.Readable {
		rules = append(rules, landlock.RODirs(dir).IgnoreIfMissing())
	}
	if err := landlock.V5.BestEffort().Restrict(rules...); err != nil {
		return "", err
	}
	return fmt.Sprintf("landlock v%d", min(version, landlockVersion)), nil
}
