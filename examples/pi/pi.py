"""Pi, by throwing darts: twenty tasks, each with random numbers of its own."""

import random

import anthill

THROWS = 200_000


def inside(seed: int) -> int:
    draw = random.Random(seed).random
    return sum(draw() ** 2 + draw() ** 2 < 1 for _ in range(THROWS))


with anthill.Grid() as grid:
    hits = list(grid.map(inside, range(20)))
print(4 * sum(hits) / (THROWS * len(hits)))
