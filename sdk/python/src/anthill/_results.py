"""Reading what comes back from the grid, which strangers' machines have written.

Unpickling can run any code. A result that the grid has accepted is right with the
probability that was asked for, and not more: so nothing is made here but values of plain
types, and objects of classes that the user's own modules define.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from typing import Any, Dict, FrozenSet, Iterable, List, Tuple

from ._modules import is_local, is_standard
from .errors import RemoteTraceback, TaskError, UntrustedResultError

Answer = Tuple[bool, Any]

_PLAIN: Dict[str, FrozenSet[str]] = {
    "builtins": frozenset(
        "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple Ellipsis NotImplemented".split()
    ),
    "array": frozenset(["array", "_array_reconstructor"]),
    "collections": frozenset("OrderedDict Counter defaultdict deque ChainMap".split()),
    "copyreg": frozenset(["_reconstructor", "__newobj__", "__newobj_ex__"]),
    "datetime": frozenset("date datetime time timedelta timezone".split()),
    "_decimal": frozenset(["Decimal"]),
    "decimal": frozenset(["Decimal"]),
    "fractions": frozenset(["Fraction"]),
    "ipaddress": frozenset("IPv4Address IPv6Address IPv4Network IPv6Network".split()),
    "pathlib": frozenset("PurePath PurePosixPath PureWindowsPath".split()),
    "types": frozenset(["SimpleNamespace"]),
    "uuid": frozenset(["UUID", "SafeUUID"]),
    "zoneinfo": frozenset(["ZoneInfo"]),
}


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes, allowed: Iterable[type]) -> None:
        super().__init__(io.BytesIO(data))
        self._allowed = {(cls.__module__, cls.__qualname__): cls for cls in allowed}

    def find_class(self, module: str, name: str) -> Any:
        if name in _PLAIN.get(module, ()):
            return super().find_class(module, name)
        cls = self._allowed.get((module, name)) or _class(module, name)
        if cls is not None and (is_local(module) or (module, name) in self._allowed or issubclass(cls, BaseException) and is_standard(module.partition(".")[0])):
            return cls
        raise UntrustedResultError(
            f"a result has an object of {module}.{name} in it",
            "only plain values and objects of your own classes are read; if you trust this class: Grid(allow=[...])",
        )

    def persistent_load(self, pid: Any) -> Any:
        raise UntrustedResultError("a result has a reference in it that nothing here has made")


def _class(module: str, name: str) -> Any:
    """A class that is here already, and that its name leads to; nothing is imported."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        if part.startswith("__") or found is None:
            return None
        found = vars(found).get(part)
    if isinstance(found, type) and found.__module__ == module and found.__qualname__ == name:
        return found
    return None


def load(data: bytes, allowed: Iterable[type] = ()) -> Any:
    """Unpickle, with the caution that this module is about."""
    try:
        return _Reader(data, allowed).load()
    except UntrustedResultError:
        raise
    except Exception as error:
        raise UntrustedResultError(f"a result cannot be read: {error}") from error


def answers(data: bytes, allowed: Iterable[type] = ()) -> List[Answer]:
    """What a task answered for each of its items: a value, or how it failed."""
    found = json.loads(data) if data[:1] == b"[" else load(data, allowed)
    if not isinstance(found, list) or not all(isinstance(a, (list, tuple)) and len(a) == 2 for a in found):
        raise UntrustedResultError("a result is not one of a Python function", "read it by: anthill results JOB -o DIR")
    return [(bool(ok), value) for ok, value in found]


def exception(failure: Dict[str, Any], allowed: Iterable[type] = ()) -> BaseException:
    """The exception of a task, as it was there."""
    error = _unpickled(failure, allowed) or _rebuilt(failure)
    error.__cause__ = RemoteTraceback(str(failure.get("traceback", "")))
    return error


def _unpickled(failure: Dict[str, Any], allowed: Iterable[type]) -> Any:
    if not failure.get("pickle"):
        return None
    try:
        found = load(failure["pickle"], allowed)
    except Exception:
        return None
    # One that would end this program is told of instead.
    return found if isinstance(found, Exception) else None


def _rebuilt(failure: Dict[str, Any]) -> BaseException:
    module, name, text = (str(failure.get(k, "")) for k in ("module", "name", "text"))
    cls = _class(module, name)
    if cls is not None and issubclass(cls, Exception) and (module == "builtins" or is_local(module)):
        try:
            return cls(text)  # type: ignore[no-any-return]
        except Exception:
            pass
    return TaskError(f"{module}.{name}: {text}" if module != "builtins" else f"{name}: {text}")
