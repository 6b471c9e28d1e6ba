"""A grid, and what runs on it."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Type, TypeVar

from ._child import Child, find_binary
from ._progress import Progress
from ._travel import Travel
from .errors import InvalidError
from .jobs import Job

T = TypeVar("T")

# What a call is made of: the function, its arguments and its named arguments.
Call = Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]

_TASKS = 500  # at most, if nobody says how many items each gets
_GUEST = Path(__file__).with_name("on_the_grid")


class Grid:
    """A grid, reached through the ``anthill`` program.

    ``grid`` is the name of a context, or the path of an identity directory; by default it
    is $ANTHILL_GRID or the current context. ``python`` is the path of an interpreter in
    WASM, for a grid that has none by ``anthill runtime add python``. ``modules`` are
    directories, .py files and wheels that tasks can import from beside what is found by
    itself. ``allow`` are classes of installed packages of which results may have objects.
    """

    def __init__(
        self,
        grid: Optional[str] = None,
        *,
        binary: Optional[str] = None,
        python: Optional[str] = None,
        modules: Sequence[str] = (),
        allow: Sequence[type] = (),
        progress: Optional[bool] = None,
    ) -> None:
        self._child = Child(find_binary(binary), grid)
        self._python = python or os.environ.get("ANTHILL_PYTHON")
        self._modules = [os.path.abspath(m) for m in modules]
        self._allowed = tuple(allow)
        self._progress = progress
        self._executor: Any = None

    def map(
        self,
        f: Callable[..., T],
        *iterables: Iterable[Any],
        chunksize: Optional[int] = None,
        timeout: Optional[float] = None,
        order: bool = True,
        return_exceptions: bool = False,
        **terms: Any,
    ) -> Iterator[T]:
        """Call ``f`` with the items of the iterables, as ``map`` does, as one job.

        The job is submitted at once; its results come when all of them are certain.
        ``chunksize`` is how many items one task gets: enough for seconds of work is best.
        If ``timeout`` seconds have passed before a result is there, TimeoutError is
        raised, and the job goes on. Without ``order``, results come as tasks were
        accepted. With ``return_exceptions``, what ``f`` raises comes as a result.

        ``terms`` are those of a job: ``max_error``, ``replicas``, ``quorum``, ``name``,
        ``time`` and ``memory`` of one task, ``fuel``, ``data`` (names and paths of files
        that are in /data), ``env``, and ``codec``: "pickle" or "json".
        """
        calls: List[Call] = [(f, args, {}) for args in zip(*iterables)]
        if chunksize is None:
            chunksize = max(1, math.ceil(len(calls) / _TASKS))
        if chunksize < 1:
            raise ValueError("chunksize must be 1 or more")
        if not calls:
            return iter(())
        name = terms.pop("name", None) or _name(f)
        if return_exceptions:
            terms.setdefault("allow_failed", "100%")
        job = self.submit_calls(_chunks(calls, chunksize), name=name, **terms)
        return self._results(job, len(calls), chunksize, timeout, order, return_exceptions)

    def _results(self, job: Job, items: int, size: int, timeout: Optional[float], order: bool, return_exceptions: bool) -> Iterator[Any]:
        deadline = None if timeout is None else time.monotonic() + timeout
        self._wait(job, deadline)
        answers = job.by_task()
        for task in sorted(answers) if order else answers:
            count = min(size, items - task * size)
            got = answers[task]
            if len(got) != count:  # a task that failed has one answer for all of its items
                got = got[:1] * count
            for ok, value in got:
                if not ok and not return_exceptions:
                    raise value
                yield value

    def _wait(self, job: Job, deadline: Optional[float]) -> None:
        if deadline is None:
            job.wait()
            return
        from ._deadline import wait_until

        wait_until(job, deadline)

    def submit(self, f: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
        """Call ``f`` once, and give its future. Calls that follow each other closely
        become one job."""
        if self._executor is None:
            from .executor import Executor

            self._executor = Executor(grid=self)
        return self._executor.submit(f, *args, **kwargs)  # type: ignore[no-any-return]

    def job(self, id: str) -> Job:
        """A job that was submitted earlier, by this program or another."""
        return Job(self, self._child.one("job", "job", job_id=id))

    def nodes(self) -> List[Dict[str, Any]]:
        """The machines of the grid, as ``anthill nodes -o json`` prints them."""
        return [line["node"] for line in self._child.ask("nodes")]

    def runtimes(self) -> List[Dict[str, Any]]:
        """The interpreters that the grid has, as ``anthill runtime list -o json`` prints them."""
        return [line["runtime"] for line in self._child.ask("runtimes")]

    def submit_calls(self, chunks: Sequence[Sequence[Call]], *, name: str = "python", codec: str = "pickle", **terms: Any) -> Job:
        """Submit a job with one task for each chunk of calls."""
        if codec not in ("pickle", "json"):
            raise ValueError(f'codec must be "pickle" or "json", not {codec!r}')
        travel = Travel()
        pack = _pickled if codec == "pickle" else _jsoned
        functions: Dict[int, bytes] = {}
        items = [pack(travel, chunk, functions) for chunk in chunks]
        folder = tempfile.mkdtemp(prefix="anthill-python-")
        submitted: Optional[Job] = None
        try:
            job = self._job_file(folder, travel, items, name, terms)
            submitted = Job(self, self._child.one("submit", "job", job=job, dir=folder))
            return submitted
        except KeyboardInterrupt:
            if submitted is not None:
                Progress(None).say(submitted.farewell())
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _job_file(self, folder: str, travel: Travel, items: List[str], name: str, terms: Dict[str, Any]) -> Dict[str, Any]:
        program = os.path.join(folder, "program")
        Path(program).write_bytes(travel.program())
        modules = list(self._modules)
        if travel.modules.files:
            found = os.path.join(folder, "modules")
            for at, path in travel.modules.files.items():
                target = os.path.join(found, *at.split("/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)
            modules.append(found)
        job: Dict[str, Any] = {
            "name": name,
            "runtime": "python",
            "args": ["-S", "/data/guest.py"],  # what site sets up is of no use there
            "data": {"program": program, "guest.py": str(_GUEST / "guest.py"), "anthill.py": str(_GUEST / "anthill.py")},
            "input": {"items": items},
        }
        if self._python:
            job["bundle"] = os.path.abspath(self._python)
        if modules:
            job["modules"] = modules
        return _with_terms(job, terms)

    def close(self) -> None:
        """End the connection. Jobs go on: what the grid has not got of their input yet
        it will not get."""
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None
        self._child.close()

    def __enter__(self) -> "Grid":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]) -> None:
        if kind is not None and self._executor is not None:
            self._executor.leave()
            self._executor = None
        self.close()


_LIMITS = ("time", "memory", "output", "fuel")
_TRUST = ("max_error", "replicas", "quorum", "max_attempts")


def _with_terms(job: Dict[str, Any], terms: Dict[str, Any]) -> Dict[str, Any]:
    """Put the terms where a job file has them."""
    for key, value in terms.items():
        if value is None:
            continue
        if key in _LIMITS:
            if key == "time" and isinstance(value, (int, float)):
                value = f"{value}s"
            job.setdefault("limits", {})[key] = value
        elif key in _TRUST:
            job.setdefault("trust", {})[key] = value
        elif key == "data":
            job["data"].update({k: v if str(v).startswith("blob:") else os.path.abspath(v) for k, v in value.items()})
        elif key in ("env", "allow_failed", "retain"):
            job[key] = value
        else:
            known = ", ".join(sorted(_LIMITS + _TRUST + ("data", "env", "allow_failed", "retain", "name", "codec")))
            raise TypeError(f"{key!r} is none of the terms of a job: {known}")
    return job


def _chunks(calls: List[Call], size: int) -> List[List[Call]]:
    return [calls[i : i + size] for i in range(0, len(calls), size)]


def _function(travel: Travel, f: Callable[..., Any], functions: Dict[int, bytes]) -> bytes:
    """The function, pickled once for all of its calls."""
    if not callable(f):
        raise TypeError(f"{f!r} cannot be called")
    if id(f) not in functions:
        functions[id(f)] = travel.dumps(f, _described(f))
    return functions[id(f)]


def _pickled(travel: Travel, chunk: Sequence[Call], functions: Dict[int, bytes]) -> str:
    calls = [(_function(travel, f, functions), args, kwargs) for f, args, kwargs in chunk]
    return base64.b64encode(travel.dumps(calls, "an argument")).decode()


def _jsoned(travel: Travel, chunk: Sequence[Call], functions: Dict[int, bytes]) -> str:
    calls = [(_function(travel, f, functions).decode("latin-1"), args, kwargs) for f, args, kwargs in chunk]
    try:
        return json.dumps(calls, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidError(f"an argument cannot be sent to the grid: {error}", 'use codec="pickle"') from error


def _described(f: Callable[..., Any]) -> str:
    name = getattr(f, "__qualname__", None)
    return f"function {name}" if name and "<lambda>" not in name else "the function"


def _name(f: Callable[..., Any]) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", getattr(f, "__name__", type(f).__name__)).strip("-._")
    return name[:24] or "python"

