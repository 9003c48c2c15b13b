"""Drafts are kept for their author and deleted with the study."""

from __future__ import annotations

import pytest

from tests.worklist.conftest import Judge, Judged, on_postgresql, png
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.store import Store


def test_a_draft_lives_until_the_report_and_comes_back_with_it(store: Store, judged: Judged) -> None:
    study = judged(1).study
    for note in ("left ap", "left apex"):
        store.reports.keep_draft(study, "ann", note)
    assert store.studies.details(study, reader="ann").draft == "left apex"
    assert store.studies.details(study, reader="ben").draft == "" == store.studies.details(study).draft
    store.studies.claim(study, "ann")
    store.studies.release(study, "ann")
    assert store.studies.details(study, reader="ann").draft == "left apex", "a skip keeps it"
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", "normal", "left apex, old")
    assert store.studies.details(study, reader="ann").draft == ""
    store.reports.undo(study, "ann")
    assert store.studies.details(study, reader="ann").draft == "left apex, old"
    store.reports.keep_draft(study, "ann", "")
    assert store.studies.details(study, reader="ann").draft == ""


@on_postgresql
def test_a_draft_moves_with_a_joined_study_and_is_erased_with_it(store: Store, judged: Judged, judge: Judge) -> None:
    target = judged(1, StudyInstanceUID="1.2").study
    own = store.films.receive(png(2), name="2.png", source="ward").study
    for reader, note in (("ann", "of the second"), ("ben", "of the second")):
        store.reports.keep_draft(own, reader, note)
    store.reports.keep_draft(target, "ben", "of the first")
    judge("read", 0.5, StudyInstanceUID="1.2")
    assert store.studies.details(own, reader="ann").draft == "of the second"
    assert store.studies.details(target, reader="ben").draft == "of the first", "what stands there is not overwritten"
    store.removal.erase(study=target, actor="ada")
    with pytest.raises(NotFoundError):
        store.reports.keep_draft(target, "ann", "x")


def test_a_draft_that_no_database_holds_is_refused(store: Store, judged: Judged) -> None:
    study = judged(1).study
    for note in ("\0", "x" * 20_001):
        with pytest.raises(WorklistError, match="The note"):
            store.reports.keep_draft(study, "ann", note)
