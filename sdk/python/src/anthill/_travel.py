"""How functions and what they need get to the grid.

A function of an imported module travels as that module's files, and by its name. One of
the script itself, and what it uses of the script, travels as the source of its definition:
the script as a whole is not run again. Functions inside of functions, and lambdas, travel
as source with the values of the variables that they have from around them. All values are
pickled.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import types
from typing import Any, Dict, List, Optional, Set, Tuple

from . import _source
from ._modules import Modules, name_of
from .errors import AnthillError, CannotTravelError

MAIN = "__main__"
PROTOCOL = 4


def _function(number: int) -> Any:
    """The name under which the guest finds functions that have none."""
    raise AnthillError("this is for the grid")


class Travel:
    """What is sent with a job beside its items."""

    def __init__(self) -> None:
        self.modules = Modules()
        self._definitions: List[Tuple[str, int, str, str]] = []  # name, line, text, filename
        self._imports: Dict[str, Tuple[str, Optional[str]]] = {}  # of names in the script
        self._values: Dict[str, Optional[bytes]] = {}
        self._functions: List[Optional[Dict[str, Any]]] = []
        self._numbers: Dict[int, int] = {}
        self._kept: List[Any] = []  # so that no two of _numbers are at one place
        self._names: Set[str] = set()

    def dumps(self, value: Any, what: str) -> bytes:
        """Pickle a value; what it needs on the grid is noted."""
        out = io.BytesIO()
        try:
            _Pickler(self, what, out).dump(value)
        except CannotTravelError:
            raise
        except RecursionError:
            raise CannotTravelError(f"{what} cannot be sent to the grid: it is nested too deep") from None
        except Exception as error:
            raise CannotTravelError(f"{what} cannot be sent to the grid: {error}", _advice(error)) from error
        return out.getvalue()

    def program(self) -> bytes:
        """All that was noted, for the guest."""
        return pickle.dumps(
            {
                "definitions": sorted(self._definitions, key=lambda d: d[1]),
                "imports": self._imports,
                "values": {name: value for name, value in self._values.items() if value is not None},
                "functions": self._functions,
                "flags": _source.FLAGS,
            },
            PROTOCOL,
        )

    # What the pickler meets.

    def function(self, function: types.FunctionType, what: str) -> Any:
        """How a function is pickled: by name if that leads to it, otherwise as source."""
        module = function.__module__ or MAIN
        if _found(module, function.__qualname__) is function:
            self.named(module, function.__qualname__, what)
            return NotImplemented
        number = self._numbers.get(id(function))
        if number is None:
            number = self._numbers[id(function)] = len(self._functions)
            self._kept.append(function)
            self._functions.append(None)
            self._functions[number] = self._nameless(function, what)
        return _function, (number,)

    def _nameless(self, function: types.FunctionType, what: str) -> Dict[str, Any]:
        source = _source.of_function(function, decorated=False)
        called = _source.called(function)
        code = function.__code__
        module = function.__globals__.get("__name__", MAIN)
        cells = {}
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                cells[name] = self.dumps(cell.cell_contents, f"variable {name} of {called}")
            except ValueError:  # it has no value yet
                pass
        self._globals(_source.names(source.node) - set(code.co_freevars), function.__globals__, module, f"{called}")
        if module != MAIN:
            self.modules.need(module, what)
        return {
            "name": code.co_name,
            "text": source.text,
            "line": source.line,
            "filename": os.path.basename(source.filename),  # the rest is nobody's business
            "module": module,
            "free": code.co_freevars,
            "cells": cells,
            "defaults": self.dumps((function.__defaults__, function.__kwdefaults__), f"a default value of {called}"),
        }

    def named(self, module: str, name: str, what: str) -> None:
        """Note something that is found by its name on the grid."""
        if module not in (MAIN, "__mp_main__"):
            self.modules.need(module, what)
            return
        top = name.partition(".")[0]
        if top not in self._names:
            self._names.add(top)
            self._of_main(top, getattr(sys.modules[MAIN], top), what)

    def _globals(self, names: Set[str], globals_: Dict[str, Any], module: str, what: str) -> None:
        """Note the names that the script's code uses. Modules bring theirs themselves."""
        if module != MAIN:
            return
        for name in sorted(names - self._names):
            if name in globals_ and not name.startswith("__"):
                self._names.add(name)
                self._of_main(name, globals_[name], what)

    def _of_main(self, name: str, value: Any, what: str) -> None:
        if isinstance(value, types.ModuleType):
            self.modules.need(name_of(value), what)
            self._imports[name] = (name_of(value), None)
            return
        inner = _unwrapped(value)
        module, own = getattr(inner, "__module__", None), getattr(inner, "__qualname__", None)
        defined = isinstance(inner, (types.FunctionType, type)) and own is not None and "<" not in own
        if defined and module == MAIN and own == name:
            self._define(name, inner)
        elif defined and module != MAIN and isinstance(value, (types.FunctionType, type)) and _found(module, str(own)) is value:
            self.modules.need(str(module), what)
            self._imports[name] = (str(module), own)
        else:
            self._values[name] = None  # it may use itself
            self._values[name] = self.dumps(value, f"{name}, which {what} uses,")

    def _define(self, name: str, thing: Any) -> None:
        main = vars(sys.modules[MAIN])
        if isinstance(thing, type):
            source = _source.of_class(thing, _file_of(thing, main), main)
        else:
            source = _source.of_function(thing, decorated=True)
        self._definitions.append((name, source.line, source.text, os.path.basename(source.filename)))
        self._globals(_source.names(source.node), main, MAIN, str(_source.called(thing)))


class _Pickler(pickle.Pickler):
    def __init__(self, travel: Travel, what: str, out: io.BytesIO) -> None:
        super().__init__(out, PROTOCOL)
        self._travel, self._what = travel, what

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, types.FunctionType):
            return self._travel.function(thing, self._what)
        if isinstance(thing, type):
            self._class(thing)
        elif isinstance(thing, types.ModuleType):
            self._travel.modules.need(name_of(thing), self._what)
            return _import, (name_of(thing),)
        elif isinstance(thing, io.IOBase):
            raise CannotTravelError(f"{self._what} cannot be sent to the grid: it has an open file", "open it in the function, from /data, or send what it reads")
        elif hasattr(thing, "__wrapped__") and isinstance(getattr(thing, "__qualname__", None), str):
            if _found(thing.__module__, thing.__qualname__) is thing:  # such as what lru_cache makes
                self._travel.named(thing.__module__, thing.__qualname__, self._what)
        elif isinstance(thing, types.BuiltinFunctionType) and thing.__module__:
            self._travel.modules.need(thing.__module__, self._what)
        return NotImplemented

    def _class(self, cls: type) -> None:
        if cls.__module__ == "builtins":
            return
        if "<locals>" in cls.__qualname__:
            raise CannotTravelError(f"{self._what} cannot be sent to the grid: class {cls.__qualname__} is defined inside of a function", "define it at the top of a module")
        self._travel.named(cls.__module__, cls.__qualname__, self._what)


def _import(name: str) -> types.ModuleType:
    raise AnthillError("this is for the grid")


def _found(module: Optional[str], qualname: str) -> Any:
    found: Any = sys.modules.get(module or MAIN)
    for part in qualname.split("."):
        if part == "<locals>" or found is None:
            return None
        found = getattr(found, part, None)
    return found


def _unwrapped(value: Any) -> Any:
    """What a decorator such as lru_cache stands around."""
    seen = 0
    while not isinstance(value, (types.FunctionType, type)) and hasattr(value, "__wrapped__") and seen < 20:
        value, seen = value.__wrapped__, seen + 1
    if isinstance(value, types.FunctionType) and hasattr(value, "__wrapped__"):
        inner = _unwrapped_function(value)
        if getattr(sys.modules.get(MAIN), inner.__name__, None) is value:
            return inner
    return value


def _unwrapped_function(value: Any) -> Any:
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value


def _file_of(cls: type, main: Dict[str, Any]) -> str:
    for member in vars(cls).values():
        member = getattr(member, "__func__", member)
        if isinstance(member, types.FunctionType) and member.__qualname__.startswith(cls.__qualname__ + ".") and member.__module__ == MAIN:
            if not member.__code__.co_filename.startswith("<"):
                return member.__code__.co_filename
    return str(main.get("__file__") or "<stdin>")


def _advice(error: BaseException) -> str:
    if "lock" in str(error) or "thread" in str(error):
        return "locks and threads stay where they are"
    return "send plain data: numbers, text, bytes, lists, dicts, and objects of your own classes"


