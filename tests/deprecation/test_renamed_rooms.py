"""A room that was renamed is found by its old name for one release, with a warning."""

from __future__ import annotations

import pytest

import unseen as un
from unseen import deprecation


def test_experiments_are_runs_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecation, "_warned", set())  # it warns once a process
    with pytest.warns(DeprecationWarning, match=r"unseen.experiments is now unseen.runs\. .* removed in unseen 0\.3"):
        assert un.experiments is un.runs  # type: ignore[attr-defined]
    assert "experiments" not in dir(un)
