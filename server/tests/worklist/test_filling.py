"""A worklist for the demonstration: everything in it is as its films' truth and the worklist's own rules say."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.worklist.filled import Small, filled_once, small
from unseen.data.manifest import read_manifest
from unseen_server.demo.filling import READER, Filled
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return small(tmp_path_factory)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Filled]:
    """A worklist that was filled, to be looked at, and what `fill` reports of it."""
    home = tmp_path_factory.mktemp("filled") / "worklist"
    return home, filled_once(tmp_path_factory, home)


@pytest.mark.parametrize("anew", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["once", "anew"])
def test_a_list_is_filled_and_filled_anew(tmp_path: Path, world: Small, once: tuple[Path, Filled], anew: bool) -> None:
    home = shutil.copytree(once[0], tmp_path / "worklist")
    for again in (False, True)[: 1 + anew]:
        filled = world.fill(home) if again else once[1]
        with Store.open(home, create=False) as store:
            pages = {
                tab: store.studies.page(StudyQuery(tab=tab, limit=200, blind=False))
                for tab in ("to_read", "cleared", "reported")
            }  # type: ignore[arg-type]
            assert {tab: page.total for tab, page in pages.items()} == {
                "to_read": filled.to_read, "cleared": filled.cleared, "reported": filled.reported
            }  # fmt: skip
            assert sum(page.total for page in pages.values()) == 2 * (8 + 5) + 2 + 1
            assert filled.reported == 16 or filled.to_read == 4
            first, *others = pages["to_read"].rows
            assert first.state == "not_scored" and "PNG" in first.reason
            assert all(row.state == "to_read" for row in others)
            assert {row.source for row in pages["cleared"].rows} <= {"North", "South"}, "West is not calibrated"
            received = [row.received.timestamp() for page in pages.values() for row in page.rows]
            assert max(received) < time.time() and 5 < (max(received) - min(received)) / 3600 < 8
            assert store.audit.verify() is None


def test_what_is_reported_is_the_truth(world: Small, once: tuple[Path, Filled]) -> None:
    home, filled = once
    truth = {entry.path.read_bytes(): entry.label for entry in read_manifest(world.incoming)}
    said = []
    with Store.open(home, create=False) as store:
        for row in store.studies.page(StudyQuery(tab="reported", limit=200)).rows:
            study = store.studies.details(row.study)
            (film,), (report,) = study.films, study.reports
            assert report.reader == READER
            assert report.outcome == truth[store.films.path(film.film).read_bytes()]
            assert len(film.findings) == 2, "of the one that decides, and of the one to compare with"
            said.append(report.outcome)
    assert (said.count("normal"), said.count("abnormal")) == (filled.reported_normal, filled.reported_abnormal)
    assert filled.reported_normal and filled.reported_abnormal


def test_a_folder_that_is_not_the_demonstrations_is_left_alone(tmp_path: Path, world: Small) -> None:
    home = tmp_path / "worklist"
    Store.open(home).close()
    before = sorted(path.name for path in home.iterdir())
    with pytest.raises(WorklistError, match="was not made by the demonstration"):
        world.fill(home)
    assert sorted(path.name for path in home.iterdir()) == before


@pytest.mark.nightly
def test_some_stay_to_be_read_however_many_are_asked_for(tmp_path: Path, world: Small) -> None:
    filled = world.fill(tmp_path / "worklist", reported=1000, left=6)
    assert filled.to_read - filled.not_scored == 6
