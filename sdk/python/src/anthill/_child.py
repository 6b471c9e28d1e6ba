"""The ``anthill`` program as a child process that answers in lines of JSON."""

from __future__ import annotations

import itertools
import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from .errors import KINDS, AnthillError, NotFoundError

Line = Dict[str, Any]

# Windows lets no Ctrl-C through while something waits without end.
_PATIENCE = 0.5 if os.name == "nt" else None


def find_binary(given: Optional[str] = None) -> str:
    """The path of the ``anthill`` program: as given, as $ANTHILL_BINARY says, or as found
    on the path, or in bin/ of a checkout that this package or the working directory is in."""
    name = given or os.environ.get("ANTHILL_BINARY")
    if name:
        found = shutil.which(name)
        if found is None:
            raise NotFoundError(f"anthill: {name} is no program", "give the path of the anthill binary")
        return found
    found = shutil.which("anthill")
    if found is not None:
        return found
    suffix = ".exe" if os.name == "nt" else ""
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for above in (start, *start.parents):
            candidate = above / "bin" / ("anthill" + suffix)
            if (above / "go.mod").is_file() and candidate.is_file():
                return str(candidate)
    raise NotFoundError(
        "anthill: the program is not on your PATH",
        "build it (make build) and put bin/ on PATH, or set ANTHILL_BINARY to its path",
    )


class Child:
    """One ``anthill api``. Threads may ask it at the same time."""

    def __init__(self, binary: str, grid: Optional[str]) -> None:
        command = [binary, "api"] + (["--grid", grid] if grid else [])
        options: Dict[str, Any] = {}
        if os.name == "posix":
            # Ctrl-C is for this process, which says to the child what follows from it.
            options["start_new_session"] = True
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._answers: Dict[int, "queue.SimpleQueue[Line]"] = {}
        self._words: List[str] = []
        self._ended = False
        self._errors = threading.Thread(target=self._read_errors, name="anthill-errors", daemon=True)
        self._errors.start()
        self._reader = threading.Thread(target=self._read, name="anthill-answers", daemon=True)
        self._reader.start()

    def ask(self, method: str, **fields: Any) -> Iterator[Line]:
        """Send a request; the lines of its answer come as the child writes them."""
        request = next(self._ids)
        answers: "queue.SimpleQueue[Line]" = queue.SimpleQueue()
        with self._lock:
            self._answers[request] = answers
            ended = self._ended
        if ended:
            self._answers.pop(request, None)
            raise self._gone()
        self._send({"id": request, "method": method, **fields})
        return self._lines(request, answers)

    def one(self, method: str, name: str, **fields: Any) -> Any:
        """Ask for one message."""
        found = None
        for line in self.ask(method, **fields):
            found = line.get(name, found)
        return found

    def _lines(self, request: int, answers: "queue.SimpleQueue[Line]") -> Iterator[Line]:
        done = False
        try:
            while True:
                try:
                    line = answers.get(timeout=_PATIENCE)
                except queue.Empty:
                    continue
                if "error" in line:
                    done = True
                    raise _error(line["error"])
                if "gone" in line:
                    done = True
                    raise self._gone()
                if line.get("done"):
                    done = True
                    return
                yield line
        finally:
            with self._lock:
                self._answers.pop(request, None)
            if not done and not self._ended:
                try:
                    self._send({"id": next(self._ids), "method": "stop", "stop": request})
                except AnthillError:
                    pass

    def _send(self, request: Line) -> None:
        text = json.dumps(request, separators=(",", ":")).encode() + b"\n"
        assert self._process.stdin is not None
        try:
            with self._lock:
                self._process.stdin.write(text)
                self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._gone() from None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line = json.loads(text)
            with self._lock:
                answers = self._answers.get(line["id"])
            if answers is not None:
                answers.put(line)
        with self._lock:
            self._ended = True
            for answers in self._answers.values():
                answers.put({"gone": True})

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for text in self._process.stderr:
            self._words = (self._words + [text.decode(errors="replace").rstrip()])[-5:]

    def _gone(self) -> AnthillError:
        self._errors.join(2)
        words = self._words or ["anthill: the program has ended"]
        first = words[0][len("anthill: ") :] if words[0].startswith("anthill: ") else words[0]
        try:
            code: Optional[int] = self._process.wait(5)
        except subprocess.TimeoutExpired:
            code = None
        kind = {2: "invalid", 3: "not_found", 4: "unavailable"}.get(code if code is not None else -1, "")
        return KINDS.get(kind, AnthillError)(first, "\n".join(words[1:]))

    def close(self) -> None:
        """End the child. What it has submitted goes on in the grid."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread, pipe in ((self._reader, self._process.stdout), (self._errors, self._process.stderr)):
            thread.join(2)
            if pipe is not None and not thread.is_alive():
                pipe.close()


def _error(error: Dict[str, str]) -> AnthillError:
    return KINDS.get(error["kind"], AnthillError)(error["message"], error.get("next", ""))
