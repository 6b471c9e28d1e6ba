"""The package on a grid: $ANTHILL_GRID, with the interpreter python. Much of it is what
CPython's own tests ask of executors."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest
from concurrent import futures
from pathlib import Path

import anthill
import travellers

HERE = Path(__file__).parent
ENV = dict(os.environ, PYTHONPATH=os.pathsep.join([str(HERE), *sys.path]))


def mul(x, y=7):
    return x * y


def capture(*args, **kwargs):
    return args, kwargs


def three_fails(x):
    if x == 3:
        raise travellers.OutOfRange(x, 3)
    return x


def busy(seconds):
    n = int(seconds * 1_500_000)
    while n:
        n -= 1
    return seconds


def exhaust(_):
    return len([bytearray(1 << 20) for _ in range(10_000)])


@unittest.skipUnless("ANTHILL_GRID" in os.environ, "there is no ANTHILL_GRID to run on")
class OnAGrid(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grid = anthill.Grid(progress=False)

    @classmethod
    def tearDownClass(cls):
        cls.grid.close()


class Map(OnAGrid):
    def test_it_is_map(self):
        self.assertEqual(list(self.grid.map(pow, range(7), range(9), chunksize=2)), list(map(pow, range(7), range(9))))
        self.assertEqual(list(self.grid.map(mul, [])), [])

    def test_exceptions_come_where_they_belong(self):
        got = self.grid.map(three_fails, [1, 2, 3, 4], chunksize=2)
        self.assertEqual([next(got), next(got)], [1, 2])
        with self.assertRaises(travellers.OutOfRange) as caught:
            next(got)
        self.assertIsInstance(caught.exception.__cause__, anthill.RemoteTraceback)
        text = io.StringIO()
        traceback.print_exception(type(caught.exception), caught.exception, None, file=text)
        self.assertIn("raise travellers.OutOfRange(x, 3)", text.getvalue())

    def test_exceptions_as_results(self):
        got = list(self.grid.map(three_fails, [3, 4], return_exceptions=True))
        self.assertIsInstance(got[0], travellers.OutOfRange)
        self.assertEqual(got[1], 4)

    def test_a_timeout_leaves_the_job(self):
        got = self.grid.map(busy, [1], timeout=0)
        with self.assertRaises(futures.TimeoutError) as caught:
            next(got)
        self.assertIn("it goes on", str(caught.exception))

    def test_a_task_that_dies_says_so(self):
        got = list(self.grid.map(exhaust, [1], memory="64MiB", return_exceptions=True))
        self.assertIsInstance(got[0], MemoryError)
        with self.assertRaisesRegex(anthill.TaskError, "fuel"):
            list(self.grid.map(busy, [1, 2], chunksize=2, fuel="300M"))

    def test_data_files_and_json(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("from a file")
            file.flush()
            got = list(self.grid.map(lambda x: [x, open("/data/note.txt").read()], ["a"], codec="json", data={"note.txt": file.name}))
        self.assertEqual(got, [["a", "from a file"]])

    def test_terms_that_no_job_has(self):
        with self.assertRaisesRegex(TypeError, "'maxerror' is none of the terms"):
            self.grid.map(mul, [1], maxerror=1e-3)
        with self.assertRaisesRegex(anthill.InvalidError, "max_error"):
            self.grid.map(mul, [1], max_error=3)
        with self.assertRaises(ValueError):
            self.grid.map(mul, [1], chunksize=0)


class Jobs(OnAGrid):
    def test_coming_back(self):
        with contextlib.suppress(futures.TimeoutError):
            next(self.grid.map(mul, range(5), chunksize=2, timeout=0, name="again"))
        with anthill.Grid(progress=False) as other:
            id = self.latest("again")
            job = other.job(id)
            self.assertEqual(job.results(), [0, 7, 14, 21, 28])
            self.assertEqual((job.id, job.state), (id, "succeeded"))

    def latest(self, name):
        listed = subprocess.run([os.environ["ANTHILL_BINARY"], "jobs", "-o", "json"], capture_output=True, check=True, text=True)
        return next(job["id"] for job in map(json.loads, listed.stdout.splitlines()) if job["id"].startswith(name))

    def test_jobs_that_are_not_there(self):
        with self.assertRaisesRegex(anthill.NotFoundError, "no job has this id"):
            self.grid.job("nothing-abcdef")

    def test_cancel(self):
        job = self.grid.submit_calls([[(busy, (60,), {})]])
        job.cancel()
        self.assertEqual(job.state, "cancelled")
        with self.assertRaisesRegex(anthill.JobError, "cancelled"):
            job.results()

    @unittest.skipUnless(os.name == "posix", "Ctrl-C is sent by a signal")
    def test_ctrl_c_detaches(self):
        text = f"import sys; sys.path[:0] = {[str(HERE)]}\nimport anthill, test_grid\nwith anthill.Grid() as grid:\n    list(grid.map(test_grid.busy, [30], name='left'))\n"
        leaving = subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE, env=ENV, text=True)
        while not self.job_is("left", "RUNNING"):
            self.assertIsNone(leaving.poll())
            time.sleep(0.3)
        time.sleep(2)  # until it waits
        leaving.send_signal(signal.SIGINT)
        _, said = leaving.communicate(timeout=60)
        self.assertIn("come back by: anthill.Grid().job('left-", said)
        self.assertTrue(self.job_is("left", "RUNNING"))
        self.grid.job(self.latest("left")).cancel()

    def job_is(self, name, state):
        listed = subprocess.run([os.environ["ANTHILL_BINARY"], "jobs", "-o", "json"], capture_output=True, check=True, text=True)
        return any(f'"id":"{name}-' in line and state in line for line in listed.stdout.splitlines())


class Futures(OnAGrid):
    def test_the_functions_of_a_script(self):
        done = subprocess.run([sys.executable, str(HERE / "script.py"), "--grid"], capture_output=True, env=ENV)
        self.assertEqual((done.returncode, done.stdout), (0, b"the same\n"), done.stderr.decode())

    def test_submit(self):
        with anthill.Executor(grid=self.grid) as executor:
            one, two = executor.submit(pow, 2, 8), executor.submit(capture, 1, self=2, fn=3)
            bad = executor.submit(mul, "a", "b")
            never = executor.submit(lambda: open(os.devnull).write(""))
            refused = executor.submit(eval("lambda: 1"))
            self.assertEqual(anthill.gather(one, two), [256, ((1,), {"self": 2, "fn": 3})])
            self.assertIsInstance(bad.exception(), TypeError)
            self.assertIsInstance(never.exception(), OSError)
            self.assertIsInstance(refused.exception(), anthill.CannotTravelError)
            self.assertEqual(set(futures.as_completed([one, two, bad])), {one, two, bad})
            done, waiting = futures.wait([one, bad], return_when=futures.FIRST_EXCEPTION)
            self.assertEqual((done, waiting), ({one, bad}, set()))
            got = anthill.gather(one, bad, return_exceptions=True)
            self.assertIsInstance(got[1], TypeError)
            with self.assertRaises(TypeError):
                anthill.gather(one, bad)

    def test_callbacks(self):
        seen = []
        with anthill.Executor(grid=self.grid) as executor:
            executor.submit(mul, 6).add_done_callback(lambda f: seen.append(f.result()))
        self.assertEqual(seen, [42])

    def test_map_of_an_executor(self):
        with anthill.Executor(grid=self.grid) as executor:
            self.assertEqual(list(executor.map(mul, range(5), range(5), chunksize=3)), [0, 1, 4, 9, 16])

    def test_cancel_before_it_is_sent(self):
        executor = anthill.Executor(grid=self.grid)
        waiting = [executor.submit(mul, i) for i in range(3)]
        self.assertTrue(waiting[0].cancel())
        executor.shutdown(wait=False, cancel_futures=True)
        futures.wait(waiting, timeout=60)
        self.assertTrue(waiting[0].cancelled())
        with self.assertRaises(futures.CancelledError):
            waiting[0].result()

    def test_nothing_after_shutdown(self):
        executor = anthill.Executor(grid=self.grid)
        executor.shutdown()
        with self.assertRaises(RuntimeError):
            executor.submit(mul, 1)
        with self.assertRaises(RuntimeError):
            executor.map(mul, [1])

    def test_the_grid_itself_submits(self):
        self.assertEqual(self.grid.submit(mul, 2, y=4).result(), 8)
        with self.assertRaises(futures.TimeoutError):
            self.grid.submit(busy, 1).result(timeout=0)


class Reaching(unittest.TestCase):
    def test_a_grid_that_is_not_there(self):
        with anthill.Grid("no-such-grid") as grid, self.assertRaisesRegex(anthill.NotFoundError, "no-such-grid"):
            grid.nodes()

    def test_a_program_that_is_not_there(self):
        with self.assertRaisesRegex(anthill.NotFoundError, "no program"):
            anthill.Grid(binary="/no/such/anthill")


if __name__ == "__main__":
    unittest.main()
