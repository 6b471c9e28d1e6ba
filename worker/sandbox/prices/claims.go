package prices

// claim says what a function of the task ABI costs ByClaim. Its numbers are those of
// parameters; none of the kinds here is a function's first one, so 0 is none.
type claim struct {
	call    int64  // beside Call
	bytes   [2]int // how many bytes the host is to handle
	buffers int    // how many buffers it is to go through
	moved   int    // the address at which it says how many bytes it has moved
}

// claims of the functions that cost more than Call.
var claims = map[string]claim{
	"args_get":                {call: Open},
	"environ_get":             {call: Open},
	"fd_close":                {call: File},
	"fd_pread":                {call: File, buffers: 2, moved: 4},
	"fd_pwrite":               {call: File, buffers: 2, moved: 4},
	"fd_read":                 {call: File, buffers: 2, moved: 3},
	"fd_readdir":              {call: Open, bytes: [2]int{2}},
	"fd_write":                {buffers: 2, moved: 3},
	"path_create_directory":   {call: Open, bytes: [2]int{2}},
	"path_filestat_get":       {call: Open, bytes: [2]int{3}},
	"path_filestat_set_times": {call: Open, bytes: [2]int{3}},
	"path_link":               {call: Open, bytes: [2]int{3, 6}},
	"path_open":               {call: Open, bytes: [2]int{3}},
	"path_readlink":           {call: Open, bytes: [2]int{2, 4}},
	"path_remove_directory":   {call: Open, bytes: [2]int{2}},
	"path_rename":             {call: Open, bytes: [2]int{2, 5}},
	"path_symlink":            {call: Open, bytes: [2]int{1, 4}},
	"path_unlink_file":        {call: Open, bytes: [2]int{2}},
	"poll_oneoff":             {buffers: 2},
	"random_get":              {bytes: [2]int{1}},
}

// callByClaim has the engine work, for a price that follows from the arguments as far
// as they tell it, before, and the rest after.
func (h *Host) callByClaim(c *call, p claim) {
	moved := c.number(p.moved) // where a result comes to lie on the stack
	h.spend(c.caller, p.before(c))
	errno := c.work()
	if p.moved == 0 || errno != success {
		return
	}
	n, _ := c.caller.Memory().ReadUint32Le(moved) // it was just written there
	h.spend(c.caller, int64(n>>BytesShift))
}

func (p claim) before(c *call) int64 {
	cost := Call + p.call
	for _, at := range p.bytes {
		if at > 0 {
			cost += int64(c.number(at) >> BytesShift)
		}
	}
	if p.buffers > 0 {
		cost += int64(c.number(p.buffers)) * Buffer
	}
	return cost
}
