"""Reports of other systems count in a calibration only after persons of the site have confirmed 50 of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.worklist.conftest import on_postgresql
from tests.worklist.reporting import look, look_and_report
from tests.worklist.test_activating import LOOSE, policy
from unseen.screening.policy import SourcePolicy
from unseen_server.worklist.calibration import Labels, labels
from unseen_server.worklist.labels import CONFIRMATIONS as FIFTY
from unseen_server.worklist.labels import EVERY, SEEN, Origin
from unseen_server.worklist.outside_reports import OutsideReport
from unseen_server.worklist.states import NotAllowedError
from unseen_server.worklist.store import Store

CONFIRMATIONS = 8


def corrected(outcome: Any) -> OutsideReport:
    return OutsideReport(system="RIS", accession="A0", status="corrected", outcome=outcome, content=f"{outcome}")


def elsewhere(store: Store, judged: Any, number: int, outcome: Any = "normal") -> str:
    study: str = judged(number, AccessionNumber=f"A{number}").study
    store.reports.reported_elsewhere(accession=f"A{number}", outcome=outcome)
    return study


def counted(store: Store, origins: Sequence[Origin]) -> Labels:
    idle = policy(sources={"ward": SourcePolicy(abnormals=1, normals=(0.1,), refused="1 of 29")})
    return labels(store, "m" * 64, LOOSE, policies={"p": idle}, origins=origins)


@on_postgresql
def test_reports_of_other_systems_count_after_fifty_confirmations(
    store: Store, judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty, counted with a limit of eight."""
    assert FIFTY == 50
    monkeypatch.setattr("unseen_server.worklist.calibration.CONFIRMATIONS", CONFIRMATIONS)
    names = [elsewhere(store, judged, number) for number in range(CONFIRMATIONS)]
    for number, name in enumerate(names):
        if number in (0, 1, CONFIRMATIONS - 1):
            found = counted(store, EVERY)
            assert (found.confirmed, len(found.studies)) == (number, 0)
            assert found.not_counted["elsewhere"] == CONFIRMATIONS and "another system" not in found.caution
        look(store, name, "ann")
        store.reports.confirm(name, "ann")
        store.reports.confirm(name, "ann")  # again: it counts once
    found = counted(store, EVERY)
    assert (found.confirmed, len(found.studies)) == (CONFIRMATIONS, CONFIRMATIONS)
    assert "another system" in found.caution
    assert counted(store, SEEN).studies == (), "only where they are asked for"
    assert store.studies.details(names[0]).reports[-1].confirmed_by == "ann"


def test_a_report_is_confirmed_only_by_who_has_seen_the_films(store: Store, judged: Any) -> None:
    name = elsewhere(store, judged, 1)
    with pytest.raises(NotAllowedError, match="was not shown to ann yet"):
        store.reports.confirm(name, "ann")
    look(store, name, "ben")
    with pytest.raises(NotAllowedError, match="was not shown to ann yet"):
        store.reports.confirm(name, "ann")


@pytest.mark.parametrize("outcome", [None, "unsure"])
def test_a_report_without_a_label_cannot_be_confirmed(store: Store, judged: Any, outcome: Any) -> None:
    name = elsewhere(store, judged, 1, outcome)
    look(store, name, "ann")
    with pytest.raises(NotAllowedError, match="nothing to confirm"):
        store.reports.confirm(name, "ann")


def test_a_report_of_a_reader_here_cannot_be_confirmed(store: Store, judged: Any) -> None:
    name = judged(1).study
    store.studies.claim(name, "ann")
    look_and_report(store, name, "ann", "normal")
    with pytest.raises(NotAllowedError, match="nothing to confirm"):
        store.reports.confirm(name, "ann")


def test_a_corrected_report_is_to_be_confirmed_again(store: Store, judged: Any) -> None:
    name = judged(0, AccessionNumber="A0").study
    for outcome, count in (("normal", 1), ("abnormal", 0)):
        store.outside_reports.take(corrected(outcome))
        look(store, name, "ann")
        if outcome == "normal":
            store.reports.confirm(name, "ann")
        assert counted(store, SEEN).confirmed == count
    store.reports.confirm(name, "ann")
    assert counted(store, SEEN).confirmed == 1
