"""The queue: no film to two workers at once, none lost with its worker, and none tried for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from tests.worklist.conftest import Clock, Judge, MakePlace, listed, on_postgresql, png
from unseen_server.worklist import jobs, retry_delay
from unseen_server.worklist.job_queue import Queue
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import jobs as table


@on_postgresql
def test_workers_who_ask_at_once_get_different_films(store: Store) -> None:
    films = {store.films.receive(png(number), name=f"{number}").film_id for number in range(12)}
    with ThreadPoolExecutor(6) as threads:
        claimed = list(threads.map(lambda _: jobs.claim(store.site), range(15)))
    got = [job.film for job in claimed if job is not None]
    assert len(got) == 12 and set(got) == films


def test_films_are_taken_in_the_order_of_their_coming(store: Store) -> None:
    films = [store.films.receive(png(number), name=f"{number}").film_id for number in range(4)]
    assert [job.film for _ in films if (job := jobs.claim(store.site))] == films
    assert jobs.claim(store.site) is None


@on_postgresql
def test_a_film_comes_back_when_its_worker_is_gone(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    first = jobs.claim(store.site, lease_s=60)
    assert first is not None and jobs.claim(store.site) is None
    clock.now += 50
    assert jobs.lengthen(store.site, first, lease_s=60)
    clock.now += 50
    assert jobs.claim(store.site) is None, "the worker lives"
    clock.now += 11
    second = jobs.claim(store.site)
    assert second is not None and (second.film, second.tries) == (first.film, 2)
    assert not jobs.lengthen(store.site, first), "lost to the second"
    jobs.later(store.site, first, "a worker that has lost the film changes nothing")
    assert jobs.lengthen(store.site, second)


def test_a_film_that_failed_waits_longer_each_time(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    waits = []
    for tries in range(1, 5):
        job = jobs.claim(store.site)
        assert job is not None and job.tries == tries
        jobs.later(store.site, job, "it failed")
        began = clock.now
        while jobs.claim(store.site) is None:
            clock.now += 0.5
        waits.append(clock.now - began)
        with store.database.writing() as connection:  # as it was before that claim
            connection.execute(table.update().values(tries=tries, due_us=0))
    assert waits == pytest.approx([retry_delay.wait_s(job.number, tries) for tries in range(1, 5)], abs=1)
    assert waits[3] > waits[1] > 1


def test_the_queue_says_how_much_waits_and_how_long(store: Store, judge: Judge, clock: Clock) -> None:
    assert store.jobs.counts() == Queue(waiting=0, running=0, done=0, dead=0, oldest_s=None)
    for number in range(3):
        store.films.receive(png(number), name=f"{number}")
    judge("read")
    clock.now += 100
    found = store.jobs.counts()
    assert (found.waiting, found.done, found.dead) == (2, 1, 0)
    assert found.oldest_s == pytest.approx(100, abs=1)


def test_a_film_that_is_scored_again_waits_since_then(store: Store, judge: Judge, clock: Clock) -> None:
    """Monitoring reported that films had waited for days, where a lead had some of last week's scored again."""
    receipt = store.films.receive(png(1), name="a")
    judge("not_scored")
    clock.now += 7 * 86_400
    store.jobs.requeue(receipt.study, actor="lea")
    clock.now += 100
    assert store.jobs.counts().oldest_s == pytest.approx(100, abs=1)


def test_on_postgresql_a_claim_does_not_wait_for_a_change(make_place: MakePlace) -> None:
    with make_place("postgresql").open() as store:
        store.films.receive(png(1), name="a")
        with store.writing() as writing:
            writing.log("ann", "a long change", "s")
            with ThreadPoolExecutor(1) as threads:
                assert threads.submit(jobs.claim, store.site).result(timeout=10) is not None


def test_a_result_for_an_erased_film_changes_nothing(store: Store, judge: Judge) -> None:
    receipt = store.films.receive(png(1), name="a")
    job = jobs.claim(store.site)
    assert job is not None
    store.removal.erase(study=receipt.study, actor="lea")
    other = store.films.receive(png(2), name="b")  # SQLite may give it the same number
    with store.database.reading() as connection:
        numbers = connection.execute(sqlalchemy.select(table.c.film_id)).scalars().all()
    assert len(numbers) == 1
    assert judge("read") and listed(store) == [other.study]


def test_an_empty_queue_is_asked_without_a_lock(store: Store) -> None:
    with store.database.writing(), ThreadPoolExecutor(1) as threads:
        assert threads.submit(jobs.claim, store.site).result(timeout=10) is None
