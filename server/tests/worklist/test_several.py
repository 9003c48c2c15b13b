"""Acts on several studies, and saved views: who may, what refuses, and what the audit trail holds of it."""

from __future__ import annotations

import pytest

from tests.worklist.conftest import Clock, Judged, listed, on_postgresql
from tests.worklist.reporting import look, look_and_report
from unseen_server.worklist import saved_views, several
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

GONE = "s-" + "0" * 20


def trail(store: Store, study: str) -> list[str]:
    return [event.action for event in store.studies.details(study, blind=False).history if event.subject == study]


@on_postgresql
def test_studies_are_assigned_and_each_stands_in_the_trail(store: Store, judged: Judged) -> None:
    first, second, third = (judged(number).study for number in range(3))
    store.studies.claim(third, "ann")
    look_and_report(store, third, "ann", "normal")
    store.accounts.add("ben", "a long password of ben", "reader", actor="test")
    done = store.studies.assign([first, third, GONE, second, first], "ben", actor="lea")
    assert done.done == (first, second)
    assert [(one.study, one.reason.split(",")[0]) for one in done.refused] == [
        (third, "It is reported"), (GONE, f"There is no study '{GONE}' here. It may have been erased."),
    ]  # fmt: skip
    assert {row.study: row.assigned_to for row in store.studies.page(StudyQuery()).rows} == {
        first: "ben",
        second: "ben",
    }
    assert trail(store, first)[-1:] == ["study.assigned"] == trail(store, second)[-1:]
    store.studies.claim(first, "ann")  # it is a wish, and keeps nobody from reading
    assert store.studies.assign([first], None, actor="lea").done == (first,)
    assert store.studies.page(StudyQuery(assigned="@nobody")).rows[0].study == first
    with pytest.raises(NotFoundError, match="nobody with this name"):
        store.studies.assign([second], "zoe", actor="lea")
    store.accounts.change("ben", actor="test", disabled=True)
    with pytest.raises(NotFoundError, match="nobody with this name"):
        store.studies.assign([second], "ben", actor="lea")
    for names in ([], [first] * 201):
        with pytest.raises(WorklistError, match="between 1 and 200"):
            store.studies.assign(names, None, actor="lea")
    assert store.audit.verify() is None


def test_several_are_scored_again_or_returned_and_none_is_reported(store: Store, judged: Judged) -> None:
    broken = [judged(number, "not_scored", reason="blank: nothing") for number in range(3)]
    whole, held = judged(7), judged(8, "not_scored")
    names = [one.study for one in broken]
    store.studies.claim(held.study, "ben")
    again = store.jobs.requeue_several([names[0], whole.study], actor="lea")
    assert again.done == (names[0],) and again.refused[0].reason.startswith("Every film of this study was scored")
    films = {one.study: [one.film_id] for one in (*broken, held)}
    look(store, names[2], "ann")
    given = store.reports.return_several(
        [names[1], names[2], whole.study, held.study], "lea", "Send them as DICOM.", broken=films
    )
    assert given.done == (names[1],)
    reasons = {one.study: one.reason for one in given.refused}
    assert "was shown to ann" in reasons[names[2]] and "can be shown" in reasons[whole.study]
    assert "ben has taken this study" in reasons[held.study]
    states = {name: store.studies.details(name).entry for name in (names[1], names[2], whole.study)}
    assert states[names[1]].state == "set_aside" and states[names[1]].outcome is None
    assert states[names[2]].claimed_by is None and states[names[2]].state == "not_scored", "its claim was undone, too"
    assert trail(store, names[2]) == trail(store, names[2])[:1] == ["study.judged"]
    assert [row.how for row in store.studies.page(StudyQuery(tab="reported")).rows] == ["returned"], (
        "no bulk act reports"
    )
    with pytest.raises(WorklistError, match="Give the reason"):
        store.reports.return_several([names[2]], "lea", " ", broken={names[2]: []})
    assert store.audit.verify() is None


@on_postgresql
def test_a_view_is_kept_shared_and_removed(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = store.saved_views.save("ann", " AP films ", {"tab": "to_read", "view": "AP"})
    shared = store.saved_views.save("lea", "Night", {"source": "night"}, shared=True)
    assert [(one.number, one.name, one.owner, one.shared) for one in store.saved_views.listed("ann")] == [
        (mine, "AP films", "ann", False), (shared, "Night", "lea", True),
    ]  # fmt: skip
    assert [one.number for one in store.saved_views.listed("ben")] == [shared]
    assert store.saved_views.save("ann", "AP films", {"view": "PA"}) == mine
    assert store.saved_views.listed("ann")[0].wanted == {"view": "PA"}
    for name, wanted, why in (
        ("", {}, "name"), ("x" * 61, {}, "61 characters"), ("a", {"text": "4711"}, "no search"),
        ("a", {"source": "x" * 2000}, "no search"),
    ):  # fmt: skip
        with pytest.raises(WorklistError, match=why):
            store.saved_views.save("ann", name, wanted)
    with pytest.raises(NotFoundError):
        store.saved_views.remove(mine, "ben", as_lead=True)
    with pytest.raises(NotAllowedError, match="a view of lea"):
        store.saved_views.remove(shared, "ann")
    store.saved_views.remove(shared, "leo", as_lead=True)
    store.saved_views.remove(mine, "ann")
    assert store.saved_views.listed("ann") == []
    monkeypatch.setattr(saved_views, "MOST", 2)
    store.saved_views.save("ann", "a", {})
    store.saved_views.save("ann", "b", {})
    store.saved_views.save("ann", "b", {"view": "PA"})
    with pytest.raises(WorklistError, match="2 is the most"):
        store.saved_views.save("ann", "c", {})
    assert several.MOST == 200 and listed(store) == [] and store.audit.verify() is None
