"""What can go wrong, as exceptions."""

from __future__ import annotations

from typing import Optional


class AnthillError(Exception):
    """Something went wrong with the grid, and not in your function.

    ``next`` says what to do about it, and may be empty.
    """

    def __init__(self, message: str, next: str = "") -> None:
        super().__init__(message)
        self.next = next

    def __str__(self) -> str:
        message = str(self.args[0]) if self.args else ""
        return f"{message}\n{self.next}" if self.next else message


class InvalidError(AnthillError):
    """What was asked for makes no sense to the grid."""


class NotFoundError(AnthillError):
    """There is no such grid, job or interpreter."""


class UnavailableError(AnthillError):
    """No coordinator of the grid could be reached."""


class RefusedError(AnthillError):
    """The grid answered, and said no."""


class CannotTravelError(AnthillError, TypeError):
    """A function, or something that it needs, cannot be sent to the grid."""


class UntrustedResultError(AnthillError):
    """A result has an object in it that only trusted machines may make here."""


class JobError(AnthillError):
    """A job ended without all of its results."""

    def __init__(self, message: str, next: str = "", job_id: Optional[str] = None) -> None:
        super().__init__(message, next)
        self.job_id = job_id


class TaskError(JobError):
    """A task came to no result: it was killed, or ran out of fuel or time."""

    def __init__(self, message: str, next: str = "", job_id: Optional[str] = None, task: int = -1) -> None:
        super().__init__(message, next, job_id)
        self.task = task


class ShortOfBoundWarning(UserWarning):
    """A job has all of its results, and more of them may be wrong than was asked for:
    the grid has too few owners to ask."""


class RemoteTraceback(Exception):
    """The traceback of an exception on the grid, as the ``__cause__`` of the same here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


KINDS = {
    "invalid": InvalidError,
    "not_found": NotFoundError,
    "unavailable": UnavailableError,
    "refused": RefusedError,
}
