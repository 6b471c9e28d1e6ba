"""Results come from strangers: what they may do here."""

import collections
import datetime
import decimal
import fractions
import os
import pickle
import unittest
import warnings

import anthill
import travellers
from anthill import UntrustedResultError, _results

RAN = []


def fire(*args):
    RAN.append(args)


class Bomb:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


class Reading(unittest.TestCase):
    def test_plain_values_and_objects_of_ones_own_classes(self):
        values = [
            1, 1.5, 2j, "a", b"b", bytearray(b"c"), None, True, (1, 2), [1], {1: 2}, {1, 2}, frozenset([1]), range(3),
            collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1]), collections.defaultdict(list, a=[1]),
            datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), datetime.timedelta(1),
            decimal.Decimal("1.10"), fractions.Fraction(1, 3), travellers.Point(1, 2),
        ]
        for value in values:
            with self.subTest(value=value):
                self.assertEqual(_results.load(pickle.dumps(value, 4)), value)

    def test_nothing_is_run(self):
        attacks = [
            Bomb(os.system, ("echo no",)),
            Bomb(fire, (1,)),
            Bomb(eval, ("1",)),
            Bomb(getattr, ("x", "upper")),
            Bomb(__import__, ("this",)),
            Bomb(open, ("/tmp/x", "w")),
            Bomb(travellers.refuse, (1,)),
            Bomb(type, ("X", (), {})),
        ]
        for attack in attacks:
            with self.subTest(attack=attack.reduced), self.assertRaises(UntrustedResultError):
                _results.load(pickle.dumps([attack]))
        for text in (
            b"cos\nsystem\n(S'echo no'\ntR.",
            b"\x80\x04\x8c\x0atravellers\x8c\x14Point.moved.__globals__\x93.",
            b"\x80\x04\x8c\x0atravellers\x8c\x02os\x93.",
            b"\x80\x04\x8c\x0bantigravity\x8c\x09Exception\x93.",
            b"Pnothing\n.",
            b"no pickle at all",
            b"",
        ):
            with self.subTest(text=text), self.assertRaises(UntrustedResultError):
                _results.load(text)
        self.assertEqual(RAN, [])

    def test_exceptions_that_would_end_the_program_do_not(self):
        error = _results.exception({"module": "builtins", "name": "SystemExit", "text": "3", "traceback": "", "pickle": pickle.dumps(SystemExit(3))})
        self.assertIsInstance(error, Exception)

    def test_exceptions_of_unknown_classes_say_what_they_were(self):
        error = _results.exception({"module": "strange", "name": "Error", "text": "lost", "traceback": "T", "pickle": b""})
        self.assertIn("strange.Error: lost", str(error))
        self.assertIn("T", str(error.__cause__))

    def test_classes_that_are_allowed(self):
        import argparse

        value = argparse.Namespace(x=1)
        with self.assertRaisesRegex(UntrustedResultError, "argparse.Namespace"):
            _results.load(pickle.dumps(value))
        self.assertEqual(_results.load(pickle.dumps(value), [argparse.Namespace]), value)

    def test_results_that_are_less_certain_than_was_asked(self):
        job = {"id": "j-1", "state": "JOB_STATE_SUCCEEDED", "short": "more owners would help", "bound": 0.01, "spec": {"trust": {"max_error": 1e-4}}}
        with self.assertWarnsRegex(anthill.ShortOfBoundWarning, "0.0001 asked, 1.0e-02 reached; more owners would help"):
            anthill.Job(None, job)._warn()
        with warnings.catch_warnings(record=True) as caught:
            anthill.Job(None, dict(job, short=""))._warn()
        self.assertEqual(caught, [])

    def test_what_is_no_answer(self):
        for data in (pickle.dumps(3), pickle.dumps([1]), b"[1]", b"{}"):
            with self.subTest(data=data), self.assertRaises(UntrustedResultError):
                _results.answers(data)


if __name__ == "__main__":
    unittest.main()
