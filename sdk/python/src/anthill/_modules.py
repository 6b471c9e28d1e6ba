"""Which modules a function needs, and which of them have to be sent."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import site
import sys
import sysconfig
import types
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set, Tuple

from .errors import CannotTravelError

# What the standard library has and an interpreter in WASM has not.
ABSENT = {
    "ctypes": "it calls native code",
    "multiprocessing": "a task is one process",
    "ssl": "a task has no network",
    "tkinter": "a task has no screen",
    "curses": "a task has no terminal",
    "readline": "a task has no terminal",
    "dbm": "a task has no files",
    "fcntl": "a task has no files",
    "grp": "a task knows no users",
    "pwd": "a task knows no users",
    "mmap": "a task has no files",
    "resource": "a task knows nothing of its machine",
    "termios": "a task has no terminal",
    "_ctypes": "it calls native code",
}

_NATIVE = tuple(importlib.machinery.EXTENSION_SUFFIXES) + (".so", ".pyd", ".dylib", ".dll")


def _folders() -> Tuple[List[str], List[str]]:
    paths = sysconfig.get_paths()
    standard = [os.path.realpath(paths[key]) for key in ("stdlib", "platstdlib")]
    packages = [paths[key] for key in ("purelib", "platlib")] + site.getsitepackages() + [site.getusersitepackages()]
    return standard, [os.path.realpath(p) for p in packages]


_STANDARD, _PACKAGES = _folders()


def _below(path: str, folders: List[str]) -> bool:
    path = os.path.realpath(path)
    return any(path.startswith(folder + os.sep) for folder in folders) or "/dist-packages/" in path.replace(os.sep, "/")


def is_standard(top: str) -> bool:
    """Whether a module is part of Python."""
    known = getattr(sys, "stdlib_module_names", None)
    if known is not None:
        return top in known
    if top in sys.builtin_module_names:
        return True
    spec = _find(top)
    return spec is not None and (spec.origin in ("built-in", "frozen") or bool(spec.origin) and not _below(str(spec.origin), _PACKAGES) and _below(str(spec.origin), _STANDARD))


def is_local(name: str) -> bool:
    """Whether a module is the user's own: neither Python's nor an installed package."""
    top = name.partition(".")[0]
    if top in ("__main__", "__mp_main__"):
        return True
    if is_standard(top) or top == "anthill":
        return False
    module = sys.modules.get(top)
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), None)
    return file is not None and not _below(file, _PACKAGES)


def _find(top: str) -> Optional[importlib.machinery.ModuleSpec]:
    try:
        module = sys.modules.get(top)
        if module is not None and getattr(module, "__spec__", None) is not None:
            return module.__spec__
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None


class Modules:
    """The files of modules, as they are imported on the grid."""

    def __init__(self) -> None:
        self.files: Dict[str, Path] = {}
        self._seen: Set[str] = set()

    def need(self, name: str, why: str) -> None:
        """Add a module that is imported, with all that it imports in turn. ``why`` says
        who imports it, for messages."""
        top = name.partition(".")[0]
        if top in self._seen or top in ("__main__", "anthill"):
            return
        self._seen.add(top)
        if is_standard(top):
            if top in ABSENT:
                self._seen.discard(top)
                raise CannotTravelError(f"{why} needs module {top}, which is not there on the grid: {ABSENT[top]}")
            return
        spec = _find(top)
        if spec is None or spec.has_location and not os.path.exists(str(spec.origin)):
            raise CannotTravelError(f"{why} needs module {top}, which cannot be found", "put its directory on sys.path, or into modules=[...]")
        for at, path in self._files(top, spec, why):
            self.files[at] = path
        for at, path in list(self.files.items()):
            if at.partition("/")[0] in (top, top + ".py") and at.endswith(".py"):
                self._follow(at, path)

    def _files(self, top: str, spec: importlib.machinery.ModuleSpec, why: str) -> Iterator[Tuple[str, Path]]:
        folders = list(spec.submodule_search_locations or [])
        if not folders:
            if not spec.origin or not spec.origin.endswith(".py"):
                raise _native(why, top, spec.origin or "no file")
            yield top + ".py", Path(spec.origin)
            return
        for folder in folders:
            for directory, below, files in os.walk(folder):
                below[:] = sorted(d for d in below if d != "__pycache__" and not d.startswith("."))
                for file in sorted(files):
                    path = Path(directory, file)
                    if file.endswith(_NATIVE):
                        raise _native(why, top, str(path))
                    if not file.startswith(".") and not file.endswith((".pyc", ".pyo")):
                        yield f"{top}/{path.relative_to(folder).as_posix()}", path

    def _follow(self, at: str, path: Path) -> None:
        """Look for what a file imports. Only what it imports at once, and not in a try,
        has to be there."""
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, OSError):
            return  # it says so where it is imported
        needed = set(_imports(tree.body))
        for name in sorted({n for n in _walked(tree)}):
            top = name.partition(".")[0]
            try:
                self.need(name, f"module {at[:-3].replace('/', '.')}")
            except CannotTravelError:
                if top in {n.partition(".")[0] for n in needed}:
                    raise


def _native(why: str, top: str, where: str) -> CannotTravelError:
    return CannotTravelError(
        f"{why} needs module {top}, which has native code ({where})",
        "the grid's Python is one for WASM, and loads none: use a package that is all Python",
    )


def _imports(body: List[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.level == 0 and statement.module:
            yield statement.module


def _walked(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _imports([node])


def name_of(module: types.ModuleType) -> str:
    """The name that a module is imported by."""
    spec = getattr(module, "__spec__", None)
    return spec.name if spec is not None else module.__name__
