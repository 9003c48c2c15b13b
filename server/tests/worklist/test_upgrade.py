"""A worklist of release 0.1 that 0.2 has upgraded, its bundles and its policy: they show what they showed, and work."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sqlalchemy import select

from tests.worklist.conftest import Clock, png
from tests.worklist.described import described
from tests.worklist.reporting import look_and_report
from unseen.artifacts.bundle import card_of
from unseen.data.film import Film
from unseen.data.manifest import Entry
from unseen.data.reading import read_film
from unseen.detectors.saved import load as load_detector
from unseen.screening.policy import Policy, PolicyError
from unseen.screening.screener import load
from unseen_server.service.active_models import ActiveModels
from unseen_server.service.scoring_models import Models
from unseen_server.worklist import disagreement
from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.belonging import DATABASE
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.schema import newest, revision
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import studies

GOLDEN = Path(__file__).with_name("golden-0.1")


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    torch.set_num_threads(1)
    return json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the old store as release 0.2 has upgraded it: the committed one is never written to."""
    folder = Path(shutil.copytree(GOLDEN / "store", tmp_path / "store"))
    shutil.copy(GOLDEN / "upgraded-by-0.2.sqlite", folder / DATABASE)
    return folder


@pytest.fixture
def old(home: Path, expected: dict[str, Any]) -> Iterator[Store]:
    """The old store, opened at the time of its last change."""
    with Store.open(home, create=False, clock=Clock(expected["at"])) as store:
        yield store


def test_the_golden_store_has_a_study_in_every_state(expected: dict[str, Any]) -> None:
    states = {study["state"] for study in expected["studies"].values()}
    assert states == {
        "received", "to_read", "cleared", "not_scored", "in_reading", "reported", "reported_elsewhere"
    }  # fmt: skip
    assert any(study["audit_sample"] for study in expected["studies"].values())


def test_a_store_that_0_2_has_not_upgraded_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    home = Path(shutil.copytree(GOLDEN / "store", tmp_path / "store"))
    with pytest.raises(WorklistError, match=r"revision 000\d, of a version before 0\.2\. Open it once with"):
        Store.open(home, create=False)
    with (
        closing(sqlite3.connect(home / DATABASE)) as kept,
        closing(sqlite3.connect(GOLDEN / "store" / DATABASE)) as was,
    ):
        assert list(kept.iterdump()) == list(was.iterdump())


def test_a_backup_from_before_0_2_is_refused_before_the_target_is_made(old: Store, tmp_path: Path) -> None:
    back_up(old, tmp_path / "backup")
    manifest = tmp_path / "backup" / "backup.json"
    manifest.write_text(manifest.read_text().replace(f'"{newest()}"', '"0001"'))
    with pytest.raises(WorklistError, match=r"revision 0001, .* Restore it with unseen 0\.2, then back up with this"):
        restore(tmp_path / "backup", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_an_old_store_opens_with_the_newest_schema_and_a_whole_trail(old: Store, expected: dict[str, Any]) -> None:
    with old.database.reading() as connection:
        assert revision(connection) == newest()
    assert str(old.audit.head()) == expected["head"], "opening adds no row"
    assert old.audit.verify() is None
    assert old.audit.verify(AuditHead.parse(expected["head"])) is None


def test_lists_order_decisions_and_histories_are_as_they_were(home: Path, expected: dict[str, Any]) -> None:
    at = expected["at"]
    with Store.open(home, create=False, clock=lambda: at) as store:
        found = json.loads(json.dumps(described(store, at)))
    for part, was in expected.items():
        assert found[part] == was, part


def test_an_old_store_is_filtered_and_sorted_like_a_new_one(old: Store, expected: dict[str, Any]) -> None:
    """Revision 0006: what was decided before it stands beside each study, too."""
    rows = {row.study: row for row in old.studies.page(StudyQuery(tab="all", limit=200, blind=False)).rows}
    scored = {name: row for name, row in rows.items() if row.score is not None}
    assert {row.model for row in scored.values()} == {card_of(GOLDEN / "decides").weights_sha256}
    assert {row.policy for row in scored.values()} == set(expected["policy"])
    lowest_first = [
        row.study for row in old.studies.page(StudyQuery(tab="all", order="score", limit=200, blind=False)).rows
    ]
    assert [rows[name].score for name in lowest_first[-len(scored) :]] == sorted(row.score for row in scored.values())  # type: ignore[type-var]
    views = {name: {film.view_position for film in old.studies.details(name).films} for name in rows}
    assert {row.view for row in rows.values()} - {None} == set().union(*views.values()) - {None} != set()
    for view in old.studies.choices().views:
        assert {row.study for row in old.studies.page(StudyQuery(tab="all", view=view, limit=200)).rows} == {
            name for name, has in views.items() if view in has
        }
    apart = [row.apart for row in rows.values() if row.apart is not None]
    with old.database.reading() as connection:
        now = {row.public_id: disagreement.apart(connection, row.id) for row in connection.execute(select(studies))}
    assert {name for name, row in rows.items() if row.apart is not None} == {
        name for name, value in now.items() if value is not None
    }
    assert all(0 <= value <= 1 for value in apart)
    assert old.saved_views.save("lea", "Mine", {"view": "PA"}) == 1


def test_every_film_and_map_of_an_old_store_is_found(old: Store, expected: dict[str, Any]) -> None:
    for name, study in expected["studies"].items():
        for film, scores in zip(old.studies.details(name).films, study["scores"], strict=True):
            assert old.films.path(film.film).stat().st_size == film.bytes
            if scores and study["state"] != "not_scored":
                assert np.load(old.findings.map_path(film.film)).shape == (32, 32)


def test_old_bundles_score_old_films_as_they_did(old: Store, expected: dict[str, Any]) -> None:
    detectors = {one.weights_sha256: one for one in map(load_detector, (GOLDEN / "decides", GOLDEN / "compares"))}
    (name,) = expected["lists"]["cleared"][:1]
    (film,) = old.studies.details(name, blind=False).films
    again = read_film(Entry(name="film", path=old.films.path(film.film), source="North", patient="p", study="s"))
    assert isinstance(again, Film)
    assert {finding.model for finding in film.findings} == set(detectors)
    for finding in film.findings:
        (found,) = detectors[finding.model].score([again])
        assert found.score == pytest.approx(finding.score, rel=1e-4)


def test_an_old_store_goes_on_working_with_old_bundles_and_its_policy_asks_for_a_new_one(
    old: Store, expected: dict[str, Any]
) -> None:
    waiting = expected["queue"]["waiting"]
    sent = old.films.receive(png(1), name="new.png", source="North", actor="upload")
    policy = Policy.load(GOLDEN / "policy.json")
    assert [policy.digest] == expected["policy"]
    active = old.activations.active()
    assert active is not None and active.policy == policy
    with pytest.raises(PolicyError, match="of an earlier version, which bound it to the weights alone"):
        load(GOLDEN / "decides", GOLDEN / "policy.json")
    following = ActiveModels(old, Models.of(GOLDEN / "decides"))
    following.look()
    assert (
        "Calibrate again: the model needs a new policy. This server keeps the models of its start" in following.problem
    )
    screener = load(GOLDEN / "decides")
    assert Worker(old, lambda: screener, name="worker").drain() == waiting + 1
    assert old.studies.details(sent.study).entry.state == "to_read", "without a policy that holds nothing is cleared"
    first = next(
        row.study for row in old.studies.page(StudyQuery(tab="to_read", limit=200)).rows if row.state == "to_read"
    )
    old.studies.claim(first, "ann")
    look_and_report(old, first, "ann", "abnormal", "seen after the upgrade")
    reports = [(report.outcome, report.note) for report in old.studies.details(first).reports]
    assert ("abnormal", "seen after the upgrade") in reports
    ((name, was),) = [one for one in expected["studies"].items() if one[1]["claimed_by"] == "bob"]
    look_and_report(old, name, "bob", "normal")
    assert old.studies.details(name).entry.state == "reported" and was["state"] == "in_reading"
    assert old.audit.verify() is None and old.audit.verify(AuditHead.parse(expected["head"])) is None


def test_old_pseudonyms_accounts_and_reports_are_still_known(old: Store, expected: dict[str, Any]) -> None:
    assert [row.state for row in old.studies.page(StudyQuery(tab="all", text="cut-short.png")).rows] == ["not_scored"]
    token = old.accounts.sign_in("lea", "a long password of lea")
    assert token is not None and old.accounts.session(token) is not None
    assert old.accounts.sign_in("lea", "another password") is None
    mine = next(name for name, study in expected["studies"].items() if study["state"] == "reported")
    reader = expected["studies"][mine]["reports"][0][0]
    old.reports.undo(mine, reader)
    assert old.studies.details(mine).entry.state == "in_reading"
    assert old.audit.verify() is None


@pytest.mark.nightly
def test_an_old_store_is_backed_up_and_restored(old: Store, tmp_path: Path, expected: dict[str, Any]) -> None:
    saved = back_up(old, tmp_path / "backup")
    assert not saved.damaged
    restore(tmp_path / "backup", tmp_path / "elsewhere")
    with Store.open(tmp_path / "elsewhere", create=False, clock=lambda: expected["at"]) as store:
        found = json.loads(json.dumps(described(store, expected["at"])))
    assert found["lists"] == expected["lists"] and found["studies"] == expected["studies"]
