package handmade

import "encoding/binary"

// HostCall is a call of a function of the ABI.
type HostCall struct {
	Name string
	// Form is its type: a letter for each parameter, i for i32 and l for i64, and after
	// a colon those of its results. The last of a name counts.
	Form string
	Args []int64
	// Keep is the address at which the result is kept, 0 for nowhere.
	Keep int64
}

// Caller calls the host, and computes nothing.
type Caller struct {
	Pages uint32
	Data  []byte // from address 0 on
	// Once comes first, and then Turns times what is in Again.
	Once, Again []HostCall
	Turns       uint32
	// Shown is how much of the memory is written at the end, from address ShownAt on, which is
	// even then.
	ShownAt, Shown int64
}

// listAt is where a caller has its one buffer, within its first page.
const listAt = 65_520

// Encode makes a module.
func (c Caller) Encode() []byte {
	all := append(append([]HostCall{}, c.Once...), c.Again...)
	if c.Shown > 0 {
		c.Data = append(c.Data, make([]byte, listAt-len(c.Data))...)
		c.Data = binary.LittleEndian.AppendUint32(c.Data, uint32(c.ShownAt))
		c.Data = binary.LittleEndian.AppendUint32(c.Data, uint32(c.Shown))
		all = append(all, HostCall{Name: "fd_write", Form: "iiii:i", Args: []int64{1, listAt, 1, listAt + 8}})
	}
	s := Spec{Pages: c.Pages, Data: c.Data, Locals: 1}
	number := map[string]byte{}
	for _, call := range all {
		if _, known := number[call.Name]; !known {
			number[call.Name] = byte(len(s.Imports))
			s.Imports = append(s.Imports, Import{ABI, call.Name, firstOwn + Signature(len(s.Forms))})
			s.Forms = append(s.Forms, call.Form)
		}
	}
	for i, call := range all {
		if i == len(c.Once) && c.Turns > 0 {
			s.Code = join(s.Code, []byte{opLoop, void})
		}
		s.Code = append(s.Code, call.code(number[call.Name])...)
		if i == len(c.Once)+len(c.Again)-1 && c.Turns > 0 {
			s.Code = join(s.Code, []byte{opLocalGet, 0, opConst, 1, opAdd, opLocalTee, 0, opConst},
				signedLEB(int64(int32(c.Turns))), []byte{opLess, opBranchIf, 0, opEnd})
		}
	}
	return s.Encode()
}

func (h HostCall) code(number byte) []byte {
	var code []byte
	if h.Keep > 0 {
		code = join([]byte{opConst}, signedLEB(h.Keep))
	}
	for i, value := range h.Args {
		if h.Form[i] == 'l' {
			code = join(code, []byte{opConst64}, signedLEB(value))
			continue
		}
		code = join(code, []byte{opConst}, signedLEB(int64(int32(value))))
	}
	code = append(code, opCall, number)
	switch {
	case h.Keep > 0:
		return append(code, opStore, 2, 0)
	case h.Form[len(h.Form)-1] == ':':
		return code
	}
	return append(code, opDrop)
}
