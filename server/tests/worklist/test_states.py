"""Transitions of a study's state: the table, and the store under sequences of acts drawn by hypothesis."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.worklist.conftest import Clock, Judge, Place, listed, png
from tests.worklist.postgresql import MEMORY
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.states import (
    DONE,
    SHELVES,
    STANDINGS,
    STATES,
    NotAllowedError,
    State,
    after,
    allowed,
    shelf_of,
    standing_of,
)
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery


def test_every_state_has_one_shelf_and_a_way_out() -> None:
    assert {shelf_of(state) for state in STATES} == set(SHELVES)
    for state in STATES:
        assert {"judge", "reopen"} <= set(allowed(state)), "a film may come at any time"
    for state in set(STATES) - set(DONE):
        assert shelf_of(state) == "to_read", "what waits for somebody is on the list"
        assert "elsewhere" in allowed(state)


def test_a_study_is_cleared_only_when_every_film_of_it_was_judged() -> None:
    for unjudged in range(3):
        assert (standing_of("clear", unjudged=unjudged) == "cleared") == (unjudged == 0)
        assert standing_of("read", unjudged=unjudged) == "to_read"
        assert standing_of("not_scored", unjudged=unjudged) == "not_scored"


def test_what_is_not_allowed_is_a_sentence() -> None:
    for state in STATES:
        for act in {"claim", "release", "report", "undo", "elsewhere"} - set(allowed(state)):
            with pytest.raises(NotAllowedError, match=rf"^A study that is {state.replace('_', ' ')} cannot be .*\."):
                after(state, act, standing="to_read")  # type: ignore[arg-type]
    for state in STATES:
        for standing in STANDINGS:
            for act in allowed(state):
                assert after(state, act, standing=standing) in STATES


def machine(place: Place, judge_with: Any) -> type[RuleBasedStateMachine]:
    """Return a state machine over a real store: a model of three lines a study beside it."""

    class Worklist(RuleBasedStateMachine):
        films = Bundle("films")

        def __init__(self) -> None:
            super().__init__()
            self.clock = Clock()
            self.home = Path(tempfile.mkdtemp(dir=MEMORY))
            source = Path(place.where)
            shutil.copy(source / "worklist.sqlite", self.home)
            self.store = Store.open(self.home, clock=self.clock)
            self.judge: Judge = judge_with(self.store)
            self.state: dict[str, State] = {}
            self.standing: dict[str, State] = {}
            self.holder: dict[str, str] = {}
            self.number = 0

        def teardown(self) -> None:
            assert self.store.audit.verify() is None
            self.store.close()
            shutil.rmtree(self.home)

        @rule(target=films)
        def receive(self) -> str:
            self.number += 1
            study = self.store.films.receive(png(self.number), name="a").study
            self.state[study] = self.standing[study] = "received"
            return study

        @rule(action=st.sampled_from(["clear", "read", "not_scored"]), priority=st.floats(0, 1))
        def score(self, action: Any, priority: float) -> None:
            waiting = [study for study, standing in self.standing.items() if standing == "received"]
            assert self.judge(action, priority) == bool(waiting)
            if waiting:
                self.standing[waiting[0]] = standing_of(action, unjudged=0)
                if self.state[waiting[0]] == "received":
                    self.state[waiting[0]] = self.standing[waiting[0]]

        @rule(study=films, reader=st.sampled_from(["ann", "bob"]))
        def claim(self, study: str, reader: str) -> None:
            free = self.holder.get(study) in (None, reader)
            self.act(study, "claim", free, lambda: self.store.studies.claim(study, reader), holder=reader)

        @rule(study=films, reader=st.sampled_from(["ann", "bob"]))
        def release(self, study: str, reader: str) -> None:
            mine = self.holder.get(study) == reader
            self.act(study, "release", mine, lambda: self.store.studies.release(study, reader))

        @rule(study=films, reader=st.sampled_from(["ann", "bob"]), outcome=st.sampled_from(["normal", "abnormal"]))
        def report(self, study: str, reader: str, outcome: Any) -> None:
            mine = self.holder.get(study) == reader
            self.act(study, "report", mine, lambda: look_and_report(self.store, study, reader, outcome))

        @rule(study=films)
        def undo_as_lead(self, study: str) -> None:
            again = self.state[study] == "reported"
            undo = lambda: self.store.reports.undo(study, "lead", as_lead=True)  # noqa: E731
            self.act(study, "undo", True, undo, holder="lead" if again else None)

        @rule(study=films)
        def lead_takes_back(self, study: str) -> None:
            self.act(study, "release", True, lambda: self.store.studies.release(study, "lead", as_lead=True))

        @rule(study=films)
        def elsewhere(self, study: str) -> None:
            (film,) = self.store.studies.details(study).films
            known = self.state[study] == "reported_elsewhere"
            if known:
                assert self.store.reports.reported_elsewhere(film_sha256=film.sha256) == 0
            else:
                self.act(
                    study, "elsewhere", True, lambda: self.store.reports.reported_elsewhere(film_sha256=film.sha256)
                )

        def act(self, study: str, act: Any, free: bool, do: Any, *, holder: str | None = None) -> None:
            if act in allowed(self.state[study]) and free:
                do()
                self.state[study] = after(self.state[study], act, standing=self.standing[study])
                self.holder.pop(study, None)
                if holder:
                    self.holder[study] = holder
            else:
                with pytest.raises(NotAllowedError):
                    do()

        @invariant()
        def the_store_is_what_the_model_says(self) -> None:
            entries = {entry.study: entry for entry in self.store.studies.page(StudyQuery(tab="all", limit=200)).rows}
            assert {study: entry.state for study, entry in entries.items()} == self.state
            assert {study: entry.claimed_by for study, entry in entries.items() if entry.claimed_by} == self.holder

        @invariant()
        def every_study_is_listed_once(self) -> None:
            assert sorted(study for tab in SHELVES for study in listed(self.store, tab)) == sorted(self.state)

    return Worklist


@pytest.mark.parametrize(
    "steps", [pytest.param((4, 15), id="short"), pytest.param((60, 60), id="long", marks=pytest.mark.nightly)]
)
def test_the_store_follows_the_table_whatever_is_done(make_place: Any, judge_with: Any, steps: tuple[int, int]) -> None:
    examples, count = steps
    run_state_machine_as_test(
        machine(make_place("sqlite"), judge_with),
        settings=settings(max_examples=examples, stateful_step_count=count, deadline=None),
    )
