"""Where in a file a function, lambda or class stands, and which names it uses."""

from __future__ import annotations

import __future__ as features
import ast
import dis
import linecache
import types
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple, Union

from .errors import CannotTravelError

# Annotations are not evaluated on the grid: they name types that only type checkers need.
FLAGS = features.annotations.compiler_flag

Node = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef]

_trees: Dict[Tuple[str, int], ast.Module] = {}


class Source:
    """A piece of a file: its text, and the line that the text begins in."""

    def __init__(self, node: Node, text: str, filename: str, line: int) -> None:
        self.node = node
        self.text = text
        self.filename = filename
        self.line = line


def of_function(function: types.FunctionType, decorated: bool) -> Source:
    """The source of a function; of one inside of another, without its decorators and with
    default values left out, since these are sent as they are."""
    code = function.__code__
    name = _called(function)
    lines, tree = _file(code.co_filename, function.__globals__, name)
    if code.co_name == "<lambda>":
        node = _lambda(code, tree, name)
        return Source(node, _blanked(node, lines), code.co_filename, node.lineno)
    for found in ast.walk(tree):
        if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)) and found.name == code.co_name and _first(found) == code.co_firstlineno:
            if decorated:
                return _whole(found, lines, code.co_filename)
            return Source(found, _blanked(found, lines), code.co_filename, found.lineno)
    raise CannotTravelError(f"{name} cannot be sent to the grid: {code.co_filename} has changed since it was imported", "start again")


def of_class(cls: type, filename: str, globals_: Dict[str, Any]) -> Source:
    """The source of a class at the top of a module."""
    lines, tree = _file(filename, globals_, cls.__qualname__)
    found: List[Any] = [n for n in _top(tree.body) if isinstance(n, ast.ClassDef) and n.name == cls.__name__]
    if not found:  # such as a namedtuple
        found = [n for n in _top(tree.body) if isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == cls.__name__ for t in n.targets)]
    if not found:
        raise CannotTravelError(f"class {cls.__qualname__} cannot be sent to the grid: its source is not in {filename}", "define it with a class statement at the top of a module")
    return _whole(found[-1], lines, filename)


def names(node: Node) -> Set[str]:
    """The global names that a definition uses, when it is made or when it is called."""
    module = ast.Expression(node) if isinstance(node, ast.Lambda) else ast.Module([node], [])  # type: ignore[list-item]
    code = compile(module, "names", "eval" if isinstance(node, ast.Lambda) else "exec", flags=FLAGS, dont_inherit=True)
    found: Set[str] = set()
    codes = [code]
    while codes:
        code = codes.pop()
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                found.add(step.argval)
    return found


def _file(filename: str, globals_: Dict[str, Any], name: str) -> Tuple[List[str], ast.Module]:
    lines = linecache.getlines(filename, globals_)
    if not lines:
        raise CannotTravelError(
            f"{name} cannot be sent to the grid: its source is not to be found ({filename})",
            "what is typed at the prompt, or made by exec, has none: put it into a file",
        )
    text = "".join(lines)
    key = (filename, hash(text))
    if key not in _trees:
        _trees.clear() if len(_trees) > 100 else None
        _trees[key] = ast.parse(text, filename)
    return lines, _trees[key]


def _first(node: Any) -> int:
    return min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])


def _whole(node: Any, lines: List[str], filename: str) -> Source:
    first = _first(node)
    assert node.end_lineno is not None
    return Source(node, "".join(lines[first - 1 : node.end_lineno]), filename, first)


def _top(body: List[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those in its ifs, trys and withs included."""
    for statement in body:
        yield statement
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from _top(getattr(statement, field, []))
            for handler in getattr(statement, "handlers", []):
                yield from _top(handler.body)


def _lambda(code: types.CodeType, tree: ast.Module, name: str) -> ast.Lambda:
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno and _arguments(n) == _parameters(code)]
    if len(found) > 1 and hasattr(code, "co_positions"):
        at = {(line, column) for line, _, column, _ in code.co_positions() if line is not None and column is not None}  # pyright: ignore[reportAttributeAccessIssue]
        found = [n for n in found if all(_within(n.body, line, column) for line, column in at if (line, column) != (n.lineno, 0))]
        found = [n for n in found if not any(m is not n and _within(n, m.lineno, m.col_offset) for m in found)] or found
    elif len(found) > 1:  # before Python 3.11 code does not say in which column it stands
        found = [n for n in found if _alike(n, code)] or found
    if len({ast.dump(n) for n in found}) == 1:
        return found[0]
    if found:
        raise CannotTravelError(f"{name} cannot be sent to the grid: there are several lambdas like it in line {code.co_firstlineno}", "give each a line of its own, or a name with def")
    raise CannotTravelError(f"{name} cannot be sent to the grid: {code.co_filename} has changed since it was imported", "start again")


def _alike(node: ast.Lambda, code: types.CodeType) -> bool:
    """Whether a lambda compiles to this code."""
    whole = compile(ast.Expression(node), "names", "eval")
    made = [c for c in whole.co_consts if isinstance(c, types.CodeType)]
    return any((c.co_code, c.co_names, c.co_consts) == (code.co_code, code.co_names, code.co_consts) for c in made)


def _within(node: ast.AST, line: int, column: int) -> bool:
    start = (node.lineno, node.col_offset)  # type: ignore[attr-defined]
    return start <= (line, column) <= (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def _arguments(node: ast.Lambda) -> List[str]:
    a = node.args
    extra = [x.arg for x in (a.vararg, a.kwarg) if x is not None]
    return [x.arg for x in a.posonlyargs + a.args + a.kwonlyargs] + extra


def _parameters(code: types.CodeType) -> List[str]:
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return list(code.co_varnames[:count])


def _blanked(node: Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda], lines: List[str]) -> str:
    """The text with None for each default value: what they name may be gone by now."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    rows = [line.encode() for line in lines]
    spans = [(d.lineno, d.col_offset, d.end_lineno, d.end_col_offset) for d in node.args.defaults + node.args.kw_defaults if d is not None]
    for first, begin, last, end in sorted(spans, reverse=True):  # type: ignore[type-var]
        assert last is not None and end is not None
        tail = rows[last - 1][end:]
        if first == last:
            rows[first - 1] = rows[first - 1][:begin] + b"(None)" + tail
        else:
            rows[first - 1] = rows[first - 1][:begin] + b"(None\n"
            for row in range(first, last - 1):
                rows[row] = b"\n"
            rows[last - 1] = b")" + tail
    if not isinstance(node, ast.Lambda):
        return b"".join(rows[node.lineno - 1 : node.end_lineno]).decode()
    return _segment(node, lines, rows)


def _segment(node: ast.Lambda, lines: List[str], rows: List[bytes]) -> str:
    """A lambda alone. Replacing its defaults has moved its end if that is in the last
    line of one of them."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    rest = len(lines[node.end_lineno - 1].encode()) - node.end_col_offset
    part = rows[node.lineno - 1 : node.end_lineno]
    part[-1] = part[-1][: len(part[-1]) - rest]
    part[0] = part[0][node.col_offset :]
    return b"".join(part).decode()


def _called(function: types.FunctionType) -> str:
    if function.__name__ == "<lambda>":
        return f"the lambda in line {function.__code__.co_firstlineno} of {function.__code__.co_filename}"
    return f"function {function.__qualname__}"


def called(thing: Any) -> Optional[str]:
    """What people call a function or class in a message."""
    return _called(thing) if isinstance(thing, types.FunctionType) else getattr(thing, "__qualname__", None)
