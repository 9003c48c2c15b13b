"""pytest whose workers are forks of one process that has imported what they all import.

`python -m tests.forked_workers WORDS` is `python -m pytest WORDS`. A worker begins with torch, its like, the package
and the modules of the tests imported, and with the process that `warm_python` forks from. Start and collection with
four workers take 18 s of processor time; 27 s where each worker imports the tests itself (29 November 2026).

`python -m tests.forked_workers --doctests src server/src -- WORDS` also runs the doctests in these folders, in one more
fork beside the workers. It fails if a test or a doctest fails.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forked_children import PYTESTS_WORKER, begin, end

ALSO = (
    *("sklearn.linear_model", "scipy.signal", "httpx", "starlette.testclient", "playwright.sync_api", "pydicom.uid"),
    *("matplotlib.pyplot", "cvxpy", "ismrmrd", "nibabel"),
)
"""Packages that tests import in addition to those of programs. Packages with a pytest plugin must not be listed."""


ROOT = Path(__file__).parents[1]


def _prepare(words: list[str]) -> None:
    from tests.warm_python import warm

    gc.disable()  # a fifth of the time of these imports; in a worker, the root's conftest enables it again
    for package in ALSO:
        importlib.import_module(package)
    for package in (ROOT / "src" / "unseen", ROOT / "server" / "src" / "unseen_server"):
        for module in pkgutil.walk_packages([str(package)], f"{package.name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    _import_tests(words)
    _draw_examples()
    _forget_plugins()
    warm()


def _draw_examples() -> None:
    """Let Hypothesis collect the constants of all modules and make its tables of characters, once for all workers: 5 s
    in a new checkout."""
    from hypothesis import given, settings, strategies  # a plugin of pytest, which must import it first

    @settings(max_examples=20, database=None, deadline=None)
    @given(strategies.text(), strategies.integers())
    def draw(text: str, number: int) -> None:
        del text, number

    draw()


def _forget_plugins() -> None:
    """Remove cached lists of plug-ins, which imported tests have filled: each forked program has its own path."""
    from unseen.artifacts.registry import Registry

    ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("unseen", "unseen_server")]
    for one in [value for module in ours for value in vars(module).values()]:
        if isinstance(one, Registry):
            vars(one).pop("plugins", None)


def _import_tests(words: list[str]) -> None:
    """Import the modules of the tests, with pytest's own assertions, under the names by which its workers find them."""
    from _pytest.config import _prepareconfig
    from _pytest.outcomes import OutcomeException
    from _pytest.pathlib import module_name_from_path
    from _pytest.python import importtestmodule

    try:
        config = _prepareconfig([*words, "--capture=no"])
    except (SystemExit, Exception):
        return  # the controller reports mistakes in the words
    try:
        for path in _files(config.args):
            name = module_name_from_path(path, config.rootpath)
            try:
                importtestmodule(path, config)
            except (Exception, OutcomeException):
                sys.modules.pop(name, None)  # the worker tries again, and reports it
    finally:
        config._ensure_unconfigure()


def _files(places: list[str]) -> Iterator[Path]:
    for place in places:
        path = Path(place.partition("::")[0]).resolve()
        if path.is_dir():
            yield from sorted(path.rglob("conftest.py"))
            yield from sorted(path.rglob("test_*.py"))
        elif path.suffix == ".py" and path.exists():
            yield path


class _Doctests:
    """Plugin of the controller: the doctests of some folders, in a fork beside the workers."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - until the end
        self._process: subprocess.Popen[bytes] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Begin, once the workers have begun."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--doctest-modules", *self._folders],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if name != "UNSEEN_COSTS"},  # the tests' own
        )

    def end(self, stop: bool) -> int:
        """Wait for the doctests, or stop them; print their output and return pytest's exit status."""
        if self._process is None:
            return 0
        if stop:
            self._process.kill()
        status = self._process.wait()
        self._said.seek(0)
        print(self._said.read())
        return status


def main() -> None:
    """The controller; or a worker; or the doctests; or a program that a worker's tests started."""
    folders: list[str] = []
    if sys.argv[1:2] == ["--doctests"]:
        to = sys.argv.index("--")
        folders, sys.argv[1:] = sys.argv[2:to], sys.argv[to + 1 :]
    words = sys.argv[1:]
    module = begin(lambda: _prepare(words))
    if module is None:
        doctests = [_Doctests(folders)] if folders else []
        status = int(pytest.main(plugins=doctests))
        for beside in doctests:
            of_doctests = beside.end(stop=status == pytest.ExitCode.INTERRUPTED)
            status = status or of_doctests
        end()
        sys.exit(status)
    from tests.warm_python import forked, to_its_end

    if module == "pytest":
        to_its_end(lambda: sys.exit(pytest.main()))
    if forked():
        sys.modules["__main__"] = own = types.ModuleType("__main__")  # as in `python -c`
        to_its_end(lambda: exec(PYTESTS_WORKER, own.__dict__))


if __name__ == "__main__":
    main()
