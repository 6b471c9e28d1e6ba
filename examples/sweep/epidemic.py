"""A model of an epidemic: people are susceptible, exposed, infectious or recovered (SEIR),
and when many are infectious the others meet fewer people."""

from typing import NamedTuple

DAYS = 200
STEPS = 4  # a day


class Outcome(NamedTuple):
    contacts: float
    caution: float
    peak: float  # largest share of people infectious at a time
    day: float  # of the peak
    total: float  # share of people who had it in the end


def seir(contacts: float, caution: float) -> Outcome:
    """Play one epidemic through. ``contacts`` is how many people one infects a day, and
    ``caution`` how strongly people stay away from each other as numbers rise."""

    def change(s: float, e: float, i: float) -> "tuple[float, float, float]":
        infected = contacts * s * i / (1 + caution * i)
        return -infected, infected - e / 3.0, e / 3.0 - i / 5.0

    state = (1 - 1e-4, 0.0, 1e-4)
    h = 1 / STEPS
    peak, day = 0.0, 0.0
    for step in range(DAYS * STEPS):
        k1 = change(*state)
        k2 = change(*(x + h / 2 * k for x, k in zip(state, k1)))
        k3 = change(*(x + h / 2 * k for x, k in zip(state, k2)))
        k4 = change(*(x + h * k for x, k in zip(state, k3)))
        state = tuple(x + h / 6 * (a + 2 * b + 2 * c + d) for x, a, b, c, d in zip(state, k1, k2, k3, k4))
        if state[2] > peak:
            peak, day = state[2], (step + 1) * h
    return Outcome(contacts, caution, peak, day, 1 - state[0])
