"""A job of the grid, from Python."""

from __future__ import annotations

import base64
import warnings
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional

from . import _results
from ._progress import Progress
from .errors import JobError, ShortOfBoundWarning, TaskError

if TYPE_CHECKING:
    from .grid import Grid

_ENDS = {"JOB_STATE_SUCCEEDED": "succeeded", "JOB_STATE_FAILED": "failed", "JOB_STATE_CANCELLED": "cancelled"}


class Job:
    """A job. Its results are those that cross-checking has accepted."""

    def __init__(self, grid: "Grid", description: Dict[str, Any]) -> None:
        self._grid = grid
        self._last = description

    @property
    def id(self) -> str:
        """What the grid calls it."""
        return str(self._last["id"])

    @property
    def state(self) -> str:
        """running, succeeded, failed or cancelled, as it was when it was last looked at."""
        return _ENDS.get(str(self._last.get("state")), "running")

    @property
    def info(self) -> Dict[str, Any]:
        """All that the grid tells of it, as ``anthill status -o json`` prints it."""
        return self._last

    def refresh(self) -> "Job":
        """Look at it again."""
        self._last = self._grid._child.one("job", "job", job_id=self.id)
        return self

    def cancel(self) -> None:
        """Stop it."""
        self._last = self._grid._child.one("cancel", "job", job_id=self.id)

    def wait(self, on_change: Optional[Callable[[Dict[str, Any]], None]] = None, *, progress: Optional[bool] = None) -> "Job":
        """Wait until it is finished. Ctrl-C leaves it to the grid, and says how to come
        back to it."""
        bar = Progress(self._grid._progress if progress is None else progress)
        try:
            for line in self._grid._child.ask("watch", job_id=self.id):
                self._last = line["job"]
                bar.show(self._last)
                if on_change is not None:
                    on_change(self._last)
        except KeyboardInterrupt:
            bar.say(self.farewell())
            raise
        finally:
            bar.close()
        return self

    def farewell(self) -> str:
        """What somebody should know who leaves before it is finished."""
        text = f"job {self.id} goes on without you; come back by: anthill.Grid().job({self.id!r}).results()"
        needed = int(self._last.get("input_copies_needed", 0))
        if self.state == "running" and int(self._last.get("input_copies", 0)) < needed:
            text += f"\nwarning: the grid has not got all of its input yet, and it may never finish; cancel it by: anthill cancel {self.id}"
        return text

    def raw(self) -> Dict[int, bytes]:
        """The bytes that each task wrote, once it is finished. Those that failed lack."""
        found, _ = self._outcomes()
        return found

    def results(self, return_exceptions: bool = False) -> List[Any]:
        """The results of all items, in their order, once it is finished. Items that
        failed raise, or are exceptions in the list."""
        answers: List[Any] = []
        for ok, value in self.answers():
            if not ok and not return_exceptions:
                raise value
            answers.append(value)
        return answers

    def answers(self) -> Iterator[_results.Answer]:
        """For each item, in order, whether it has a value, and that or an exception."""
        self.wait()
        found, failures = self._outcomes()
        allowed = self._grid._allowed
        for task in range(int(self._last["tasks"]["total"])):
            if task not in found:
                yield False, self._lacking(task, failures.get(task))
                continue
            for ok, value in _results.answers(found[task], allowed):
                yield ok, value if ok else _results.exception(value, allowed)

    def by_task(self) -> Dict[int, List[_results.Answer]]:
        """The answers of each task that has a result."""
        found, failures = self._outcomes()
        allowed = self._grid._allowed
        answers: Dict[int, List[_results.Answer]] = {}
        for task in range(int(self._last["tasks"]["total"])):
            if task in found:
                read = _results.answers(found[task], allowed)
                answers[task] = [(ok, v if ok else _results.exception(v, allowed)) for ok, v in read]
            else:
                answers[task] = [(False, self._lacking(task, failures.get(task)))]
        return answers

    def _outcomes(self) -> Any:
        found: Dict[int, bytes] = {}
        failures: Dict[int, Dict[str, Any]] = {}
        if self.state == "cancelled":
            return found, failures  # the grid lets their results go at once
        for line in self._grid._child.ask("results", job_id=self.id):
            if "result" in line:
                found[line["result"]["task"]] = base64.b64decode(line["result"]["data"])
            elif "failure" in line:
                failures[line["failure"]["task"]] = line["failure"]
        if self.state == "running":
            self.refresh()
        self._warn()
        return found, failures

    def _warn(self) -> None:
        """Say so if the results are less certain than was asked for."""
        if self.state == "succeeded" and self._last.get("short"):
            asked = self._last.get("spec", {}).get("trust", {}).get("max_error")
            text = f"job {self.id}: all results are there, but short of the max error: {asked} asked, {self._last.get('bound'):.1e} reached; {self._last['short']}"
            warnings.warn(text, ShortOfBoundWarning, stacklevel=2)

    def _lacking(self, task: int, failure: Optional[Dict[str, Any]]) -> JobError:
        if failure is not None:
            return TaskError(
                f"task {task} of job {self.id} failed: {failure['reason'] or self._last.get('reason', '')}{self._differences(task)}",
                f"see: anthill status {self.id} --task {task}", self.id, task,
            )
        why = str(self._last.get("reason", ""))
        return JobError(f"job {self.id} {self.state}: {why}" if why else f"job {self.id} was {self.state}", "", self.id)

    def _differences(self, task: int) -> str:
        """What is known of results that differ."""
        try:
            told = self._grid._child.one("task", "task", job_id=self.id, task=task) or {}
        except Exception:
            return ""
        groups = [g for g in told.get("groups", []) if not g.get("failed")]
        if len(groups) < 2:
            return ""
        answers = "; ".join(f"{g['output']['size']} bytes, {g['output']['id'][:12]}, fuel {g['fuel']}" for g in groups)
        text = (
            f"\nworkers gave {len(groups)} different answers ({answers}): either some of them lie, or the function depends on"
            " what is not the same everywhere"
        )
        for log in self._differing(task):
            there = log["difference"]
            text += f"\n{log['owner']} differs from {there['owner']}: {there['text']}"
        return text

    def _differing(self, task: int) -> List[Dict[str, Any]]:
        """The attempts at a task that say where what they gave begins to differ."""
        try:
            return [line["difference"] for line in self._grid._child.ask("differences", job_id=self.id, task=task)]
        except Exception:
            return []  # it is told besides

    def __repr__(self) -> str:
        return f"<anthill.Job {self.id} {self.state}>"
