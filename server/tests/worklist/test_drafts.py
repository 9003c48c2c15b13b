"""What is written and not reported is kept for whoever wrote it, and goes with the study."""

from __future__ import annotations

import pytest

from tests.worklist.conftest import Judge, Judged, on_postgresql, place_at_least, png
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.store import Store

place = place_at_least


def test_a_draft_lives_until_the_report_and_comes_back_with_it(store: Store, judged: Judged) -> None:
    study = judged(1).study
    for note in ("left ap", "left apex"):
        store.keep_draft(study, "ann", note)
    assert store.study(study, reader="ann").draft == "left apex"
    assert store.study(study, reader="ben").draft == "" == store.study(study).draft
    store.claim(study, "ann")
    store.release(study, "ann")
    assert store.study(study, reader="ann").draft == "left apex", "a skip keeps it"
    store.claim(study, "ann")
    look_and_report(store, study, "ann", "normal", "left apex, old")
    assert store.study(study, reader="ann").draft == ""
    store.undo(study, "ann")
    assert store.study(study, reader="ann").draft == "left apex, old"
    store.keep_draft(study, "ann", "")
    assert store.study(study, reader="ann").draft == ""


@on_postgresql
def test_a_draft_moves_with_a_joined_study_and_is_erased_with_it(store: Store, judged: Judged, judge: Judge) -> None:
    target = judged(1, StudyInstanceUID="1.2").study
    own = store.receive(png(2), name="2.png", source="ward").study
    for reader, note in (("ann", "of the second"), ("ben", "of the second")):
        store.keep_draft(own, reader, note)
    store.keep_draft(target, "ben", "of the first")
    judge("read", 0.5, StudyInstanceUID="1.2")
    assert store.study(own, reader="ann").draft == "of the second"
    assert store.study(target, reader="ben").draft == "of the first", "what stands there is not overwritten"
    store.erase(study=target, actor="ada")
    with pytest.raises(NotFoundError):
        store.keep_draft(target, "ann", "x")


def test_a_draft_that_no_database_holds_is_refused(store: Store, judged: Judged) -> None:
    study = judged(1).study
    for note in ("\0", "x" * 20_001):
        with pytest.raises(WorklistError, match="The note"):
            store.keep_draft(study, "ann", note)
