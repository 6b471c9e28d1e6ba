"""What runs on the grid: it calls a function with the items of one task.

It is started by the grid's Python as a script. Each import here is paid for in each task,
so there are few, and what only failures need is imported when there are some.
"""

import sys

from _pickle import dumps, loads

DATA = "/data/"
MAIN = "__main__"


def serve():
    """Read the task from stdin, and write its results to stdout."""
    results, sys.stdout = sys.stdout, sys.stderr  # print() goes to the log
    with open(DATA + "program", "rb") as file:
        program = loads(file.read())
    _offer()
    main = _Main(program)
    task = sys.stdin.buffer.read()
    if task[:1] == b"[":
        written = _json_task(main, task)
    else:
        from binascii import a2b_base64

        written = _pickled_task(main, a2b_base64(task))
    results.buffer.write(written)
    results.buffer.flush()


def _pickled_task(main, task):
    calls = loads(task)
    answers = [_answer(main, call) for call in calls]
    try:
        return dumps(answers, 4)
    except Exception:
        return dumps([_picklable(answer) for answer in answers], 4)


def _picklable(answer):
    try:
        dumps(answer, 4)
        return answer
    except Exception as error:
        return _failure(error)


def _json_task(main, task):
    import json

    answers = [_answer(main, (call[0].encode("latin-1"), call[1], call[2])) for call in json.loads(task)]
    lines = []
    for answer in answers:
        try:
            lines.append(json.dumps(_plain(answer), separators=(",", ":")))
        except (TypeError, ValueError) as error:
            lines.append(json.dumps(_plain(_failure(error)), separators=(",", ":")))
    return ("[" + ",".join(lines) + "]").encode()


def _plain(answer):
    if answer[0]:
        return answer
    failure = dict(answer[1], pickle="")
    return False, failure


def _answer(main, call):
    try:
        function, args, kwargs = call
        return True, main.load(function)(*args, **kwargs)
    except BaseException as error:
        return _failure(error)


def _failure(error):
    """An exception with its traceback, in parts that can be pickled whatever it is."""
    import traceback

    _recall()
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    sys.stderr.write(text)
    cls = type(error)
    try:
        pickled = dumps(error, 4)
    except Exception:
        pickled = b""
    try:
        words = str(error)
    except Exception:
        words = ""
    return False, {"module": cls.__module__, "name": cls.__qualname__, "text": words, "traceback": text, "pickle": pickled}


class _Main:
    """The script, as far as it was sent."""

    def __init__(self, program):
        self.flags = program["flags"]
        self.functions = program["functions"]
        self.made = {}
        self.loaded = {}
        self.module = type(sys)(MAIN)
        self.space = self.module.__dict__
        sys.modules[MAIN] = sys.modules["__mp_main__"] = self.module
        sys.modules["anthill._travel"]._function = self.function
        for name, (module, attribute) in program["imports"].items():
            self.space[name] = _imported(module, attribute)
        waiting = self._set(program["values"])
        for name, line, text, filename in program["definitions"]:
            above = "\n" * (line - 1) if text[:1] not in " \t" else "\n" * (line - 2) + "if 1:\n"
            self._run(above + text, text, line, filename, self.space)
            if waiting:
                waiting = self._set(waiting)
        for name, value in waiting.items():
            self.space[name] = loads(value)

    def _set(self, values):
        """Set what can be set by now; the rest needs definitions that come later."""
        waiting = {}
        for name, value in values.items():
            try:
                self.space[name] = loads(value)
            except (AttributeError, NameError):
                waiting[name] = value
        return waiting

    def _run(self, padded, text, line, filename, space):
        _remember(filename, line, text)
        exec(compile(padded, filename, "exec", self.flags, True), space)

    def load(self, pickled):
        """A function as it was sent; most calls of a task have the same."""
        found = self.loaded.get(pickled)
        if found is None:
            found = self.loaded[pickled] = loads(pickled)
        return found

    def function(self, number):
        """A function without a name: made when it is first asked for."""
        made = self.made.get(number)
        if made is None:
            made = self._make(number, self.functions[number])
        return made

    def _make(self, number, f):
        space = self.space if f["module"] == MAIN else _imported(f["module"], None).__dict__
        free, text = f["free"], f["text"]
        head = "def _around_(" + ", ".join(free) + "):\n"
        if f["name"] == "<lambda>":
            head += " return (\\\n"
            body = text + ")\n"
            lines = 2
        else:
            head += " if 1:\n" if text[:1] in " \t" else ""
            lines = head.count("\n")
            body = text if text[:1] in " \t" else "".join(" " + row for row in text.splitlines(True))
            body += "\n return " + f["name"] + "\n"
        local = {}
        _remember(f["filename"], f["line"], text)
        padded = "\n" * (f["line"] - 1 - lines) + head + body
        exec(compile(padded, f["filename"], "exec", self.flags, True), space, local)
        made = self.made[number] = local["_around_"](*[None] * len(free))
        cells = dict(zip(made.__code__.co_freevars, made.__closure__ or ()))
        for name in free:
            if name in f["cells"]:
                cells[name].cell_contents = loads(f["cells"][name])
            else:
                del cells[name].cell_contents
        made.__defaults__, made.__kwdefaults__ = loads(f["defaults"])
        made.__module__ = f["module"]
        return made


def _imported(module, attribute):
    __import__(module)
    found = sys.modules[module]
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


_lines = {}


def _remember(filename, line, text):
    """Keep what tracebacks are to show of a file that is not here."""
    _lines.setdefault(filename, []).append((line, text))


def _recall():
    import linecache

    for filename, parts in _lines.items():
        lines = []
        for line, text in parts:
            rows = text.splitlines(True)
            lines += ["\n"] * (line - 1 + len(rows) - len(lines))
            lines[line - 1 : line - 1 + len(rows)] = rows
        linecache.cache[filename] = (1, None, lines, filename)


class _Away:
    """What the script uses of anthill when it is not on the grid."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError("a task cannot use the grid that it runs on")


def _offer():
    """Stand in for the package that scripts import at home."""
    for name in ("", ".errors", ".executor", ".grid", ".jobs", "._results", "._travel"):
        module = type(sys)("anthill" + name)
        module.__path__ = []
        module.__getattr__ = _away
        sys.modules["anthill" + name] = module
    sys.modules["anthill._travel"]._import = lambda name: _imported(name, None)


def _away(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Away


if __name__ == MAIN:
    serve()
