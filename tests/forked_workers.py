"""pytest whose workers are forks of one process that has imported what they all import.

`python -m tests.forked_workers WORDS` is `python -m pytest WORDS`. A worker begins with torch, its like and the package
imported, and with the process that `warm_python` forks from, which are ten seconds of processor time each. Start and
collection with four workers take 25 s of processor time; with pytest-xdist alone they take 44 s (28 November 2026).
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import types
from pathlib import Path

from tests.forked_children import PYTESTS_WORKER, begin, end

ALSO = ("sklearn.linear_model", "scipy.signal", "httpx", "starlette.testclient", "playwright.sync_api", "pydicom.uid")
"""Packages that tests import in addition to those of programs. Packages with a pytest plugin must not be listed."""


def _prepare() -> None:
    from tests.warm_python import warm

    for package in ALSO:
        importlib.import_module(package)
    root = Path(__file__).parents[1]
    for package in (root / "src" / "unseen", root / "server" / "src" / "unseen_server"):
        for module in pkgutil.walk_packages([str(package)], f"{package.name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    warm()


def main() -> None:
    """The controller; or a worker; or a program that a worker's tests started."""
    if begin(_prepare) is None:
        import pytest

        status = pytest.main()
        end()
        sys.exit(status)
    from tests.warm_python import forked, to_its_end

    if forked():
        sys.modules["__main__"] = own = types.ModuleType("__main__")  # as in `python -c`
        to_its_end(lambda: exec(PYTESTS_WORKER, own.__dict__))


if __name__ == "__main__":
    main()
