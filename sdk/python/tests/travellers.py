"""A local module that functions of tests come from."""

import functools

import companion

BASE = 100


def scaled(x):
    return companion.double(x) + BASE


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def moved(self, by):
        return Point(self.x + by, self.y + by)


class OutOfRange(Exception):
    def __init__(self, value, limit):
        super().__init__(value, limit)
        self.value, self.limit = value, limit


def refuse(x):
    raise OutOfRange(x, 3)


def adder(n, step=1):
    def add(x, more=step * 10):
        return x + n + more

    return add


def factorial():
    def fact(n):
        return 1 if n < 2 else n * fact(n - 1)

    return fact


def shouting(f):
    @functools.wraps(f)
    def wrapper(*args):
        return str(f(*args)).upper()

    return wrapper


@shouting
def greeting(name):
    return "hello " + name
