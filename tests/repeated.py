"""Plugin for pytest that runs each test several times: `python -m pytest -p tests.repeated --times 200 TESTS`.

Fixtures of a module or a session are made once, those of a function for every run.
"""

from __future__ import annotations

import copy

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--times`."""
    parser.addoption("--times", type=int, default=1, help="number of runs of each test")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put as many copies of each test into the list as it is to be run, one after the other."""
    items[:] = [_copied(item) for item in items for _ in range(config.getoption("--times"))]


def _copied(item: pytest.Item) -> pytest.Item:
    """Return a test of the same name with a fixture request and captured output of its own.

    The same object twice in the list would keep its fixtures from one run to the next.
    """
    made = copy.copy(item)
    made._report_sections = []
    if isinstance(made, pytest.Function):
        made._initrequest()
    return made
