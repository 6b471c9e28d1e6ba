package prices

import "encoding/binary"

// bufferSize is an entry of a list of buffers: an address and a length.
const bufferSize = 8

// read reads into one buffer after the other until one is not filled, as the engine does,
// which would not say how many of them it has come to. The count of what was read goes to
// the address in the parameter result; of fd_pread there is an offset before that.
func (h *Host) read(c *call, result int) errno {
	count := c.number(2)
	list, _ := c.memory(1, count, bufferSize) // it was checked
	var total uint32
	reads := 0
	for i := range count {
		length := binary.LittleEndian.Uint32(list[i*bufferSize+4:])
		if length == 0 {
			h.guest.Bill.Add(Glance)
			continue
		}
		n, failed := h.readOne(c, i, total, result)
		if failed != success {
			return failed
		}
		reads++
		total += n
		if n < length {
			break
		}
	}
	if reads == 0 {
		return h.readNone(c)
	}
	c.caller.Memory().WriteUint32Le(c.number(result), total)
	return success
}

// readOne reads into buffer i of the list, with so many bytes read before.
func (h *Host) readOne(c *call, i, before uint32, result int) (n uint32, failed errno) {
	const list, count, offset = 1, 2, 3
	one := h.one[:copy(h.one[:], c.stack)]
	one[list], one[count] = uint64(c.number(list)+i*bufferSize), 1
	if result > offset {
		one[offset] += uint64(before)
	}
	h.guest.Bill.Add(Buffer)
	if failed := c.workOn(one); failed != success {
		return 0, failed
	}
	n, _ = c.caller.Memory().ReadUint32Le(c.number(result)) // it was just written there
	return n, success
}

// readNone has the engine say whether it would read.
func (h *Host) readNone(c *call) errno {
	const count = 2
	c.stack[count] = 0
	return c.work()
}
