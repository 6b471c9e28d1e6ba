package machine

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// cgroupBound reads what Linux's control groups allow to this process, below the root of
// the file system. Groups of either version count, and those above them, whose bounds
// hold as well.
func cgroupBound(root fs.FS) (b bound) {
	memberships := lines(root, "proc/self/cgroup")
	for _, line := range lines(root, "proc/self/mountinfo") {
		m, ok := parseCgroupMount(line)
		if !ok {
			continue
		}
		for _, line := range memberships {
			if group, ok := m.groupOf(line); ok {
				m.lower(&b, root, group)
			}
		}
	}
	return b
}

// cgroupMount is a place at which a hierarchy of groups can be read.
type cgroupMount struct {
	root  string // the group that is seen at the point
	point string
	// controllers are those of a hierarchy of version 1; version 2 has one hierarchy
	// for all.
	controllers []string
	version2    bool
}

// parseCgroupMount reads a line of mountinfo: see proc_pid_mountinfo(5).
func parseCgroupMount(line string) (m cgroupMount, ok bool) {
	mount, system, ok := strings.Cut(line, " - ")
	where, what := strings.Fields(mount), strings.Fields(system)
	if !ok || len(where) < 5 || len(what) < 3 {
		return m, false
	}
	m = cgroupMount{root: where[3], point: where[4], controllers: strings.Split(what[2], ","), version2: what[0] == "cgroup2"}
	return m, m.version2 || what[0] == "cgroup"
}

// groupOf finds, in a line of /proc/self/cgroup, the group of this hierarchy.
func (m cgroupMount) groupOf(line string) (group string, ok bool) {
	parts := strings.SplitN(line, ":", 3) // hierarchy, controllers, group
	if len(parts) != 3 {
		return "", false
	}
	if m.version2 {
		return parts[2], parts[0] == "0" && parts[1] == ""
	}
	return parts[2], slices.ContainsFunc(strings.Split(parts[1], ","), func(c string) bool {
		return c != "" && slices.Contains(m.controllers, c)
	})
}

// lower reads the group's bounds and those of all above it that can be seen. A group
// that is not below the mount's root is seen from within a container: as the root.
func (m cgroupMount) lower(b *bound, root fs.FS, group string) {
	below, ok := strings.CutPrefix(path.Clean(group), strings.TrimSuffix(m.root, "/"))
	if !ok {
		below = ""
	}
	for dir := path.Join("/", below); ; dir = path.Dir(dir) {
		at := strings.TrimPrefix(path.Join(m.point, dir), "/")
		if m.version2 {
			b.lower(quota(strings.Fields(text(root, at+"/cpu.max"))), number(text(root, at+"/memory.max")))
		} else {
			cpu := []string{text(root, at+"/cpu.cfs_quota_us"), text(root, at+"/cpu.cfs_period_us")}
			b.lower(quota(cpu), number(text(root, at+"/memory.limit_in_bytes")))
		}
		if dir == "/" {
			return
		}
	}
}

// quota is a number of processors, from the microseconds of a period that may be used
// and the period's; 0 means all of them.
func quota(words []string) float64 {
	if len(words) != 2 || number(words[1]) == 0 {
		return 0
	}
	return float64(number(words[0])) / float64(number(words[1]))
}

// number is 0 for "max", -1 and nothing, all of which mean no bound.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// text is empty where there is no such file.
func text(root fs.FS, name string) string {
	data, _ := fs.ReadFile(root, name)
	return strings.TrimSpace(string(data))
}

func lines(root fs.FS, name string) []string { return strings.Split(text(root, name), "\n") }
