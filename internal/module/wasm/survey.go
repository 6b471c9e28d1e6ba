package wasm

import "unicode/utf8"

// Survey is what the lengths and counts in a module claim, without what they
// count. Reading it allocates nothing, so it shows what Decode would take.
type Survey struct {
	// Counts are the numbers of entries by section; for the custom sections,
	// which have no such number, how many of them there are.
	Counts [SectionTag + 1]uint32
	// Sizes are the sections' lengths in bytes; customs are added up.
	Sizes [SectionTag + 1]int64
	// Body is the length of the longest function body, BodyIndex which of the
	// module's own functions has it.
	Body      uint32
	BodyIndex int
	// LocalGroups is the largest number of local declarations in a body.
	LocalGroups uint32
}

// Look surveys a module. The error is an *Error, and nil does not yet mean that
// Decode will succeed.
func Look(module []byte) (Survey, error) {
	var s Survey
	if err := checkHeader(module); err != nil {
		return s, err
	}
	r := reader{data: module, pos: headerSize, section: "module"}
	for r.more() {
		at := r.pos
		id := SectionID(r.byte())
		if id > SectionTag {
			r.fail(at, "section id that is unknown")
			break
		}
		inner := reader{section: id.String()}
		size := r.u32()
		inner.base = r.pos
		inner.data = r.bytes(size)
		if r.err == nil {
			s.section(id, &inner)
			r.err = inner.err
		}
	}
	if r.err != nil {
		return s, r.err
	}
	return s, nil
}

func (s *Survey) section(id SectionID, r *reader) {
	s.Sizes[id] += int64(len(r.data))
	switch id {
	case SectionCustom:
		s.Counts[id]++
		return
	case SectionStart:
		return
	}
	s.Counts[id] = r.u32()
	if id == SectionCode {
		s.bodies(r)
	}
}

func (s *Survey) bodies(r *reader) {
	for i := 0; r.more(); i++ {
		size := r.u32()
		body := reader{base: r.base + r.pos, section: r.section}
		body.data = r.bytes(size)
		if size > s.Body {
			s.Body, s.BodyIndex = size, i
		}
		s.LocalGroups = max(s.LocalGroups, body.u32())
	}
}

// Claims are the largest counts in a module's name section: of functions, and of
// locals of one function. The engine allocates by them before it reads the names.
type Claims struct {
	Functions, Locals uint32
}

// NameClaims reads the counts of a name section's content and checks that the
// names are there. Lists must fill their subsections, since the engine goes on
// reading where a list ends. The error is an *Error.
func NameClaims(content []byte) (Claims, error) {
	const moduleName, functionNames, localNames = 0, 1, 2
	var c Claims
	r := reader{data: content, section: "name"}
	for r.more() {
		id := r.byte()
		inner := reader{section: "name"}
		inner.data = r.bytes(r.u32())
		if r.err != nil {
			break
		}
		switch id {
		case moduleName:
			inner.text()
		case functionNames:
			c.Functions = max(c.Functions, inner.names())
		case localNames:
			inner.localNames(&c)
		default:
			continue
		}
		if inner.more() {
			inner.fail(inner.pos, "names with bytes left after them")
		}
		r.err = inner.err
	}
	if r.err != nil {
		return c, r.err
	}
	return c, nil
}

// names skips a list of indices with names and gives its count, once all of it
// was there.
func (r *reader) names() uint32 {
	count := r.u32()
	for n := count; n > 0 && r.err == nil; n-- {
		r.u32()
		r.text()
	}
	return count
}

// text skips a name.
func (r *reader) text() {
	at := r.pos
	if !utf8.Valid(r.bytes(r.u32())) {
		r.fail(at, "name that is not UTF-8")
	}
}

func (r *reader) localNames(c *Claims) {
	count := r.u32()
	for n := count; n > 0 && r.err == nil; n-- {
		r.u32()
		c.Locals = max(c.Locals, r.names())
	}
	c.Functions = max(c.Functions, count)
}
