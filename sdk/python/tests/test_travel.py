"""What can be sent to the grid, and what is refused with which words."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
import unittest
from pathlib import Path

import local
import travellers
from anthill import CannotTravelError, _results, grid

HERE = Path(__file__).parent


class Travels(unittest.TestCase):
    def test_the_functions_of_a_script(self):
        done = subprocess.run([sys.executable, str(HERE / "script.py"), "--local"], capture_output=True, cwd=HERE, env=dict(os.environ))
        self.assertEqual((done.returncode, done.stdout), (0, b"the same\n"), done.stderr.decode())

    def test_a_function_of_a_module_with_what_that_imports(self):
        self.assertEqual(local.values(travellers.scaled, [1, 2]), [102, 104])

    def test_an_exception_is_that_exception(self):
        answers, log = local.call(travellers.refuse, [5])
        error = _results.exception(answers[0][1])
        self.assertIsInstance(error, travellers.OutOfRange)
        self.assertEqual((error.value, error.limit), (5, 3))
        self.assertIn("raise OutOfRange(x, 3)", str(error.__cause__))
        self.assertIn("travellers.py", "".join(traceback.format_exception(type(error), error, None)))
        self.assertIn("OutOfRange", log)

    def test_one_item_that_fails_leaves_the_others(self):
        answers, _ = local.call(lambda x: 6 // x, [1, 0, 2])
        self.assertEqual([ok for ok, _ in answers], [True, False, True])
        self.assertIsInstance(_results.exception(answers[1][1]), ZeroDivisionError)

    def test_what_cannot_be_pickled_fails_alone(self):
        answers, _ = local.call(lambda x: (i for i in [x]) if x == 2 else x, [1, 2, 3])
        self.assertEqual([ok for ok, _ in answers], [True, False, True])
        self.assertIsInstance(_results.exception(answers[1][1]), TypeError)

    def test_a_task_does_not_end_the_program(self):
        def leave(_):
            sys.exit(3)

        answers, _ = local.call(leave, [1])
        error = _results.exception(answers[0][1])
        self.assertIsInstance(error, Exception)
        self.assertIn("SystemExit", str(error))

    def test_json_instead_of_pickles(self):
        answers, _ = local.call(lambda x: {"x": x, "y": [x]}, [1, "a"], pack=grid._jsoned)
        self.assertEqual([v for _, v in answers], [{"x": 1, "y": [1]}, {"x": "a", "y": ["a"]}])
        answers, _ = local.call(lambda x: {1, x}, [1], pack=grid._jsoned)
        self.assertIsInstance(_results.exception(answers[0][1]), TypeError)

    def test_print_goes_to_the_log(self):
        answers, log = local.call(lambda x: print("working on", x), [1])
        self.assertEqual((answers, log), ([(True, None)], "working on 1\n"))

    def test_what_the_script_calls_anthill_is_no_grid_there(self):
        done = self.script("import anthill\ndef f(x):\n    return anthill.Grid()\n", "local.values(f, [1])")
        self.assertIn("a task cannot use the grid", done)

    def script(self, text, then):
        """Run a script, and give its last line of stderr."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "script.py")
            path.write_text(text + "\nimport local\n" + then + "\n")
            env = dict(os.environ, PYTHONPATH=os.pathsep.join([str(HERE), *sys.path]))
            done = subprocess.run([sys.executable, str(path)], capture_output=True, env=env)
        return done.stderr.decode()


class Refused(unittest.TestCase):
    def refused(self, f, *words, item=1):
        with self.assertRaises(CannotTravelError) as caught:
            local.call(f, [item])
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_a_lambda_that_was_typed(self):
        self.refused(eval("lambda x: x"), "source is not to be found", "put it into a file")

    def test_an_open_file(self):
        with open(__file__) as file:
            self.refused(lambda x: file.read(), "variable file", "open file", "/data")

    def test_a_lock(self):
        lock = threading.Lock()
        self.refused(lambda x: lock, "variable lock", "lock")

    def test_a_class_inside_of_a_function(self):
        class Inner:
            pass

        self.refused(lambda x: x, "defined inside of a function", item=Inner())

    def test_native_code(self):
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder, "fastthing")
            package.mkdir()
            Path(package, "__init__.py").write_text("")
            Path(package, "_c.cpython-312-x86_64-linux-gnu.so").write_text("")
            Path(folder, "usesit.py").write_text("import fastthing\ndef f(x): return x\n")
            sys.path.insert(0, folder)
            try:
                import usesit

                self.refused(usesit.f, "module usesit needs module fastthing", "native code", "all Python")
            finally:
                sys.path.remove(folder)
                del sys.modules["usesit"]

    def test_what_is_not_there_on_the_grid(self):
        text = "import ssl\ndef f(x):\n    return ssl.OPENSSL_VERSION\n"
        said = Travels.script(self, text, "local.values(f, [1])")
        self.assertIn("needs module ssl", said)
        self.assertIn("no network", said)

    def test_json_of_what_has_none(self):
        with self.assertRaisesRegex(Exception, 'codec="pickle"'):
            local.call(lambda x: x, [{1, 2}], pack=grid._jsoned)
        self.assertTrue(json)


if __name__ == "__main__":
    unittest.main()
