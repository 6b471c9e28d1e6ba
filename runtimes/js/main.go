// Command js runs JavaScript as a task: an interpreter (goja, ECMAScript 5.1 and most of
// what came later) as a guest. It is started as `js SCRIPT.js ARGS...`, and gives scripts
//
//	stdin          the shard, as text
//	readBytes()    the shard, as a Uint8Array
//	print(...)     a line of the result
//	write(x)       text, or bytes of a Uint8Array, of the result
//	console.log()  a line of the log
//	args           the arguments after the script's name
//	readFile(name) a data file of /data, as text
//	require(name)  another data file as a CommonJS module, or a JSON file
//
// An exception that nobody catches fails the task with exit code 1.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dop251/goja"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "js: no script")
		os.Exit(2)
	}
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	s := &script{vm: goja.New(), out: out, modules: map[string]goja.Value{}}
	err := s.run(os.Args[1], os.Args[2:])
	if err := errors.Join(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, describe(err))
		os.Exit(1)
	}
}

// describe is an error with JavaScript's stack where it has one.
func describe(err error) string {
	var thrown *goja.Exception
	if errors.As(err, &thrown) {
		return thrown.String()
	}
	return err.Error()
}

// script is one run of a program.
type script struct {
	vm      *goja.Runtime
	out     *bufio.Writer
	modules map[string]goja.Value
}

func (s *script) run(path string, args []string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	shard, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := s.offer(shard, args); err != nil {
		return err
	}
	program, err := goja.Compile(path, string(source), false)
	if err != nil {
		return err
	}
	_, err = s.vm.RunProgram(program)
	return err
}

// offer sets the names that scripts find.
func (s *script) offer(shard []byte, args []string) error {
	console := s.vm.NewObject()
	for _, name := range []string{"log", "info", "warn", "error", "debug"} {
		if err := console.Set(name, s.log); err != nil {
			return err
		}
	}
	for name, value := range map[string]any{
		"stdin": string(shard), "args": args, "console": console, "print": s.print, "write": s.write,
		"readFile": readFile, "require": s.require,
		"readBytes": func() (goja.Value, error) {
			return s.vm.New(s.vm.Get("Uint8Array"), s.vm.ToValue(s.vm.NewArrayBuffer(shard)))
		},
	} {
		if err := s.vm.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func words(call goja.FunctionCall) string {
	text := ""
	for i, a := range call.Arguments {
		if i > 0 {
			text += " "
		}
		text += a.String()
	}
	return text + "\n"
}

func (s *script) log(call goja.FunctionCall) goja.Value {
	fmt.Fprint(os.Stderr, words(call))
	return goja.Undefined()
}

func (s *script) print(call goja.FunctionCall) goja.Value {
	_, _ = s.out.WriteString(words(call)) // Flush tells
	return goja.Undefined()
}

func (s *script) write(call goja.FunctionCall) goja.Value {
	value := call.Argument(0)
	if array, is := value.Export().([]byte); is {
		_, _ = s.out.Write(array)
		return goja.Undefined()
	}
	_, _ = s.out.WriteString(value.String())
	return goja.Undefined()
}

func readFile(name string) (string, error) {
	text, err := os.ReadFile("/data/" + name)
	return string(text), err
}

// require runs a file once, and gives what it has put into exports.
func (s *script) require(name string) (goja.Value, error) {
	if exports, done := s.modules[name]; done {
		return exports, nil
	}
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	module := s.vm.NewObject()
	exports := s.vm.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return nil, err
	}
	s.modules[name] = exports
	source := "(function(module, exports) {" + text + "\n})"
	if len(name) > 5 && name[len(name)-5:] == ".json" {
		source = "(function(module, exports) { module.exports = (" + text + "\n) })"
	}
	f, err := s.vm.RunScript("/data/"+name, source)
	if err != nil {
		return nil, err
	}
	call, is := goja.AssertFunction(f)
	if !is {
		return nil, fmt.Errorf("require %s: it is no module", name)
	}
	if _, err := call(goja.Undefined(), module, exports); err != nil {
		return nil, err
	}
	s.modules[name] = module.Get("exports")
	return s.modules[name], nil
}
