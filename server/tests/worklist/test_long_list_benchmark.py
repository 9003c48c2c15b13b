"""The benchmark of long lists, on a short one: its fill leaves every index of the schema; its table is rendered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import long_list
from tests.worklist.conftest import Clock, MakePlace
from tests.worklist.postgresql import binaries
from unseen_server.worklist.tables import metadata


@pytest.mark.nightly
def test_a_filled_list_has_every_index_and_constraint_again(make_place: MakePlace, clock: Clock) -> None:
    with make_place("postgresql").open(clock=clock) as store:
        described = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('studies', 'terms') ORDER BY 1",
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1",
        )

        def schema() -> list[list[tuple[object, ...]]]:
            with store.database.reading() as connection:
                return [[tuple(row) for row in connection.exec_driver_sql(one)] for one in described]

        before = schema()
        assert {index.name for index in metadata.tables["studies"].indexes} <= {str(row[0]) for row in before[0]}
        spent = long_list.fill(store, 8000)
        assert schema() == before
        assert spent["together"] >= spent["indexes"] > 0
        with store.database.reading() as connection:
            count = "SELECT (SELECT count(*) FROM studies), (SELECT count(*) FROM terms)"
            assert tuple(connection.exec_driver_sql(count).one()) == (8000, 8000 + long_list.PROBES)
        found = {name: one(3) for name, one in long_list.pages(store, 8000).items()}
        assert len(found) >= 14 and all(page.rows for page in found.values())  # type: ignore[attr-defined]


@pytest.mark.nightly
def test_the_table_names_every_page(program: Callable[..., str]) -> None:
    assert binaries() or program("initdb")
    figures = long_list.measure(2000, times=4)
    rendered = long_list.table(figures)
    assert [line.split(" | ")[0].removeprefix("| ") for line in rendered.splitlines()[2:-2]] == [*figures["pages_ms"]]
    assert "2,000 studies, 50 rows per page" in rendered and "load average" in rendered
