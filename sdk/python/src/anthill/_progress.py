"""The line at the bottom of the terminal that shows how far a job is."""

from __future__ import annotations

import sys
import time
from typing import Any, Dict, Optional, TextIO


class Progress:
    """Shows a job on a terminal, and nothing elsewhere."""

    def __init__(self, wanted: Optional[bool], out: Optional[TextIO] = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._shown = wanted if wanted is not None else bool(getattr(self._out, "isatty", lambda: False)())
        self._width = 0
        self._began = time.monotonic()

    def show(self, job: Dict[str, Any]) -> None:
        """Show the job as it is now."""
        if not self._shown:
            return
        tasks = job.get("tasks") or {}
        total, done = int(tasks.get("total", 0)), int(tasks.get("done", 0))
        filled = 24 * done // total if total else 0
        line = f"{job['id']} [{'#' * filled}{'.' * (24 - filled)}] {done}/{total}"
        if job.get("waiting"):
            line += f"; waiting: {job['waiting']}"
        else:
            line += f"; {time.monotonic() - self._began:.0f} s"
        self._write(line[:110])

    def _write(self, line: str) -> None:
        self._out.write("\r" + line.ljust(self._width) + ("" if line else "\r"))
        self._out.flush()
        self._width = len(line)

    def close(self) -> None:
        """Clear the line."""
        if self._shown and self._width:
            self._write("")

    def say(self, text: str) -> None:
        """Say something that stays."""
        self.close()
        self._out.write(text + "\n")
        self._out.flush()
