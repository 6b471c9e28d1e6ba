"""What few tasks need: failures, JSON, functions without names. It is there under the name
of the package that scripts import at home, and stands in for that."""

import sys

import _guest

__path__ = []


def failure(error):
    """An exception with its traceback, in parts that can be pickled whatever it is."""
    import linecache
    import traceback

    for filename, part in _lines().items():
        linecache.cache[filename] = (1, None, part, filename)
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == _guest.__file__:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    sys.stderr.write(text)
    cls = type(error)
    try:
        pickled = _guest.dumps(error, 4)
    except Exception:
        pickled = b""
    try:
        words = str(error)
    except Exception:
        words = ""
    return False, {"module": cls.__module__, "name": cls.__qualname__, "text": words, "traceback": text, "pickle": pickled}


def _lines():
    """The files that were sent in part, with empty lines for what is not here."""
    files = {}
    for filename, line, text in _guest.sources:
        lines, rows = files.setdefault(filename, []), text.splitlines(True)
        lines += ["\n"] * (line - 1 + len(rows) - len(lines))
        lines[line - 1 : line - 1 + len(rows)] = rows
    return files


def picklable(answer):
    """The answer, or that it cannot be sent."""
    try:
        _guest.dumps(answer, 4)
        return answer
    except Exception as error:
        return failure(error)


def json_task(task):
    """A task whose arguments and results are JSON."""
    import json

    lines = []
    for call in json.loads(task):
        answer = _guest.script.answer((call[0].encode("latin-1"), call[1], call[2]))
        try:
            lines.append(json.dumps(_plain(answer), separators=(",", ":")))
        except (TypeError, ValueError) as error:
            lines.append(json.dumps(_plain(failure(error)), separators=(",", ":")))
    return ("[" + ",".join(lines) + "]").encode()


def _plain(answer):
    return answer if answer[0] else (False, dict(answer[1], pickle=""))


_made = {}


def _function(number):
    """A function without a name: made when it is first asked for."""
    if number not in _made:
        _make(number, _guest.script.program["functions"][number])
    return _made[number]


def _make(number, f):
    script = _guest.script
    space = script.space if f["module"] == _guest.MAIN else _guest.imported(f["module"], None).__dict__
    free, text = f["free"], f["text"]
    head = "def _around_(" + ", ".join(free) + "):\n"
    if f["name"] == "<lambda>":
        head += " return (\\\n"
        body = text + ")\n"
    else:
        head += " if 1:\n" if text[:1] in " \t" else ""
        body = text if text[:1] in " \t" else "".join(" " + row for row in text.splitlines(True))
        body += "\n return " + f["name"] + "\n"
    local = {}
    _guest.sources.append((f["filename"], f["line"], text))
    padded = "\n" * (f["line"] - 1 - head.count("\n")) + head + body
    exec(compile(padded, f["filename"], "exec", script.program["flags"], True), space, local)
    made = _made[number] = local["_around_"](*[None] * len(free))
    cells = dict(zip(made.__code__.co_freevars, made.__closure__ or ()))
    for name in free:
        if name in f["cells"]:
            cells[name].cell_contents = _guest.loads(f["cells"][name])
        else:
            del cells[name].cell_contents
    made.__defaults__, made.__kwdefaults__ = _guest.loads(f["defaults"])
    made.__module__ = f["module"]


class _Away:
    """What the script uses of anthill when it is not on the grid."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError("a task cannot use the grid that it runs on")


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Away


for _name in ("errors", "executor", "grid", "jobs", "_results", "_travel"):
    _module = type(sys)("anthill." + _name)
    _module.__getattr__ = __getattr__
    sys.modules["anthill." + _name] = _module
sys.modules["anthill._travel"]._function = _function
sys.modules["anthill._travel"]._import = lambda name: _guest.imported(name, None)
