package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/yamltree"
)

// invalid is an error about what the caller gave.
func invalid(next, format string, args ...any) error {
	return problem.Invalid(next, format, args...)
}

// reason strips the path that a file error repeats.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// decodeStrict reads YAML into a job file and refuses fields that it does not have.
// Text is what was typed; numbers and truth values are those of YAML 1.2.
func decodeStrict(text []byte, file *JobFile) error {
	root, err := yamltree.Parse(text)
	if err != nil {
		return err
	}
	if root.Kind != yamltree.Map {
		return invalid("start with the lines 'name: ...', 'bundle: ...' and 'input: ...'", "found %s, want fields", found(root))
	}
	file.lines = make(map[string]int)
	return file.decodeFields(root, reflect.ValueOf(file).Elem(), "")
}

// decode puts a node into a field of the job file. Nothing, or null, where no text is
// wanted leaves the field out.
func (f *JobFile) decode(n *yamltree.Node, into reflect.Value, path string) error {
	if into.Kind() == reflect.String {
		return decodeText(n, into, path)
	}
	if n.Type() == yamltree.Null {
		return nil
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	if unit, is := into.Addr().Interface().(json.Unmarshaler); is {
		return decodeUnit(n, unit, path)
	}
	switch into.Kind() {
	case reflect.Struct:
		return f.decodeFields(n, into, path)
	case reflect.Map:
		return f.decodeTexts(n, into, path)
	case reflect.Slice:
		return decodeList(n, into, path)
	case reflect.Bool:
		return decodeBool(n, into, path)
	}
	return decodeInt(n, into, path)
}

func (f *JobFile) decodeFields(n *yamltree.Node, into reflect.Value, path string) error {
	if n.Kind != yamltree.Map {
		return mismatch(n, path, "fields")
	}
	if path != "" {
		path += "."
	}
	known := fieldsOf(into.Type())
	for _, given := range n.Fields {
		i := slices.Index(known, given.Name)
		if i < 0 {
			return unknownField(given, path, known)
		}
		f.lines[path+given.Name] = given.Line
		if err := f.decode(given.Value, fieldNamed(into, given.Name), path+given.Name); err != nil {
			return err
		}
	}
	return nil
}

func decodeText(n *yamltree.Node, into reflect.Value, path string) error {
	if n.Kind != yamltree.Scalar {
		return mismatch(n, path, "text")
	}
	into.SetString(n.Text)
	return nil
}

// decodeUnit reads what has its own notation, such as a size, from a number or from text.
func decodeUnit(n *yamltree.Node, into json.Unmarshaler, path string) error {
	var plain []byte
	switch n.Type() {
	case yamltree.Int, yamltree.Float:
		plain = []byte(n.Number())
	case yamltree.Collection:
		return mismatch(n, path, "a single value")
	default:
		var err error
		if plain, err = json.Marshal(n.Text); err != nil {
			return err
		}
	}
	if err := into.UnmarshalJSON(plain); err != nil {
		return invalid("correct the value", "line %d: %s: %w", n.Line, path, err)
	}
	return nil
}

func (f *JobFile) decodeTexts(n *yamltree.Node, into reflect.Value, path string) error {
	if n.Kind != yamltree.Map {
		return mismatch(n, path, "names and values")
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(n.Fields)))
	for _, given := range n.Fields {
		f.lines[path+"."+given.Name] = given.Line
		value := reflect.New(into.Type().Elem()).Elem()
		if err := decodeElement(given.Value, value, path+"."+given.Name); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(given.Name), value)
	}
	return nil
}

func decodeList(n *yamltree.Node, into reflect.Value, path string) error {
	if n.Kind != yamltree.List {
		return mismatch(n, path, "a list")
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.List), len(n.List)))
	for i, element := range n.List {
		if err := decodeElement(element, into.Index(i), path); err != nil {
			return err
		}
	}
	return nil
}

// decodeElement reads text, or an item: what is one value arrives as it was typed, and a
// list or a map as JSON. Where nothing is typed nobody knows what was meant.
func decodeElement(n *yamltree.Node, into reflect.Value, path string) error {
	switch {
	case n.Empty():
		return invalid("write '' for an empty text", "line %d: %s: there is no value", n.Line, path)
	case into.Kind() == reflect.String:
		return decodeText(n, into, path)
	case n.Kind == yamltree.Scalar:
		into.Set(reflect.ValueOf(n.Text))
		return nil
	}
	plain, err := n.JSON()
	into.Set(reflect.ValueOf(json.RawMessage(plain)))
	return err
}

func decodeBool(n *yamltree.Node, into reflect.Value, path string) error {
	if n.Type() != yamltree.Bool {
		return mismatch(n, path, "true or false")
	}
	into.SetBool(strings.EqualFold(n.Text, "true"))
	return nil
}

func decodeInt(n *yamltree.Node, into reflect.Value, path string) error {
	value, whole := n.Whole()
	switch {
	case !whole:
		return mismatch(n, path, "a whole number such as 1000 or 1e3")
	case into.CanInt() && value.IsInt64() && !into.OverflowInt(value.Int64()):
		into.SetInt(value.Int64())
	case into.CanUint() && value.IsUint64() && !into.OverflowUint(value.Uint64()):
		into.SetUint(value.Uint64())
	case into.CanUint() && value.Sign() < 0:
		return mismatch(n, path, "a whole number, 0 or more")
	default:
		return mismatch(n, path, "a number of at most "+most(into).String())
	}
	return nil
}

// most is the largest number that a field takes.
func most(into reflect.Value) *big.Int {
	bits := uint(into.Type().Bits())
	if into.CanInt() {
		bits--
	}
	limit := new(big.Int).Lsh(big.NewInt(1), bits)
	return limit.Sub(limit, big.NewInt(1))
}

// mismatch says which field has a value of the wrong kind.
func mismatch(n *yamltree.Node, path, want string) error {
	return invalid("correct the value", "line %d: %s: found %s, want %s", n.Line, path, found(n), want)
}

// found describes a value.
func found(n *yamltree.Node) string {
	switch {
	case n.Kind == yamltree.List:
		return "a list"
	case n.Kind == yamltree.Map:
		return "fields"
	case n.Empty():
		return "nothing"
	case n.Plain:
		return fmt.Sprintf("%.100s", n.Text)
	}
	return fmt.Sprintf("the text %.100q", n.Text)
}

// fieldsOf are the names that a struct has in job files.
func fieldsOf(t reflect.Type) []string {
	var names []string
	for field := range t.Fields() {
		if name := field.Tag.Get("json"); field.IsExported() && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// fieldNamed is the field of a struct that has this name in job files.
func fieldNamed(in reflect.Value, name string) reflect.Value {
	for i := range in.NumField() {
		if in.Type().Field(i).Tag.Get("json") == name {
			return in.Field(i)
		}
	}
	panic("sdk: no field " + name + " in " + in.Type().String())
}

func unknownField(given yamltree.Field, path string, known []string) error {
	next := "known fields here: " + strings.Join(known, ", ")
	nearest := slices.MinFunc(known, func(a, b string) int { return distance(given.Name, a) - distance(given.Name, b) })
	if distance(given.Name, nearest) <= 2 {
		next = fmt.Sprintf("did you mean %q? %s", nearest, next)
	}
	return invalid(next, "line %d: unknown field %q", given.Line, path+given.Name)
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
