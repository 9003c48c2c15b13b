"""Converged or not, and the log file."""

from __future__ import annotations

import csv
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen.training.history import EPOCHS, History, Log


def history(values: list[float], *, name: str = "generator") -> History:
    return History(parts={name: values}, steps=len(values), seconds=1.0, device="cpu")


@pytest.mark.parametrize(
    ("before", "last", "converged"),
    [
        (1.0, 1.0, True),
        (1.0, 0.951, True),
        (1.0, 0.949, False),
        (1.0, 2.0, True),  # rising is not falling: it is at rest, if not well
        (-1.0, -1.04, True),  # an unbiased risk may be estimated below zero
        (-1.0, -1.06, False),
        (0.0, 0.0, True),
    ],
)
def test_converged_compares_the_last_tenth_with_the_tenth_before(before: float, last: float, converged: bool) -> None:
    assert history([100.0] * 160 + [before] * 20 + [last] * 20).converged() is converged


def test_converged_takes_means_not_single_steps() -> None:
    noisy = [1.0 + 0.5 * (-1) ** i for i in range(200)]
    assert history(noisy).converged() is True


def test_converged_says_nothing_of_too_few_steps_or_of_no_such_part() -> None:
    assert history([1.0] * 19).converged() is None
    assert history([1.0] * 20).converged() is True
    assert history([1.0] * 100).converged("critic") is None


def test_converged_passes_over_steps_without_the_part() -> None:
    values = [math.nan if i % 5 else 1.0 for i in range(200)]
    assert history(values).converged() is True


@given(st.lists(st.floats(-1e6, 1e6), min_size=20, max_size=60), st.floats(0.01, 100))
def test_converged_does_not_depend_on_the_unit(values: list[float], unit: float) -> None:
    rest = history(values)
    tenth = len(values) // 10
    last, before = (sum(part) / tenth for part in (values[-tenth:], values[-2 * tenth : -tenth]))
    if abs(last - before + 0.05 * abs(before)) < 1e-6 * max(1.0, abs(before)):
        return  # on the edge, rounding decides
    assert rest.converged() is history([unit * value for value in values]).converged()


def test_by_epoch_averages_and_keeps_a_started_epoch() -> None:
    parts = {"d": [1.0, 3.0, 5.0, math.nan, 7.0]}
    assert History(parts=parts, steps=5, seconds=1, device="cpu", steps_per_epoch=2).by_epoch("d") == [2.0, 5.0, 7.0]


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_the_log_holds_a_line_a_step_and_grows_a_column_for_a_late_part(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    kept = History(parts={}, steps=0, seconds=0, device="cpu", steps_per_epoch=2)
    log = Log(kept, path=path)
    log.add({"critic": 1.0}, seconds=0.5)
    log.add({"critic": 2.0, "generator": 0.25}, seconds=1.0)
    log.add({"critic": 3.0}, seconds=1.5)
    expected = [
        ["step", "epoch", "seconds", "critic", "generator"],
        ["1", "1", "0.500", "1", ""],
        ["2", "1", "1.000", "2", "0.25"],
        ["3", "2", "1.500", "3", ""],
    ]
    assert rows(path) == expected, "each line is on the disk before the next step"
    log.close()
    assert kept.parts["critic"] == [1.0, 2.0, 3.0]
    assert math.isnan(kept.parts["generator"][0])


def test_opening_a_log_cuts_what_lies_past_the_history(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,epoch,seconds,d\n1,1,0.1,5\n2,1,0.2,6\n3,1,0.3")
    (tmp_path / ".log.csv.01234567.tmp").touch()
    Log(
        History(parts={"d": [5.0]}, steps=1, seconds=0.1, device="cpu", steps_per_epoch=3, clock_s=[0.1]), path=path
    ).close()
    assert rows(path) == [["step", "epoch", "seconds", "d"], ["1", "1", "0.100", "5"]]
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_path_the_history_alone_is_kept(tmp_path: Path) -> None:
    kept = History(parts={}, steps=0, seconds=0, device="cpu")
    log = Log(kept, path=None)
    log.add({"d": 1.0}, seconds=0.1)
    log.close()
    assert kept.parts == {"d": [1.0]}
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=20)  # each is flushed to the disk
@given(
    st.dictionaries(
        st.sampled_from(["auroc", "cosine", "risk"]),
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3),
        max_size=3,
    )
)
def test_epochs_are_written_and_read_back(validation: dict[str, list[float]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Log(history([1.0, 2.0]), path=folder / "log.csv").close()
        kept = History(parts={}, steps=0, seconds=0, device="cpu", validation=validation)
        kept.write_epochs(folder)
        lines = rows(folder / EPOCHS)
        assert lines[0] == ["epoch", *validation]
        assert [line[0] for line in lines[1:]] == (["1", "2", "3"] if validation else [])
        assert History.from_log(folder / "log.csv").validation == {
            part: pytest.approx(values, rel=1e-8) for part, values in validation.items()
        }


def test_an_epoch_without_a_value_is_an_empty_cell(tmp_path: Path) -> None:
    kept = History(parts={}, steps=0, seconds=0, device="cpu", validation={"a": [1.0, 2.0], "late": [math.nan, 0.5]})
    kept.write_epochs(tmp_path)
    assert rows(tmp_path / EPOCHS) == [["epoch", "a", "late"], ["1", "1", ""], ["2", "2", "0.5"]]
    Log(history([1.0]), path=tmp_path / "log.csv").close()
    late = History.from_log(tmp_path / "log.csv").validation["late"]
    assert math.isnan(late[0]) and late[1] == 0.5


def test_a_log_alone_has_no_epochs(tmp_path: Path) -> None:
    log = Log(History(parts={}, steps=0, seconds=0, device="cpu", steps_per_epoch=2), path=tmp_path / "log.csv")
    for step in range(3):
        log.add({"d": step + 0.5}, seconds=step + 1.0)
    log.close()
    told = History.from_log(tmp_path / "log.csv")
    assert told.validation == {}
    assert (told.parts, told.steps, told.seconds, told.steps_per_epoch) == ({"d": [0.5, 1.5, 2.5]}, 3, 3.0, 2)
    assert told.clock_s == [1.0, 2.0, 3.0]
