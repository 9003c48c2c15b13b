"""Acts on several studies, and saved views: who may, what refuses, and what the audit trail holds of it."""

from __future__ import annotations

import pytest

from tests.worklist.conftest import Clock, Judged, listed, on_postgresql, place_at_least
from tests.worklist.reporting import look, look_and_report
from unseen_server.worklist import saved_views, several
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

place = place_at_least

GONE = "s-" + "0" * 20


def trail(store: Store, study: str) -> list[str]:
    return [event.action for event in store.study(study, blind=False).history if event.subject == study]


@on_postgresql
def test_studies_are_assigned_and_each_stands_in_the_trail(store: Store, judged: Judged) -> None:
    first, second, third = (judged(number).study for number in range(3))
    store.claim(third, "ann")
    look_and_report(store, third, "ann", "normal")
    store.accounts.add("ben", "a long password of ben", "reader", actor="test")
    done = store.assign([first, third, GONE, second, first], "ben", actor="lea")
    assert done.done == (first, second)
    assert [(one.study, one.reason.split(",")[0]) for one in done.refused] == [
        (third, "It is reported"), (GONE, f"There is no study '{GONE}' here. It may have been erased."),
    ]  # fmt: skip
    assert {row.study: row.assigned_to for row in store.page(StudyQuery()).rows} == {first: "ben", second: "ben"}
    assert trail(store, first)[-1:] == ["study.assigned"] == trail(store, second)[-1:]
    store.claim(first, "ann")  # it is a wish, and keeps nobody from reading
    assert store.assign([first], None, actor="lea").done == (first,)
    assert store.page(StudyQuery(assigned="@nobody")).rows[0].study == first
    with pytest.raises(NotFoundError, match="nobody with this name"):
        store.assign([second], "zoe", actor="lea")
    store.accounts.change("ben", actor="test", disabled=True)
    with pytest.raises(NotFoundError, match="nobody with this name"):
        store.assign([second], "ben", actor="lea")
    for names in ([], [first] * 201):
        with pytest.raises(WorklistError, match="between 1 and 200"):
            store.assign(names, None, actor="lea")
    assert store.verify_audit() is None


def test_several_are_scored_again_or_returned_and_none_is_reported(store: Store, judged: Judged) -> None:
    broken = [judged(number, "not_scored", reason="blank: nothing") for number in range(3)]
    whole, held = judged(7), judged(8, "not_scored")
    names = [one.study for one in broken]
    store.claim(held.study, "ben")
    again = store.requeue_several([names[0], whole.study], actor="lea")
    assert again.done == (names[0],) and again.refused[0].reason.startswith("Every film of this study was scored")
    films = {one.study: [one.film_id] for one in (*broken, held)}
    look(store, names[2], "ann")
    given = store.return_several(
        [names[1], names[2], whole.study, held.study], "lea", "Send them as DICOM.", broken=films
    )
    assert given.done == (names[1],)
    reasons = {one.study: one.reason for one in given.refused}
    assert "was shown to ann" in reasons[names[2]] and "can be shown" in reasons[whole.study]
    assert "ben has taken this study" in reasons[held.study]
    states = {name: store.study(name).entry for name in (names[1], names[2], whole.study)}
    assert states[names[1]].state == "set_aside" and states[names[1]].outcome is None
    assert states[names[2]].claimed_by is None and states[names[2]].state == "not_scored", "its claim was undone, too"
    assert trail(store, names[2]) == trail(store, names[2])[:1] == ["study.judged"]
    assert [row.how for row in store.page(StudyQuery(tab="reported")).rows] == ["returned"], "no bulk act reports"
    with pytest.raises(WorklistError, match="Give the reason"):
        store.return_several([names[2]], "lea", " ", broken={names[2]: []})
    assert store.verify_audit() is None


@on_postgresql
def test_a_view_is_kept_shared_and_removed(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = store.save_view("ann", " AP films ", {"tab": "to_read", "view": "AP"})
    shared = store.save_view("lea", "Night", {"source": "night"}, shared=True)
    assert [(one.number, one.name, one.owner, one.shared) for one in store.views("ann")] == [
        (mine, "AP films", "ann", False), (shared, "Night", "lea", True),
    ]  # fmt: skip
    assert [one.number for one in store.views("ben")] == [shared]
    assert store.save_view("ann", "AP films", {"view": "PA"}) == mine
    assert store.views("ann")[0].wanted == {"view": "PA"}
    for name, wanted, why in (
        ("", {}, "name"), ("x" * 61, {}, "61 characters"), ("a", {"text": "4711"}, "no search"),
        ("a", {"source": "x" * 2000}, "no search"),
    ):  # fmt: skip
        with pytest.raises(WorklistError, match=why):
            store.save_view("ann", name, wanted)
    with pytest.raises(NotFoundError):
        store.remove_view(mine, "ben", as_lead=True)
    with pytest.raises(NotAllowedError, match="a view of lea"):
        store.remove_view(shared, "ann")
    store.remove_view(shared, "leo", as_lead=True)
    store.remove_view(mine, "ann")
    assert store.views("ann") == []
    monkeypatch.setattr(saved_views, "MOST", 2)
    store.save_view("ann", "a", {})
    store.save_view("ann", "b", {})
    store.save_view("ann", "b", {"view": "PA"})
    with pytest.raises(WorklistError, match="2 is the most"):
        store.save_view("ann", "c", {})
    assert several.MOST == 200 and listed(store) == [] and store.verify_audit() is None
