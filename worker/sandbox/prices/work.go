package prices

const (
	// maxPath is the longest path that is looked at, in bytes: a job's names of files have
	// 64 at most.
	maxPath = 1024
	// maxDescriptor is the largest number that a guest may give a descriptor: the
	// engine's table of them has a place for each smaller one.
	maxDescriptor = 1023
)

// function says what is looked at ByWork before a function is called, and who does the
// work. Its numbers are those of parameters.
type function struct {
	result place // where the answer goes
	list   int   // the address of a list of buffers, before their number; 0: there is none
	paths  []int // the addresses of paths, each before its length
	// work is done in the place of the engine's alone.
	work func(h *Host, c *call) errno
}

// place is an address, and how many bytes there are to lie in memory; none, if that is 0.
type place struct {
	at   int
	size uint64
}

// functions of which there is more to say than Call.
var functions = map[string]function{
	"args_get":                {work: func(h *Host, c *call) errno { return h.texts(c, h.guest.Args) }},
	"environ_get":             {work: func(h *Host, c *call) errno { return h.texts(c, h.guest.Env) }},
	"fd_filestat_set_times":   {work: func(*Host, *call) errno { return badf }}, // nothing here has any to set
	"fd_pread":                {result: place{4, 4}, list: 1, work: func(h *Host, c *call) errno { return h.read(c, 4) }},
	"fd_pwrite":               {result: place{4, 4}, list: 1},
	"fd_read":                 {result: place{3, 4}, list: 1, work: func(h *Host, c *call) errno { return h.read(c, 3) }},
	"fd_readdir":              {result: place{4, 4}, work: (*Host).readdir},
	"fd_renumber":             {work: (*Host).renumber},
	"fd_write":                {result: place{3, 4}, list: 1},
	"path_create_directory":   {paths: []int{1}},
	"path_filestat_get":       {result: place{4, 64}, paths: []int{2}},
	"path_filestat_set_times": {paths: []int{2}},
	"path_link":               {paths: []int{2, 5}},
	"path_open":               {result: place{8, 4}, paths: []int{2}},
	"path_readlink":           {result: place{5, 4}, paths: []int{1}},
	"path_remove_directory":   {paths: []int{1}},
	"path_rename":             {paths: []int{1, 4}},
	"path_symlink":            {paths: []int{0, 3}},
	"path_unlink_file":        {paths: []int{1}},
	"poll_oneoff":             {result: place{3, 4}, work: (*Host).poll},
	"random_get":              {work: (*Host).random},
}

// callByWork takes Call before, and the rest after: what the host has done. A call of
// what does not lie in memory comes to nothing.
func (h *Host) callByWork(c *call, f function) {
	h.spend(c.caller, Call)
	failed := c.check(f)
	if failed == success {
		failed = h.workFor(c, f)
	}
	c.stack[0] = uint64(failed)
	if units := h.guest.Bill.settle(); units > 0 {
		h.spend(c.caller, units)
	}
}

func (h *Host) workFor(c *call, f function) errno {
	for _, at := range f.paths {
		h.guest.Bill.Add(int64(c.number(at+1) >> PathShift))
	}
	if f.work != nil {
		return f.work(h, c)
	}
	return c.work()
}

// check looks for what need not be begun.
func (c *call) check(f function) errno {
	if f.result.size > 0 && !c.has(f.result.at, 1, f.result.size) {
		return fault
	}
	if f.list > 0 && !c.has(f.list, c.number(f.list+1), bufferSize) {
		return fault
	}
	for _, at := range f.paths {
		switch length := c.number(at + 1); {
		case length > maxPath:
			return nameTooLong
		case !c.has(at, length, 1):
			return fault
		}
	}
	return success
}

// texts tells the guest what its job says, or nothing if there is no room for it.
func (h *Host) texts(c *call, list []string) errno {
	failed := c.work()
	if failed == success {
		for _, text := range list {
			h.guest.Bill.Add(Buffer + Bytes(len(text)))
		}
	}
	return failed
}

// readdir tells the bytes that it has written, in which each entry has 24 and its name.
// What the directory itself is read for is on the bill.
func (h *Host) readdir(c *call) errno {
	const buffer, length, used = 1, 2, 4
	if !c.has(buffer, c.number(length), 1) {
		return fault
	}
	failed := c.work()
	if failed == success {
		n, _ := c.caller.Memory().ReadUint32Le(c.number(used)) // it was just written there
		h.guest.Bill.Add(int64(n))
	}
	return failed
}

func (h *Host) renumber(c *call) errno {
	const to = 1
	if c.number(to) > maxDescriptor {
		return badf
	}
	return c.work()
}

// random takes the price before, since there can be much to do.
func (h *Host) random(c *call) errno {
	const buffer, length = 0, 1
	if !c.has(buffer, c.number(length), 1) {
		return fault
	}
	h.spend(c.caller, int64(c.number(length))>>BytesShift)
	return c.work()
}
