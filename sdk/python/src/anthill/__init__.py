"""Run Python functions on a volunteer compute grid, and believe the results.

    import anthill

    def square(x):
        return x * x

    with anthill.Grid() as grid:
        print(sum(grid.map(square, range(1000))))
"""

from .errors import (
    AnthillError,
    CannotTravelError,
    InvalidError,
    JobError,
    NotFoundError,
    RefusedError,
    RemoteTraceback,
    ShortOfBoundWarning,
    TaskError,
    UnavailableError,
    UntrustedResultError,
)
from .executor import Executor, gather
from .grid import Grid
from .jobs import Job

__all__ = [
    "AnthillError",
    "CannotTravelError",
    "Executor",
    "Grid",
    "InvalidError",
    "Job",
    "JobError",
    "NotFoundError",
    "RefusedError",
    "RemoteTraceback",
    "ShortOfBoundWarning",
    "TaskError",
    "UnavailableError",
    "UntrustedResultError",
    "gather",
]
