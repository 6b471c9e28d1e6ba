"""What runs on the grid: it calls functions with the items of one task.

The grid's Python starts it as a script, in each task anew. So there is as little in it as
there can be: what few tasks need is in anthill.py beside it.
"""

import sys
from binascii import a2b_base64
from posix import _exit

DATA = "/data/"
MAIN = "__main__"
Module = type(sys)


def pickling():
    """The pickler, without functools and what that imports: half of its time."""
    from _functools import partial

    old = {}
    for name, names in (
        ("functools", {"partial": partial}),
        ("_compat_pickle", dict.fromkeys(("NAME_MAPPING", "IMPORT_MAPPING", "REVERSE_NAME_MAPPING", "REVERSE_IMPORT_MAPPING"), {})),
    ):
        old[name] = sys.modules.get(name)
        sys.modules[name] = Module(name)
        sys.modules[name].__dict__.update(names)
    import _pickle

    for name in old:
        del sys.modules[name]
        if old[name]:
            sys.modules[name] = old[name]
    return _pickle.dumps, _pickle.loads


dumps, loads = pickling()


class Script:
    """The user's script, as far as it was sent."""

    def __init__(self, program):
        global script
        script = self
        self.program = program
        self.loaded = {}
        main = Module(MAIN)
        self.space = main.__dict__
        sys.modules[MAIN] = sys.modules["__mp_main__"] = main
        for name, (module, attribute) in program["imports"].items():
            self.space[name] = imported(module, attribute)
        waiting = self.set(program["values"])
        for name, line, text, filename in program["definitions"]:
            sources.append((filename, line, text))
            above = "\n" * (line - 1) if text[:1] not in " \t" else "\n" * (line - 2) + "if 1:\n"
            exec(compile(above + text, filename, "exec", program["flags"], True), self.space)
            if waiting:
                waiting = self.set(waiting)
        for name in waiting:
            self.space[name] = loads(waiting[name])

    def set(self, values):
        """Set what can be set by now; the rest needs definitions that come later."""
        waiting = {}
        for name, value in values.items():
            try:
                self.space[name] = loads(value)
            except (AttributeError, NameError):
                waiting[name] = value
        return waiting

    def answer(self, call):
        """What one call gives: whether it has a value, and that or how it failed."""
        try:
            pickled, args, kwargs = call
            function = self.loaded.get(pickled)
            if function is None:
                function = self.loaded[pickled] = loads(pickled)
            return True, function(*args, **kwargs)
        except BaseException as error:
            return rest().failure(error)


sources = []  # what tracebacks are to show: file, line, text


def imported(module, attribute):
    __import__(module)
    found = sys.modules[module]
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


def rest():
    import anthill

    return anthill


def serve():
    """Read the task from stdin, and write its results to stdout."""
    results, sys.stdout = sys.stdout.buffer, sys.stderr  # print() goes to the log
    sys.modules["_guest"] = sys.modules[MAIN]
    with open(DATA + "program", "rb") as file:
        program = loads(file.read())
    Script(program)
    task = sys.stdin.buffer.read()
    if task[:1] == b"[":
        written = rest().json_task(task)
    else:
        answers = [script.answer(call) for call in loads(a2b_base64(task))]
        try:
            written = dumps(answers, 4)
        except Exception:
            written = dumps([rest().picklable(answer) for answer in answers], 4)
    results.write(written)
    results.flush()
    sys.stderr.flush()
    _exit(0)  # taking Python apart again would take as long as half of this


if __name__ == MAIN:
    serve()
