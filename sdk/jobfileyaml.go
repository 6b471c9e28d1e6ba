package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/anthill-grid/anthill/internal/problem"
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

// decodeStrict reads YAML into a job file and refuses fields that it does not
// have.
func decodeStrict(text []byte, file *JobFile) error {
	plain, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return invalid("correct the YAML", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var tree any
	if err := json.Unmarshal(plain, &tree); err != nil {
		return fmt.Errorf("read YAML as JSON: %w", err)
	}
	if _, ok := tree.(map[string]any); !ok {
		return invalid("start with the lines 'name: ...', 'bundle: ...' and 'input: ...'", "found %s, want fields", kindOf(tree))
	}
	if err := checkFields(tree, reflect.TypeFor[JobFile](), "", text); err != nil {
		return err
	}
	return typeError(yaml.Unmarshal(text, file, keepNumbers))
}

// keepNumbers keeps large integers exact.
func keepNumbers(d *json.Decoder) *json.Decoder {
	d.UseNumber()
	return d
}

// checkFields walks the tree beside the Go type that it will become.
func checkFields(tree any, t reflect.Type, path string, text []byte) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value, ok := reflect.New(t).Interface().(json.Unmarshaler); ok {
		return checkUnit(tree, value, path)
	}
	fields, ok := tree.(map[string]any)
	if !ok || t.Kind() != reflect.Struct {
		return nil
	}
	if path != "" {
		path += "."
	}
	known := fieldsOf(t)
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(known, func(f field) bool { return f.name == name })
		if i < 0 {
			return unknownField(path+name, name, known, text)
		}
		if err := checkFields(fields[name], known[i].typ, path+name, text); err != nil {
			return err
		}
	}
	return nil
}

// checkUnit tries a size or a duration, because encoding/json would not say
// which field its error is about.
func checkUnit(tree any, value json.Unmarshaler, path string) error {
	plain, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := value.UnmarshalJSON(plain); err != nil {
		return invalid("correct the value", "%s: %w", path, err)
	}
	return nil
}

type field struct {
	name string
	typ  reflect.Type
}

func fieldsOf(t reflect.Type) []field {
	var fields []field
	for f := range t.Fields() {
		if name := f.Tag.Get("json"); name != "-" {
			fields = append(fields, field{name, f.Type})
		}
	}
	return fields
}

func unknownField(path, name string, known []field, text []byte) error {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	next := "known fields here: " + strings.Join(names, ", ")
	nearest := slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, nearest) <= 2 {
		next = fmt.Sprintf("did you mean %q? %s", nearest, next)
	}
	if line := lineOf(name, text); line > 0 {
		return invalid(next, "line %d: unknown field %q", line, path)
	}
	return invalid(next, "unknown field %q", path)
}

// lineOf finds the first line that looks like the field's.
func lineOf(name string, text []byte) int {
	pattern := regexp.MustCompile(`(^|[\s{,])["']?` + regexp.QuoteMeta(name) + `["']?\s*:`)
	for i, line := range strings.Split(string(text), "\n") {
		code, _, _ := strings.Cut(line, "#")
		if pattern.MatchString(code) {
			return i + 1
		}
	}
	return 0
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

// typeError says which field has a value of the wrong kind.
func typeError(err error) error {
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mismatch):
		return invalid("correct the value", "%s: found %s, want %s", mismatch.Field, mismatch.Value, kindName(mismatch.Type))
	}
	text := err.Error()
	for _, noise := range []string{"error unmarshaling JSON: ", "error converting YAML to JSON: ", "while decoding JSON: ", "json: "} {
		text = strings.ReplaceAll(text, noise, "")
	}
	return invalid("correct the value", "%s", text)
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "fields"
	case reflect.String:
		return "text"
	case reflect.Uint32:
		return "a whole number, 0 or more"
	}
	return "a whole number"
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case string:
		return "text"
	}
	return "a single value"
}
