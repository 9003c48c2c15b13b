"""Manifests that are damaged, hostile or written by other programs: a right reading or a sentence, in bounded work."""

from __future__ import annotations

import codecs
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from tests.data import making
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.data import child_pipe, parquet_child, parquet_manifest, parquet_tables
from unseen.data.csv_rows import COLUMN_LIMIT, ROW_LIMIT, check_columns, open_table, text_rows
from unseen.data.film import Film, NotRead
from unseen.data.label_names import LabelNames
from unseen.data.manifest import Entry, ManifestError, parse_manifest, stream_manifest
from unseen.data.parquet_limits import ParquetLimits
from unseen.data.parquet_manifest import parquet_rows
from unseen.data.parquet_tables import TableError, TableReader
from unseen.data.reading import films
from unseen.runs.cohort import cohort_of

NAN = float("nan")
AGAIN = "Write it again, with cells of text, numbers or dates; or give a CSV file."


def of(text: str | bytes, names: LabelNames | None = None) -> tuple[Entry, ...]:
    data = text.encode() if isinstance(text, str) else text
    return parse_manifest(data, path=Path("ward/m.csv"), names=names)


def refused(text: str | bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        of(text)
    assert str(caught.value).startswith("ward/m.csv")
    return str(caught.value)


def parquet(folder: Path, table: dict[str, Any], **how: Any) -> Path:
    pl.DataFrame(table).write_parquet(folder / "m.parquet", **how)
    return folder / "m.parquet"


FORKED = pytest.mark.usefixtures("forked_readers")
"""Fork the readers of Parquet files; without this mark, each reader is a new interpreter, as in the program."""

# Parquet files that end their reader


def films_of_300_rows(folder: Path) -> bytes:
    table = {
        "file": [f"f{i}.png" for i in range(300)],
        "label": ["normal", "abnormal", None] * 100,
        "patient": [float(i) for i in range(300)],
    }
    return parquet(folder, table, compression="uncompressed").read_bytes()


DAMAGED_AT = pytest.mark.parametrize(
    "at", [7, *(pytest.param(at, marks=pytest.mark.nightly) for at in (11, 14, 15, 17, 49))]
)


@DAMAGED_AT
def test_a_damaged_page_header_ends_no_process_but_the_readers(tmp_path: Path, at: int) -> None:
    data = bytearray(films_of_300_rows(tmp_path))
    data[at] ^= 1  # sizes and counts of the first page: an odd one is negative
    (tmp_path / "m.parquet").write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        list(stream_manifest(tmp_path / "m.parquet"))
    assert str(caught.value).startswith(f"{tmp_path / 'm.parquet'}: the manifest cannot be read as Parquet (")
    assert str(caught.value).endswith(AGAIN)
    assert not readers()


@FORKED
@pytest.mark.slow
@pytest.mark.parametrize("places", [3, pytest.param(60, marks=pytest.mark.nightly)])
def test_single_changed_bytes_give_rows_or_a_sentence(tmp_path: Path, places: int) -> None:
    data = films_of_300_rows(tmp_path)
    path = tmp_path / "m.parquet"
    for at in range(4, len(data) - 8, len(data) // places):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x81]) + data[at + 1 :])
        try:
            assert len(list(stream_manifest(path))) <= 300
        except ManifestError as error:
            assert str(error).startswith(str(path))
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ManifestError, match="cannot be read as Parquet"):
        list(stream_manifest(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell_mb", "memory_mb"),
    [
        (32, 900),  # more than the limit in one piece
        (16, 200),  # no thread can start
        pytest.param(128, 1100, marks=pytest.mark.nightly),
        *(pytest.param(16, mb, marks=pytest.mark.nightly) for mb in (300, 500, 700, 800)),
    ],
)
def test_a_parquet_file_that_needs_too_much_memory_is_refused_for_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell_mb: int, memory_mb: int
) -> None:
    """The reader aborts, panics, loses rows or waits for ever, as the limit is reached here or there."""
    path = parquet(tmp_path, {"file": ["a" * (cell_mb << 20)]})
    monkeypatch.setattr(child_pipe, "START_S", 20.0)
    limits, words = ParquetLimits(memory_mb=memory_mb, timeout_s=10), f"it needs more than {memory_mb:,} MB of memory"
    with pytest.raises(ManifestError, match=words):
        list(parquet_rows(path, limits=limits))
    with TableReader(limits=limits) as tables, pytest.raises(TableError, match=words):
        tables.read(path)


def test_a_reader_that_ends_for_another_reason_has_not_reached_its_memory(tmp_path: Path) -> None:
    data = bytearray(films_of_300_rows(tmp_path))
    data[7] ^= 1
    (tmp_path / "m.parquet").write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        list(parquet_rows(tmp_path / "m.parquet"))
    assert "MB of memory" not in str(caught.value)


@pytest.fixture(scope="module")
def long_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose reader waits for the pipe before it has sent all rows."""
    path = tmp_path_factory.mktemp("long") / "m.parquet"
    pl.select(file=pl.format("{}.png", pl.int_range(300_000))).write_parquet(path)
    return path


@FORKED
def test_a_reader_that_stops_is_ended_after_its_time(long_table: Path) -> None:
    rows = parquet_rows(long_table, limits=ParquetLimits(timeout_s=1))
    assert next(rows) == ["file"]
    [reader] = readers()
    os.kill(reader, signal.SIGSTOP)
    with pytest.raises(ManifestError, match="took longer than 1 s and was stopped"):
        list(rows)
    assert not readers()


@FORKED
def test_a_reader_that_was_killed_is_named_with_its_signal(long_table: Path) -> None:
    rows = parquet_rows(long_table)
    next(rows)
    os.kill(readers()[0], signal.SIGKILL)
    with pytest.raises(ManifestError, match="ended the reader, signal 9"):
        list(rows)


@FORKED
def test_no_reader_is_left_when_the_rows_are_not_all_taken(long_table: Path) -> None:
    rows = parquet_rows(long_table)
    next(rows)
    assert len(readers()) == 1
    assert isinstance(rows, Iterator)
    rows.close()  # type: ignore[attr-defined]
    assert not readers()


@FORKED
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"file": ["a.png", "b" * (ROW_LIMIT + 1)]}, "row 2 has more than 1,048,576 characters"),
        ({f"c{i}": [1] for i in range(COLUMN_LIMIT + 1)}, "4,097 columns, the limit is 4,096"),
    ],
)
def test_a_parquet_file_with_more_than_a_manifest_needs_is_refused(
    tmp_path: Path, table: dict[str, list[object]], words: str
) -> None:
    with pytest.raises(ManifestError, match=words):
        list(stream_manifest(parquet(tmp_path, table)))


def test_a_message_has_the_field_damaged_where_the_reader_failed(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"file": ["a.png"]})

    def fails(table: pl.LazyFrame) -> pl.LazyFrame:
        raise RuntimeError

    limits = ParquetLimits()
    message = parquet_child._next(parquet_child._messages(str(path), limits, fails, cell=0), limits)
    assert message == {"reason": "it is damaged: RuntimeError", "damaged": True}
    message = parquet_child._next(parquet_child.messages(str(path), ParquetLimits(columns=0)), limits)
    assert message is not None and "columns" in message["reason"] and "damaged" not in message


def test_a_reader_that_fails_at_its_limit_states_the_memory_itself() -> None:
    """A reader that has ended has no peak that its parent could read."""

    def fails() -> Iterator[dict[str, Any]]:
        yield from ()
        raise SystemError

    at_its_limit = ParquetLimits(memory_mb=1)  # this process needs more
    assert parquet_child._next(fails(), at_its_limit) == {"reason": "it needs more than 1 MB of memory"}
    lost_rows = {"reason": "it is damaged: 1 of 2 rows can be read", "damaged": True}
    assert parquet_child._next(iter([lost_rows]), at_its_limit) == {"reason": "it needs more than 1 MB of memory"}


def test_the_memory_of_another_process_with_an_ended_readers_number_is_not_the_readers() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    child.pid = os.getpid()  # as if the number had been given again; this process needs more than 1 MB
    with child_pipe.error_file() as errors:
        assert not child_pipe.needed_more_memory(child, errors, memory_mb=1)


@FORKED
def test_a_small_parquet_file_cannot_give_endless_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parquet_manifest._TEXT_ANYWAY <= 2**26, "64 MB"
    monkeypatch.setattr(parquet_manifest, "_TEXT_ANYWAY", 2**20)
    rows = 8000  # 8 MB of text from a few kB
    path = parquet(tmp_path, {"file": ["a.png"] * rows, "note": ["x" * 1000] * rows})
    assert path.stat().st_size < 5000
    with pytest.raises(ManifestError, match="1,000 times as long as the file"):
        list(parquet_rows(path))


@FORKED
def test_a_table_keeps_its_types_and_loses_no_cell(tmp_path: Path) -> None:
    table = {
        "file": ["a.png", None, ""],
        "score": [0.1 + 0.2, None, NAN],
        "films": [2**62, None, -1],
        "lateral": [True, None, False],
        "reason": [None, None, None],
    }
    path = parquet(tmp_path, table)
    with TableReader() as tables:
        assert tables.read(path).equals(pl.read_parquet(path))
        assert tables.read(path).schema == pl.read_parquet(path).schema
        assert tables.read(path, columns=("score", "file")).columns == ["score", "file"]
        empty = pl.read_parquet(path).clear()
        empty.write_parquet(path)
        assert tables.read(path).equals(empty) and tables.read(path).schema == empty.schema
        assert len(readers()) == 1, "one child reads all"
    assert not readers()


@FORKED
@DAMAGED_AT
def test_a_damaged_table_ends_its_reader_and_the_next_one_is_read(tmp_path: Path, at: int) -> None:
    data = bytearray(films_of_300_rows(tmp_path))
    data[at] ^= 1
    (tmp_path / "damaged.parquet").write_bytes(data)
    with TableReader() as tables:
        with pytest.raises(TableError):
            tables.read(tmp_path / "damaged.parquet")
        assert len(tables.read(tmp_path / "m.parquet")) == 300
        with pytest.raises(FileNotFoundError):
            tables.read(tmp_path / "missing.parquet")


@FORKED
def test_a_reader_that_was_killed_is_started_again(tmp_path: Path) -> None:
    films_of_300_rows(tmp_path)
    with TableReader() as tables:
        tables.read(tmp_path / "m.parquet")
        os.kill(readers()[0], signal.SIGKILL)
        assert len(tables.read(tmp_path / "m.parquet")) == 300


def test_a_reader_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    films_of_300_rows(tmp_path)
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom unseen.data import TableReader\n"
        "tables = TableReader()\ntables.read(Path(sys.argv[1]))\nprint(tables._child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "m.parquet"], capture_output=True, text=True)
    child = int(done.stdout)
    until = time.monotonic() + 20
    while psutil.pid_exists(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not psutil.pid_exists(child)


@FORKED
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"note": ["x" * 1000] * 8000}, "1,000 times as long as the file"),
        pytest.param({"flag": [None] * 900_000}, "1,000 times as long as the file", marks=pytest.mark.nightly),
        ({"file": ["a" * (ROW_LIMIT + 1)]}, "row 1 has more than 1,048,576 characters"),
        ({"files": [["a.png"]]}, r"column `files` is List\(String\), which is not text"),
    ],
)
def test_a_table_that_is_larger_than_its_file_or_of_other_types_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, list[object]], words: str
) -> None:
    monkeypatch.setattr(parquet_tables, "_SIZE_ANYWAY", 2**20)
    with TableReader() as tables, pytest.raises(TableError, match=words):
        tables.read(parquet(tmp_path, table))


def readers() -> list[int]:
    """Return the processes that read Parquet files for this one."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            own = child.cmdline()[1:4] == ["-P", "-m", "unseen.data.parquet_child"]
            if own or child.name() == "parquet_child":  # the second is a fork
                found.append(child.pid)
        except psutil.Error:
            continue
    return found


# Columns and cells that other programs write


@pytest.mark.parametrize("header", ["file,label,patient", " File , Label ,PATIENT", '"file ",LABEL," patient"'])
def test_column_names_with_spaces_or_capitals_keep_labels_and_patients(header: str) -> None:
    [entry] = of(f"{header}\na.png,abnormal,p1\n")
    assert (entry.label, entry.patient, dict(entry.columns)) == ("abnormal", "p1", {})


@FORKED
def test_parquet_columns_with_spaces_or_capitals_keep_labels_and_patients(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"File": ["a.png"], " label": ["abnormal"], "Patient ": ["p1"], "Age": [61]})
    [entry] = stream_manifest(path)
    assert (entry.label, entry.patient, dict(entry.columns)) == ("abnormal", "p1", {"Age": "61"})


def test_cells_with_spaces_are_the_same_patient_study_source_and_label() -> None:
    one, two = of("file, label, patient, study, source\na.png, normal, p1, s1, ward\nb.png,normal,p1,s1,ward\n")
    assert (one.label, one.patient, one.study, one.source) == (two.label, two.patient, two.study, two.source)
    assert (two.label, two.patient, two.study, two.source) == ("normal", "p1", "s1", "ward")


def test_the_column_of_label_names_is_found_with_spaces_and_capitals() -> None:
    names = LabelNames(normal=("No Finding",), abnormal=("*",), column="label")
    assert [entry.label for entry in of("file,Label \na.png,No Finding\nb.png,Mass\n", names)] == ["normal", "abnormal"]


def test_columns_that_are_the_same_but_for_capitals_are_refused() -> None:
    assert "`patient` is there 2 times" in refused("file,patient,Patient\na.png,p1,p2\n")
    assert "`age` is there 2 times" in refused("file,age,age \na.png,1,2\n")


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NA", "N/A", "None", "null", "<NA>", " nan "])
def test_films_without_a_patient_number_are_patients_of_their_own(missing: str) -> None:
    entries = of(f"file,patient,study\na.png,{missing},{missing}\nb.png,{missing},{missing}\n")
    assert [(entry.patient, entry.study) for entry in entries] == [("a.png", "a.png"), ("b.png", "b.png")]


@FORKED
def test_parquet_films_without_a_patient_number_are_patients_of_their_own(tmp_path: Path) -> None:
    table = {"file": ["a.png", "b.png", "c.png"], "patient": [NAN, NAN, 7.0], "age": [61.5, NAN, None]}
    entries = tuple(stream_manifest(parquet(tmp_path, table)))
    assert [entry.patient for entry in entries] == ["a.png", "b.png", "7.0"]
    assert [entry.columns["age"] for entry in entries] == ["61.5", "", ""]


# Encodings and quotes


def test_byte_order_marks_are_read_or_refused_by_name() -> None:
    text = "file,label\nä.png,normal\n"
    [entry] = of(codecs.BOM_UTF8 + text.encode())
    assert (entry.name, entry.label) == ("ä.png", "normal")
    for data in (text.encode("utf-16"), codecs.BOM_UTF16_BE + text.encode("utf-16-be"), text.encode("utf-32")):
        assert "the file is UTF-16, not UTF-8. Save it as CSV in UTF-8." in refused(data)
    assert "line 1: the file holds a zero byte" in refused(text.encode("utf-16-le"))
    assert "line 3: the file is not UTF-8 (byte 0xe4)" in refused(b"file\na.png\n\xe4.png\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('file,note\na.png,one\nb.png,"two\nc.png,three\nd.png,four\n', 3),
        ('file,note\n"a.png,one\nb.png,two\n', 2),
        ('file,note\na.png,"one\nb.png,"two"\n', 2),
        ('file,note\na.png,"' + "x" * 80 + '\n"' + "b.png,two\n" * 20_000, 2),
    ],
)
def test_an_unclosed_quote_is_reported_where_its_row_begins(text: str, line: int) -> None:
    said = refused(text)
    assert f"ward/m.csv, line {line}: not valid CSV" in said
    assert said.endswith(f"Check the quotes on line {line}.")


def test_a_wrong_row_of_several_lines_is_reported_where_it_begins() -> None:
    assert "line 2: the label is 'ill'" in refused('file,note,label\na.png,"two\nlines",ill\n')


# Bounded work


def test_a_csv_without_line_ends_is_refused_and_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    with path.open("wb") as file:
        file.write(b"file,label,")
        file.truncate(2**33)  # 8 GB, none of it on the disk
    with pytest.raises(ManifestError, match="line 1: "):
        list(stream_manifest(path))
    path.write_bytes(b"file\n" + b"a,b," * ROW_LIMIT)
    with pytest.raises(ManifestError, match=r"line 2: a row has more than 1,048,576 characters"):
        films(path)


def test_a_row_over_many_lines_is_bounded_like_a_line() -> None:
    assert "a row has more than" in refused("file\n" + '"a\nb",' * ROW_LIMIT)


class Counted(str):
    """A text that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_check_of_a_header_compares_each_name_a_few_times() -> None:
    header = [Counted(f"c{i}") for i in range(COLUMN_LIMIT)]
    Counted.compared = 0
    check_columns(header, Path("m.csv"))
    assert Counted.compared < 10 * COLUMN_LIMIT
    assert "5,000 columns, the limit is 4,096" in refused(",".join(f"c{i}" for i in range(5000)))


def test_short_rows_under_many_columns_cost_their_own_length() -> None:
    header = ",".join(["file", *(f"c{i}" for i in range(4000))])
    entries = of(header + "\n" + "a.png\n" * 1000)
    assert sum(len(entry.columns) for entry in entries) == 0


class Reads(io.StringIO):
    """A text that counts the characters taken from it."""

    taken = 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        line = super().readline(size)
        self.taken += len(line)
        return line


def test_rows_are_read_when_they_are_asked_for() -> None:
    text = Reads("file\n" + "a.png\n" * 1000)
    rows = text_rows(text, Path("m.csv"))
    for _ in range(11):
        next(rows)
    assert text.taken == len("file\n") + 10 * len("a.png\n")


PEAK = """
import resource, sys
from pathlib import Path
from unseen.data.manifest import stream_manifest
few = sum(1 for _ in stream_manifest(Path(sys.argv[1])))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
many = sum(1 for _ in stream_manifest(Path(sys.argv[2])))
print(few, many, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def check_memory(folder: Path, suffix: str, *, many: int) -> None:
    """Streaming many rows takes no more memory than streaming a thousand."""
    paths = []
    for rows in (1000, many):
        table = pl.select(
            file=pl.format("films/{}.png", pl.int_range(rows)),
            label=pl.lit("normal"),
            patient=pl.int_range(rows) // 2,
        )
        paths.append(folder / f"{rows}.{suffix}")
        table.write_csv(paths[-1]) if suffix == "csv" else table.write_parquet(paths[-1])
    done = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True)
    *counts, grown_kb = map(int, done.stdout.split())
    assert counts == [1000, many]
    assert grown_kb < 30_000


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_hundred_thousand_rows_take_no_more_memory_than_a_thousand(tmp_path: Path, suffix: str) -> None:
    check_memory(tmp_path, suffix, many=100_000)


@pytest.mark.nightly
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_million_rows_take_no_more_memory_than_a_thousand(tmp_path: Path, suffix: str) -> None:
    check_memory(tmp_path, suffix, many=1_000_000)


# Paths


def test_a_path_that_leaves_the_folder_gives_a_film_or_a_reason_and_never_the_files_text(tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    (tmp_path / "film.png").write_bytes(making.image(making.ramp()))
    (tmp_path / "secret.txt").write_text("passphrase")
    (tmp_path / "ward" / "m.csv").write_text(f"file\n../film.png\n../secret.txt\n{tmp_path}/secret.txt\n")
    found = list(films(tmp_path / "ward" / "m.csv"))
    assert [type(one) for one in found] == [Film, NotRead, NotRead]
    assert all("passphrase" not in str(one) for one in found)


def test_a_pipe_in_the_place_of_a_manifest_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    for name in ("m.csv", "m.parquet"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(ManifestError, match="no regular file"):
            films(tmp_path / name)


# Splits and tables of labels are read in the same way


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], dict[str, int]]:
    (tmp_path / "a.png").write_bytes(making.image(making.ramp()))
    (tmp_path / "m.csv").write_text("file,label\na.png,normal\n")
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    recipe = Recipe.from_toml('name = "own"\n[method]\nkey = "pca"\n[data]\nmanifest = "m.csv"\nsplit = "splits.csv"\n')

    def folds(data: bytes) -> dict[str, int]:
        (tmp_path / "splits.csv").write_bytes(data)
        return dict(cohort_of(recipe).fold_of)

    return folds


def test_a_split_with_a_byte_order_mark_is_read(split: Callable[[bytes], dict[str, int]]) -> None:
    assert split(codecs.BOM_UTF8 + b"file, fold\na.png, 3\n") == {"a.png": 3}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("file,fold\na.png,²\n".encode(), "gives no fold to a.png"),
        (b"path,fold\na.png,1\n", "has no column `file`; its columns are path, fold"),
        (b"file,fold\na.png\n", "gives no fold to a.png"),
    ],
)
def test_a_split_without_a_fold_is_refused(split: Callable[[bytes], dict[str, int]], data: bytes, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        split(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("file,fold\na.png,1\n".encode("utf-16"), "UTF-16"),
        (b"file,fold\na.png,1,2\n", "3 cells under 2 columns"),
        (b'file,fold\n"a.png,1\n', "line 2: not valid CSV"),
        (b"file,fold,fold\na.png,1,2\n", "`fold` is there 2 times"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(ManifestError, match=words):
        list(open_table(tmp_path / "t.csv")[1])
