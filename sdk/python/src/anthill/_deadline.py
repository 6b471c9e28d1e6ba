"""Waiting for a job with a deadline."""

from __future__ import annotations

import threading
import time
from concurrent.futures import TimeoutError
from typing import List

from ._progress import Progress
from .jobs import Job


def wait_until(job: Job, deadline: float) -> None:
    """Wait until a job is finished. TimeoutError if that takes too long; the job goes on."""
    errors: List[BaseException] = []

    def wait() -> None:
        try:
            job.wait()
        except BaseException as error:
            errors.append(error)

    waiter = threading.Thread(target=wait, name="anthill-wait", daemon=True)
    waiter.start()
    try:
        waiter.join(max(0.0, deadline - time.monotonic()))
    except KeyboardInterrupt:
        Progress(None).say(job.farewell())
        raise
    if waiter.is_alive():
        raise TimeoutError(f"job {job.id} is not finished in time; it goes on: anthill.Grid().job({job.id!r})")
    if errors:
        raise errors[0]
