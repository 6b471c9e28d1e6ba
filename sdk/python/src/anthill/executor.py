"""The grid behind the interface of ``concurrent.futures``."""

from __future__ import annotations

import threading
import time
from concurrent import futures
from typing import Any, Callable, Iterable, Iterator, List, Optional, Tuple, TypeVar

from ._progress import Progress
from .errors import CannotTravelError
from .grid import Call, Grid
from .jobs import Job

T = TypeVar("T")

_LINGER = 0.05  # seconds in which further calls join a job
_BATCH = 10_000  # calls in one job, at most


class Executor(futures.Executor):
    """A drop-in for ``ThreadPoolExecutor`` and ``ProcessPoolExecutor``.

    Calls that are submitted within a twentieth of a second become one job, a task each.
    ``grid`` is a Grid, or the name of one; ``terms`` are those of ``Grid.map``. A call can
    be cancelled until it has been sent.
    """

    def __init__(self, max_workers: Optional[int] = None, *, grid: Any = None, **terms: Any) -> None:
        self._own = not isinstance(grid, Grid)
        self._grid: Grid = Grid(grid) if self._own else grid
        self._terms = {"allow_failed": "100%", **terms}
        self._lock = threading.Condition()
        self._waiting: List[Tuple["futures.Future[Any]", Call]] = []
        self._shut = False
        self._followers: List[threading.Thread] = []
        self._running: List[Job] = []
        self._sender: Optional[threading.Thread] = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "futures.Future[T]":
        """Call a function on the grid."""
        future: "futures.Future[T]" = futures.Future()
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.append((future, (fn, args, kwargs)))
            if self._sender is None:
                self._sender = threading.Thread(target=self._send, name="anthill-executor", daemon=True)
                self._sender.start()
            self._lock.notify()
        return future

    def map(self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: Optional[float] = None, chunksize: int = 1, **other: Any) -> Iterator[T]:
        """As ``Executor.map``: one job, with so many items in a task."""
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
        return self._grid.map(fn, *iterables, timeout=timeout, chunksize=chunksize, **{**self._terms, "allow_failed": None})

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As ``Executor.shutdown``. What was sent and is not waited for goes on in the grid."""
        with self._lock:
            self._shut = True
            waiting: List[Any] = []
            if cancel_futures:
                waiting, self._waiting = self._waiting, []
            self._lock.notify_all()
        for future, _ in waiting:
            future.cancel()
            future.set_running_or_notify_cancel()
        if wait:
            if self._sender is not None:
                self._sender.join()
            for follower in self._followers:
                follower.join()
            if self._own:
                self._grid.close()

    def _send(self) -> None:
        """Make jobs of what waits, until there is to be no more."""
        while True:
            with self._lock:
                while not self._waiting and not self._shut:
                    self._lock.wait()
                if not self._waiting:
                    return
            self._linger()
            with self._lock:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            live = [(future, call) for future, call in batch if future.set_running_or_notify_cancel()]
            if live:
                self._submit(live)

    def _linger(self) -> None:
        until = time.monotonic() + _LINGER
        with self._lock:
            while not self._shut and len(self._waiting) < _BATCH and time.monotonic() < until:
                self._lock.wait(until - time.monotonic())

    def _submit(self, live: List[Tuple["futures.Future[Any]", Call]]) -> None:
        try:
            job = self._grid.submit_calls([[call] for _, call in live], **self._named(live))
        except CannotTravelError as error:
            if len(live) == 1:
                live[0][0].set_exception(error)
                return
            for one in live:  # the others are not to blame
                self._submit([one])
            return
        except BaseException as error:
            for future, _ in live:
                future.set_exception(error)
            return
        follower = threading.Thread(target=self._follow, args=(job, [f for f, _ in live]), name="anthill-follow", daemon=True)
        self._followers.append(follower)
        follower.start()

    def _named(self, live: List[Tuple["futures.Future[Any]", Call]]) -> Any:
        from .grid import _name

        return {"name": _name(live[0][1][0]), **self._terms}

    def _follow(self, job: Job, waiting: List["futures.Future[Any]"]) -> None:
        self._running.append(job)
        try:
            job.wait(progress=False)
            answers = job.by_task()
            for task, future in enumerate(waiting):
                ok, value = answers[task][0]
                if ok:
                    future.set_result(value)
                else:
                    future.set_exception(value)
        except BaseException as error:
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._running.remove(job)

    def __exit__(self, kind: Any, error: Any, where: Any) -> Optional[bool]:
        """As in other executors, except that Ctrl-C leaves jobs to the grid."""
        if kind is not KeyboardInterrupt:
            return super().__exit__(kind, error, where)
        self.leave()
        return False

    def leave(self) -> None:
        """Leave what was sent to the grid, and say how to come back to it."""
        for job in list(self._running):
            Progress(None).say(job.farewell())
        self.shutdown(wait=False, cancel_futures=True)


def gather(*waiting: "futures.Future[Any]", return_exceptions: bool = False) -> List[Any]:
    """The results of futures, in the order in which they are given. What one of them
    raises is raised, or is in the list."""
    results: List[Any] = []
    for future in waiting:
        try:
            results.append(future.result())
        except Exception as error:
            if not return_exceptions:
                raise
            results.append(error)
    return results
