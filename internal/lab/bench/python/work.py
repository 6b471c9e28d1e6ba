"""What the benchmark runs on the grid. It prints one object of JSON."""

import json
import sys
import time

import anthill

TURNS = int(sys.argv[2]) if len(sys.argv) > 2 else 0


def nothing(x):
    return x


def work(x):
    n = TURNS
    while n:
        n -= 1
    return x


def timed(grid, f, items, chunksize):
    began = time.monotonic()
    job = grid.submit_calls([[(f, (i,), {}) for i in range(at, min(at + chunksize, items))] for at in range(0, items, chunksize)])
    assert job.results() == list(range(items))
    attempts = job.info["attempts"]
    return {"seconds": time.monotonic() - began, "attempts": int(attempts["started"]), "tasks": int(job.info["tasks"]["total"]), "fuel": int(job.info["fuel_used"])}


with anthill.Grid() as grid:
    if sys.argv[1] == "nothing":
        print(json.dumps(timed(grid, nothing, int(sys.argv[3]), 1)))
    else:
        print(json.dumps(timed(grid, work, 10_000, int(sys.argv[3]))))
