"""Runs what would be sent to the grid in a process of this machine."""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from anthill import _results, grid
from anthill._travel import Travel


def call(f, *iterables, pack=None):
    """map(f, ...), by way of the guest."""
    travel = Travel()
    calls = [(f, args, {}) for args in zip(*iterables)]
    item = (pack or grid._pickled)(travel, calls, {})
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "program").write_bytes(travel.program())
        for at, path in travel.modules.files.items():
            target = Path(folder, "modules", at)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        source = Path(grid.__file__).with_name("on_the_grid")
        shutil.copyfile(source / "anthill.py", Path(folder, "anthill.py"))
        guest = Path(folder, "guest.py")
        guest.write_text((source / "guest.py").read_text().replace('DATA = "/data/"', f"DATA = {folder + os.sep!r}"))
        env = {"PYTHONPATH": str(Path(folder, "modules")), "PYTHONHASHSEED": "0", "PATH": os.environ["PATH"]}
        done = subprocess.run([sys.executable, str(guest)], input=item.encode() + b"\n", capture_output=True, env=env, cwd=folder)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return _results.answers(done.stdout), done.stderr.decode()


def values(f, *iterables):
    """The values alone; what failed is raised."""
    answers, _ = call(f, *iterables)
    for ok, value in answers:
        if not ok:
            raise _results.exception(value)
    return [value for _, value in answers]
