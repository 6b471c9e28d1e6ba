package screen

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// TestCode asks the engine too. The module has two i32 locals, a mutable global
// 0 and a constant one 1, a table of functions, an element segment of function
// 0, no data segments, type 4 of two i32 to two, type 5 of two to one, and
// function 1 of type (i32, i32, i32, i32) to i32.
func TestCode(t *testing.T) {
	const block, loop, fork, otherwise, end, empty, i32 = "\x02", "\x03", "\x04", "\x05", "\x0b", "\x40", "\x7f"
	const one, long, float, drop, dead, null = "\x41\x01", "\x42\x01", "\x43\x00\x00\x00\x00", "\x1a", "\x00", "\xd0\x70"
	for name, c := range map[string]struct {
		code  string
		valid bool
	}{
		"addition of nothing":           {"\x6a", false},
		"test of another type":          {long + "\x45" + drop, false},
		"value left":                    {one, false},
		"value missing":                 {drop, false},
		"dead code":                     {dead + "\x6a" + drop, true},
		"dead code of another type":     {dead + "\x6a\x50" + drop, false},
		"dead code that leaves a value": {dead + one, false},
		"dead code that leaves unknown": {dead + "\x1b", false},
		"local":                         {"\x20\x00\x21\x01", true},
		"no local":                      {"\x20\x02" + drop, false},
		"local of another type":         {long + "\x21\x01", false},
		"tee":                           {one + "\x22\x01" + drop, true},
		"global":                        {"\x23\x00\x24\x00", true},
		"constant global":               {"\x23\x01" + drop + one + "\x24\x01", false},
		"no global":                     {"\x23\x02" + drop, false},
		"block with a result":           {block + i32 + one + end + drop, true},
		"block without its result":      {block + i32 + end + drop, false},
		"block with two results":        {block + i32 + one + one + end + drop, false},
		"block that takes from outside": {one + block + empty + drop + end, false},
		"block with parameters":         {one + one + block + "\x04" + end + drop + drop, true},
		"block with too few":            {one + block + "\x04" + end + drop + drop, false},
		"block of no type":              {block + "\x06" + end, false},
		"block without results again":   {one + one + block + "\x05" + end + drop, false},
		"if":                            {one + fork + i32 + one + otherwise + one + end + drop, true},
		"if without else":               {one + fork + i32 + one + end + drop, false},
		"if that needs no else":         {one + one + one + fork + "\x04" + end + drop + drop, true},
		"else of another type":          {one + fork + i32 + one + otherwise + long + end + drop, false},
		"if on a float":                 {float + fork + empty + end, false},
		"branch with a value":           {block + i32 + one + "\x0c\x00" + end + drop, true},
		"branch without":                {block + i32 + "\x0c\x00" + end + drop, false},
		"branch to a loop":              {loop + i32 + "\x0c\x00" + end + drop, true},
		"branch on a condition":         {block + i32 + one + one + "\x0d\x00" + end + drop, true},
		"branch that keeps no long":     {block + i32 + long + one + "\x0d\x00" + end + drop, false},
		"table of branches":             {block + i32 + block + i32 + one + one + "\x0e\x01\x00\x01" + end + end + drop, true},
		"of another arity":              {block + empty + block + i32 + one + one + "\x0e\x01\x00\x01" + end + drop + end, false},
		"of another type":               {block + "\x7e" + block + i32 + one + one + "\x0e\x01\x00\x01" + end + drop + long + end + drop, false},
		"of any type in dead code":      {block + "\x7e" + block + i32 + dead + "\x0e\x01\x00\x01" + end + drop + long + end + drop, true},
		"return":                        {one + "\x0f", true},
		"call":                          {one + one + one + one + "\x10\x01" + drop, true},
		"call with too few":             {one + one + one + "\x10\x01" + drop, false},
		"call of nothing":               {"\x10\x02", false},
		"call by the table":             {one + "\x11\x00\x00", true},
		"call by no table":              {one + "\x11\x00\x01", false},
		"call by the table of no type":  {one + "\x11\x06\x00", false},
		"select":                        {one + one + one + "\x1b" + drop, true},
		"select of two types":           {one + long + one + "\x1b" + drop, false},
		"select of references":          {null + null + one + "\x1b" + drop, false},
		"typed select of references":    {null + null + one + "\x1c\x01\x70" + drop, true},
		"select in dead code":           {dead + "\x1b\x1b\x6a" + drop, true},
		"reference":                     {"\xd2\x00" + drop, true},
		"reference that is not named":   {"\xd2\x01" + drop, false},
		"is null":                       {null + "\xd1" + drop, true},
		"number is null":                {one + "\xd1" + drop, false},
		"table.get":                     {one + "\x25\x00" + drop, true},
		"table.get of none":             {one + "\x25\x01" + drop, false},
		"table.set":                     {one + null + "\x26\x00", true},
		"table.set of another type":     {one + "\xd0\x6f" + "\x26\x00", false},
		"table.grow":                    {null + one + "\xfc\x0f\x00" + drop, true},
		"table.grow by a reference":     {one + null + "\xfc\x0f\x00" + drop, false},
		"table.size":                    {"\xfc\x10\x00" + drop, true},
		"table.fill":                    {one + null + one + "\xfc\x11\x00", true},
		"table.fill of another type":    {one + one + one + "\xfc\x11\x00", false},
		"table.init":                    {one + one + one + "\xfc\x0c\x00\x00", true},
		"table.init of none":            {one + one + one + "\xfc\x0c\x01\x00", false},
		"table.copy":                    {one + one + one + "\xfc\x0e\x00\x00", true},
		"table.copy of none":            {one + one + one + "\xfc\x0e\x00\x01", false},
		"elem.drop":                     {"\xfc\x0d\x00", true},
		"elem.drop of none":             {"\xfc\x0d\x01", false},
		"memory.init of none":           {one + one + one + "\xfc\x08\x00\x00", false},
		"data.drop of none":             {"\xfc\x09\x00", false},
		"memory.copy":                   {one + one + one + "\xfc\x0a\x00\x00", true},
		"memory.copy of longs":          {one + one + long + "\xfc\x0a\x00\x00", false},
		"memory.fill":                   {one + one + one + "\xfc\x0b\x00", true},
	} {
		wantSame(t, name, handmade.Spec{
			Pages: 1, Locals: 2, Code: []byte(c.code), MutableGlobals: 1, Globals: 1, Elements: []int{1},
			Tables:    []handmade.Limits{{Min: 1, Max: 2}},
			Types:     []handmade.Shape{{Params: 2, Results: 2}, {Params: 2, Results: 1}},
			Functions: []handmade.Function{{Type: int(handmade.FourArgs), Code: []byte{0}}},
		}.Encode(), c.valid)
	}
}

// TestModule has modules whose code is empty.
func TestModule(t *testing.T) {
	const header, exports = "\x00asm\x01\x00\x00\x00", "\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00"
	const types, functions, tables, memory, code = "\x01\x08\x02\x60\x00\x00\x60\x01\x7f\x00", "\x03\x02\x01\x00", "\x04\x07\x02\x70\x00\x01\x6f\x00\x01", "\x05\x03\x01\x00\x01", "\x0a\x04\x01\x02\x00\x0b"
	for name, c := range map[string]struct {
		module string
		valid  bool
	}{
		"nothing more":            {types + functions + tables + memory + exports + code, true},
		"function of no type":     {types + "\x03\x03\x02\x00\x02" + memory + exports + "\x0a\x07\x02\x02\x00\x0b\x02\x00\x0b", false},
		"exports of one name":     {types + functions + memory + "\x07\x1c\x03\x06_start\x00\x00\x06memory\x02\x00\x06memory\x02\x00" + code, false},
		"export of no memory":     {types + functions + exports + code, false},
		"export of no table":      {types + functions + memory + "\x07\x17\x03\x06_start\x00\x00\x06memory\x02\x00\x01t\x01\x00" + code, false},
		"start":                   {types + functions + memory + exports + "\x08\x01\x00" + code, true},
		"start of none":           {types + functions + memory + exports + "\x08\x01\x01" + code, false},
		"start with a parameter":  {types + "\x03\x03\x02\x00\x01" + memory + exports + "\x08\x01\x01" + "\x0a\x07\x02\x02\x00\x0b\x02\x00\x0b", false},
		"too much memory":         {types + functions + "\x05\x06\x01\x01\x01\x81\x80\x04" + exports + code, false},
		"table without room":      {types + functions + "\x04\x05\x01\x70\x01\x02\x01" + memory + exports + code, false},
		"global":                  {types + functions + memory + "\x06\x06\x01\x7f\x00\x41\x00\x0b" + exports + code, true},
		"global of another type":  {types + functions + memory + "\x06\x06\x01\x7f\x00\x42\x00\x0b" + exports + code, false},
		"global of two values":    {types + functions + memory + "\x06\x08\x01\x7f\x00\x41\x00\x41\x00\x0b" + exports + code, false},
		"global of none":          {types + functions + memory + "\x06\x04\x01\x7f\x00\x0b" + exports + code, false},
		"global of a global":      {types + functions + memory + "\x06\x0b\x02\x7f\x00\x41\x00\x0b\x7f\x00\x23\x00\x0b" + exports + code, false},
		"global of a function":    {types + functions + memory + "\x06\x06\x01\x70\x00\xd2\x00\x0b" + exports + code, true},
		"global of no function":   {types + functions + memory + "\x06\x06\x01\x70\x00\xd2\x01\x0b" + exports + code, false},
		"elements":                {types + functions + tables + memory + exports + "\x09\x07\x01\x00\x41\x00\x0b\x01\x00" + code, true},
		"elements at a long":      {types + functions + tables + memory + exports + "\x09\x07\x01\x00\x42\x00\x0b\x01\x00" + code, false},
		"elements of no function": {types + functions + tables + memory + exports + "\x09\x07\x01\x00\x41\x00\x0b\x01\x01" + code, false},
		"elements for no table":   {types + functions + memory + exports + "\x09\x07\x01\x00\x41\x00\x0b\x01\x00" + code, false},
		"elements of a type":      {types + functions + tables + memory + exports + "\x09\x09\x01\x02\x01\x41\x00\x0b\x00\x01\x00" + code, false},
		"element expressions":     {types + functions + tables + memory + exports + "\x09\x0d\x01\x05\x70\x03\xd2\x00\x0b\xd0\x70\x0b\xd2\x00\x0b" + code, true},
		"of another type":         {types + functions + tables + memory + exports + "\x09\x0d\x01\x05\x70\x03\xd2\x00\x0b\xd0\x6f\x0b\xd2\x00\x0b" + code, false},
		"of no function":          {types + functions + tables + memory + exports + "\x09\x0d\x01\x05\x70\x03\xd2\x00\x0b\xd0\x70\x0b\xd2\x01\x0b" + code, false},
		"data":                    {types + functions + memory + exports + "\x0c\x01\x01" + code + "\x0b\x07\x01\x00\x41\x00\x0b\x01x", true},
		"data at a long":          {types + functions + memory + exports + code + "\x0b\x07\x01\x00\x42\x00\x0b\x01x", false},
		"data of another count":   {types + functions + memory + exports + "\x0c\x01\x02" + code + "\x0b\x07\x01\x00\x41\x00\x0b\x01x", false},
		"names":                   {types + functions + memory + exports + code + "\x00\x05\x04name", true},
		"names twice":             {types + functions + memory + exports + code + "\x00\x05\x04name\x00\x05\x04name", false},
	} {
		wantSame(t, name, []byte(header+c.module), c.valid)
	}
}

// TestRewritable has modules that are valid, and that the rewriter refuses.
func TestRewritable(t *testing.T) {
	const types, memory = "\x01\x08\x02\x60\x00\x00\x60\x01\x7c\x00", "\x05\x03\x01\x00\x01"
	const imports, functions, code = "\x02\x09\x01\x03env\x01f\x00\x01", "\x03\x02\x01\x00", "\x0a\x04\x01\x02\x00\x0b"
	for name, source := range map[string][]byte{
		"export of a reserved name": handmade.Spec{Pages: 1, Exports: []string{rewrite.FuelExport}}.Encode(),
		"export of an import that takes a float": []byte("\x00asm\x01\x00\x00\x00" + types + imports + functions + memory +
			"\x07\x17\x03\x06_start\x00\x01\x06memory\x02\x00\x01f\x00\x00" + code),
	} {
		_, rewriter := rewrite.Rewrite(source, rewrite.Options{NaN: true, Depth: true, Fuel: true})
		err, ok := Check(source, Options{TrapUnknown: true}).(*refusal.Error)
		if !ok || err.Reason != refusal.Unrewritable || rewriter == nil {
			t.Errorf("%s: we say %v, the rewriter %v; want it refused by both", name, err, rewriter)
		}
	}
}
