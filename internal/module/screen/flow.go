package screen

// flow follows the ways through a function as the engine's compiler sees them:
// blocks of code without branches. A block that several ways lead to is a join.
type flow struct {
	spot
	labels []label // of the open blocks, the function's own first
	seeks  seeks   // so far
}

// seeks is how often the compiler looks for the value of variables.
type seeks struct {
	reads int64 // for one of them
	ways  int64 // for all
}

// spot is a place in the code.
type spot struct {
	dead  bool  // never reached
	depth int64 // how many blocks every way there leads through, at most
	chain int64 // and how many of them come after the last join
	known int64 // of how many addresses the compiler knows a bound
}

// label is where the branches out of a block lead, or back to the start of a loop.
type label struct {
	ways   int64 // that lead there
	chains int64 // of all of them
	after  spot  // what all of them have in common
	open   spot  // where the block begins
	seeks  seeks // before
	loop   bool
	fork   bool // an if without an else so far
}

func (f *flow) reset() {
	f.spot, f.seeks = spot{}, seeks{}
	f.labels = append(f.labels[:0], label{})
}

func (f *flow) push(l label) {
	l.open, l.seeks = f.spot, f.seeks
	f.labels = append(f.labels, l)
}

func (f *flow) top() *label { return &f.labels[len(f.labels)-1] }

// step goes on to a block to which only one way leads.
func (f *flow) step(blocks int64) {
	f.depth += blocks
	f.chain += blocks
}

// join goes on to a block to which several ways lead.
func (f *flow) join() {
	f.depth++
	f.chain = 0
}

// way is a branch to a label.
func (f *flow) way(n uint32) {
	if int64(n) < int64(len(f.labels)) {
		f.add(&f.labels[len(f.labels)-1-int(n)], f.spot)
	}
}

func (f *flow) add(l *label, from spot) {
	if from.dead {
		return
	}
	f.seeks.ways++
	if l.ways == 0 {
		l.after = from
	}
	l.after.depth, l.after.known = min(l.after.depth, from.depth), min(l.after.known, from.known)
	l.ways++
	l.chains += from.chain
}

func (f *flow) openBlock() { f.push(label{}) }

func (f *flow) openIf() {
	f.push(label{fork: true})
	f.step(1)
}

// openLoop comes to a join, whether or not anything leads back.
func (f *flow) openLoop() {
	l := label{loop: true}
	f.add(&l, f.spot)
	f.push(l)
	f.join()
}

func (f *flow) otherwise() {
	l := f.top()
	f.add(l, f.spot)
	l.fork = false
	f.spot = l.open
	f.step(1)
}

// close ends a block and gives its label.
func (f *flow) close() label {
	l := *f.top()
	if len(f.labels) == 1 {
		return l // the function's own, after which nothing comes
	}
	f.labels = f.labels[:len(f.labels)-1]
	if l.loop {
		return l
	}
	f.add(&l, f.spot)
	if l.fork {
		f.add(&l, l.open)
	}
	f.spot = l.after
	f.dead = l.ways == 0
	if l.ways == 1 {
		f.step(1)
	} else {
		f.join()
	}
	return l
}
