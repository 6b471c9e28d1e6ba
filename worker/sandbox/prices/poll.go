package prices

import "encoding/binary"

// What poll_oneoff takes and gives. A subscription is 8 bytes of the guest's own, a kind,
// and from byte 16 on a clock (its number, from byte 24 on the time and from 40 on flags)
// or a descriptor. An event is the same 8 bytes, an errno and a kind.
const (
	subscriptionSize = 48
	eventSize        = 32

	ofClock = 0
	ofRead  = 1
	ofWrite = 2

	clocks   = 2 // a guest has those of the day and of its run
	absolute = 1 // the flag of a time on a clock, and not from now on
)

// poll does not wait: what a guest sleeps is over at once, whenever it was to end, and its
// files and streams are always ready. The clock stands still meanwhile, as it does
// between any two looks at it.
func (h *Host) poll(c *call) errno {
	const in, out, length, result = 0, 1, 2, 3
	count := c.number(length)
	if count == 0 {
		return inval
	}
	list, ok := c.memory(in, count, subscriptionSize)
	events, room := c.memory(out, count, eventSize)
	if !ok || !room {
		return fault
	}
	for i := range count {
		h.guest.Bill.Add(Buffer)
		subscription := list[i*subscriptionSize:][:subscriptionSize]
		happened, failed := h.happen(c, subscription)
		if failed != success {
			return failed
		}
		writeEvent(events[i*eventSize:][:eventSize], subscription, happened)
	}
	c.caller.Memory().WriteUint32Le(c.number(result), count)
	return success
}

// happen is what comes of a subscription; failed is what comes of the whole call.
func (h *Host) happen(c *call, subscription []byte) (happened, failed errno) {
	id := binary.LittleEndian.Uint32(subscription[16:])
	switch subscription[8] {
	case ofClock:
		return success, checkClock(id, binary.LittleEndian.Uint16(subscription[40:]))
	case ofRead, ofWrite:
		return h.look(c, id), success
	}
	return success, inval
}

func checkClock(id uint32, flags uint16) errno {
	if flags > absolute || flags == absolute && id >= clocks {
		return inval
	}
	return success
}

// look says whether a descriptor is open: advice on it changes nothing.
func (h *Host) look(c *call, descriptor uint32) errno {
	h.one = [5]uint64{uint64(descriptor)}
	h.engine["fd_advise"].Call(c.context, c.caller, h.one[:])
	return errno(h.one[0])
}

// writeEvent may write over its own subscription, if the guest wants that.
func writeEvent(event, subscription []byte, happened errno) {
	var own [8]byte
	copy(own[:], subscription)
	kind := subscription[8]
	clear(event)
	copy(event, own[:])
	binary.LittleEndian.PutUint16(event[8:], uint16(happened))
	event[10] = kind
}
