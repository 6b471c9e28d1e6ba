"""What a local module imports."""


def double(x):
    return 2 * x
