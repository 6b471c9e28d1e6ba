package machine

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anthill-grid/anthill/worker/limits"
)

const (
	mountsOfVersion1 = `30 23 0:28 / /sys rw - sysfs sysfs rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`
	mountsOfVersion2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
)

func TestCgroupBound(t *testing.T) {
	for name, c := range map[string]struct {
		mounts, groups string
		files          map[string]string
		want           bound
	}{
		"no groups":            {"", "", nil, bound{}},
		"no bound, version 2":  {mountsOfVersion2, "0::/user", map[string]string{"user/cpu.max": "max 100000", "user/memory.max": "max"}, bound{}},
		"version 2":            {mountsOfVersion2, "0::/a", map[string]string{"a/cpu.max": "250000 100000", "a/memory.max": "1073741824"}, bound{2.5, 1 << 30}},
		"in a container":       {mountsOfVersion2, "0::/", map[string]string{"cpu.max": "50000 100000", "memory.max": "536870912"}, bound{0.5, 512 << 20}},
		"the slice has less":   {mountsOfVersion2, "0::/s/a", map[string]string{"s/cpu.max": "100000 100000", "s/a/cpu.max": "400000 100000", "s/memory.max": "7"}, bound{1, 7}},
		"the service has less": {mountsOfVersion2, "0::/s/a", map[string]string{"s/cpu.max": "800000 100000", "s/a/cpu.max": "400000 100000"}, bound{4, 0}},
		"a namespace":          {strings.Replace(mountsOfVersion2, " / /sys", " /docker/x /sys", 1), "0::/../..", map[string]string{"cpu.max": "200000 100000"}, bound{2, 0}},
		"not for others":       {mountsOfVersion2, "0::/a", map[string]string{"b/cpu.max": "200000 100000"}, bound{}},
		"no bound, version 1": {mountsOfVersion1, "4:memory:/\n1:cpu,cpuacct:/\n0::/", map[string]string{
			"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000", "memory/memory.limit_in_bytes": "9223372036854771712"},
			bound{0, 9223372036854771712}},
		"version 1": {mountsOfVersion1, "4:memory:/m/n\n1:cpu,cpuacct:/c\n0::/", map[string]string{
			"cpu,cpuacct/c/cpu.cfs_quota_us": "300000", "cpu,cpuacct/c/cpu.cfs_period_us": "100000", "memory/m/memory.limit_in_bytes": "2147483648"},
			bound{3, 2 << 30}},
		"version 1, from within": {strings.ReplaceAll(mountsOfVersion1, " / /sys/fs", " /docker/x /sys/fs"), "4:memory:/docker/x\n1:cpu,cpuacct:/docker/x", map[string]string{
			"cpu,cpuacct/cpu.cfs_quota_us": "200000", "cpu,cpuacct/cpu.cfs_period_us": "100000", "memory/memory.limit_in_bytes": "1"},
			bound{2, 1}},
	} {
		root := fstest.MapFS{
			"proc/self/mountinfo": &fstest.MapFile{Data: []byte(c.mounts + "\n")},
			"proc/self/cgroup":    &fstest.MapFile{Data: []byte(c.groups + "\n")},
		}
		for file, text := range c.files {
			root["sys/fs/cgroup/"+file] = &fstest.MapFile{Data: []byte(text + "\n")}
		}
		if got := cgroupBound(root); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestCapacityIsTheLeast(t *testing.T) {
	machine := limits.Capacity{Processors: 16, Memory: 64 << 30}
	for _, c := range []struct {
		bound bound
		want  limits.Capacity
	}{
		{bound{}, machine},
		{bound{2, 1 << 30}, limits.Capacity{Processors: 2, Memory: 1 << 30}},
		{bound{0.5, 0}, limits.Capacity{Processors: 1, Memory: 64 << 30}},
		{bound{2.5, 9223372036854771712}, limits.Capacity{Processors: 3, Memory: 64 << 30}},
		{bound{64, 0}, machine},
	} {
		if got := c.bound.within(machine); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.bound, got, c.want)
		}
	}
	if c := Capacity(); c.Processors < 1 || c.Memory < 1<<20 {
		t.Errorf("this machine: %+v", c)
	}
}
