"""A script as users write it, which the tests run as __main__. It has no guard: sending
its functions must not run it again. With --local, tasks run in a process of this machine."""

import collections
import dataclasses
import enum
import functools
import math
import sys
from datetime import date

import travellers
from travellers import scaled as imported

RATE = 0.5
TABLE = {"a": 1, "b": 2}
Pair = collections.namedtuple("Pair", "left right")


@dataclasses.dataclass
class Item:
    name: str
    price: float = 1.5
    tags: list = dataclasses.field(default_factory=list)

    def taxed(self) -> "Item":
        return Item(self.name, self.price * (1 + RATE), self.tags)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


CHEAP = Item("cheap")
handlers = {"sq": lambda x: x * x, "neg": lambda x: -x}


def helper(x):
    return x * RATE + TABLE["b"]


def uses_all(x: "np.ndarray" = None) -> "no.such.Type":
    return helper(x) + math.floor(2.7) + imported(x) + handlers["sq"](x)


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def odd(n):
    return n != 0 and even(n - 1)


def even(n):
    return n == 0 or odd(n - 1)


def raises(x):
    """Fails."""
    return 1 / (x - 3)


def a_set(_):
    print("to the log")
    return sorted({"x", "y", "z"}), hash("x"), {date(2026, 1, 1)}


if sys.version_info > (3,):

    def conditional(x):
        return x + 7


def run(both):
    """Each of these must give here what it gives there."""
    n = 5
    both(uses_all, [1, 2, 3])
    both(fib, [10, 20])
    both(even, [4, 7])
    both(conditional, [1])
    both(lambda x: x + n, [1, 2])
    both(lambda x, k=n * 2: (x, k), [1])
    fs = [lambda x, i=i: x * i for i in range(3)]
    both(fs[2], [5])
    both(travellers.adder(3), [1])
    both(travellers.adder(3, step=2), [1])
    both(travellers.factorial(), [6])
    both(travellers.greeting, ["you"])
    both(travellers.Point(1, 2).moved, [3])
    both(functools.partial(pow, 2), [10])
    both(math.sqrt, [16])
    both(Item.taxed, [Item("a", 2.0), CHEAP])
    both(Pair, [1], [2])
    both(lambda c: Colour(c.value), [Colour.RED])
    both(str.upper, ["x"])
    both(handlers["neg"], [1])
    total = 0

    def deep(x):
        def deeper(y):
            return x + y + total + n

        return deeper(1)

    both(deep, [1])


if sys.argv[1:] == ["--local"]:
    import local

    def both(f, *iterables):
        there, here = local.values(f, *iterables), list(map(f, *iterables))
        assert there == here, (f, there, here)

    run(both)
    print("the same")

if sys.argv[1:] == ["--grid"]:
    import anthill

    with anthill.Grid(progress=False) as grid, anthill.Executor(grid=grid) as executor:
        asked = []
        run(lambda f, *iterables: asked.append((f, [executor.submit(f, *args) for args in zip(*iterables)], list(map(f, *iterables)))))
        for f, there, here in asked:
            assert anthill.gather(*there) == here, (f, there, here)
    print("the same")
