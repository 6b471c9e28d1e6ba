"""Builds the package with the standard library alone, as pip asks for it (PEP 517, 660)."""

import base64
import hashlib
import os
import tarfile
import zipfile

NAME, VERSION = "anthill", "0.2.0"
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "src")
INFO = f"{NAME}-{VERSION}.dist-info"
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: Run Python functions on a volunteer compute grid, and believe the results
Requires-Python: >=3.9
Description-Content-Type: text/markdown

"""
WHEEL = "Wheel-Version: 1.0\nGenerator: anthill\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {}
    for folder, _, names in os.walk(os.path.join(SOURCE, NAME)):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".py", ".typed")):
                with open(path, "rb") as file:
                    files[os.path.relpath(path, SOURCE).replace(os.sep, "/")] = file.read()
    return _write(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, {f"__editable__.{NAME}.pth": (SOURCE + "\n").encode()})


def build_sdist(sdist_directory, config_settings=None):
    base = f"{NAME}-{VERSION}"
    with tarfile.open(os.path.join(sdist_directory, base + ".tar.gz"), "w:gz") as tar:
        for name in ("pyproject.toml", "build_wheel.py", "README.md", "src"):
            tar.add(os.path.join(HERE, name), f"{base}/{name}")
    return base + ".tar.gz"


def _write(folder, files):
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as file:
        files[f"{INFO}/METADATA"] = (METADATA + file.read()).encode()
    files[f"{INFO}/WHEEL"] = WHEEL.encode()
    record = ""
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files[f"{INFO}/RECORD"] = (record + f"{INFO}/RECORD,,\n").encode()
    wheel = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel
