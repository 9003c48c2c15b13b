"""Text cells of CSV files: no spreadsheet takes one for a formula, numbers stay numbers, files read back exactly."""

from __future__ import annotations

import ast
import csv
import io
import re
from pathlib import Path

import polars as pl
import pytest

from unseen.cli.suspect_films import as_csv as suspects_as_csv
from unseen.data import plain_cell, read_manifest, safe_cell, safe_row, safe_table
from unseen.data.listing import Listed, as_csv
from unseen.evaluation.exported_scores import ScoreRow, write_scores
from unseen.runs.suspects import Suspect

ROOT = Path(__file__).parents[2]
FORMULAS = [
    '=HYPERLINK("http://evil.example","ward")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1:A9)", "\t=1", "\r=1", "=", "-",
    "'=1", "''@x", "-1,5", "+49 30 1234", "\n=1", "\n", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "'\uff1d1",
]  # fmt: skip
HARMLESS = ["", "ward", "'tis", "a=b", "1-2", "-0.5", "+3", "-1e-05", "-.5", "-inf", "5", "ward\n=1", " =1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe_and_reads_back(text: str) -> None:
    assert safe_cell(text) == f"'{text}" and plain_cell(safe_cell(text)) == text
    assert safe_row([text, -1.5, None, True]) == [f"'{text}", -1.5, None, True]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_number_or_another_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text == plain_cell(text)


def test_a_table_is_as_safe_as_its_cells() -> None:
    texts = [*FORMULAS, *HARMLESS, None]
    numbers = [-1.5 * number for number in range(len(texts))]
    table = safe_table(pl.DataFrame({"source": texts, "=name": texts, "score": numbers}))
    assert table.columns == ["source", "'=name", "score"]
    assert table["source"].to_list() == [None if text is None else safe_cell(text) for text in texts]
    assert table["score"].to_list() == numbers


def test_negative_scores_stay_numbers_and_file_names_are_no_formula(tmp_path: Path) -> None:
    rows = [
        ScoreRow(file="=1+1.png", status="scored", score=-0.25, reason=None, map=None),
        ScoreRow(file="-a.png", status="not_read", score=None, reason="@reason", map=None),
    ]
    assert write_scores(rows, tmp_path / "scores.csv") == (2, 1)
    first, second = csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text(encoding="utf-8")))
    assert (first["file"], first["score"]) == ("'=1+1.png", "-0.25")
    assert (second["file"], second["reason"]) == ("'-a.png", "'@reason")
    write_scores(rows, tmp_path / "scores.parquet")
    assert pl.read_parquet(tmp_path / "scores.parquet")["file"].to_list() == ["=1+1.png", "-a.png"]


def test_suspects_of_a_training_set_are_no_formula() -> None:
    found = [Suspect(name="=1+1.png", source="@ward", deviations=-2.0, score=-0.5)]
    assert suspects_as_csv(found).splitlines()[1] == "'=1+1.png,'@ward,-2.000,-0.5"


WRITERS = re.compile(r"csv\.(writer|DictWriter)\(|\.write_csv\(")
SAFE = re.compile(r"\bsafe_(cell|row|table)[(,]")


def unsafe_writers(text: str) -> list[str]:
    """Return the functions that write CSV without `safe_cell`, `safe_row` or `safe_table`, by name."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            source = ast.get_source_segment(text, node) or ""
            if WRITERS.search(source) and not SAFE.search(source):
                found.append(node.name)
    outside = "".join(
        ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
    )
    return found + (["module"] if WRITERS.search(outside) else [])


def test_every_writer_of_csv_makes_its_cells_safe() -> None:
    """Each function that writes CSV makes its cells safe, or writes only numbers and own words."""
    numbers_and_words = {
        "src/unseen/training/history.py": ["_lines"],
        "server/src/unseen_server/demo/simulated_sites.py": ["write_sites"],
        "studies/peers/anomalib_scores.py": ["main"],  # read by another environment, not by people
    }
    writers = {
        str(path.relative_to(ROOT)): found
        for folder in ("src", "server/src", "studies")
        for path in (ROOT / folder).rglob("*.py")
        if WRITERS.search(text := path.read_text(encoding="utf-8")) and (found := unsafe_writers(text))
    }
    assert writers == numbers_and_words


def test_one_safe_writer_of_a_module_does_not_excuse_another() -> None:
    text = """
def good(handle):
    csv.writer(handle).writerow(safe_row([1]))

class Table:
    def bad(self, handle):
        csv.writer(handle).writerow([1])

csv.writer(sys.stdout).writerow([1])
"""
    assert unsafe_writers(text) == ["bad", "module"]


def test_a_manifest_that_was_written_here_reads_back_exactly(tmp_path: Path) -> None:
    names = ["-a.png", "=b.png", "@c.png", "d.png"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    rows = [Listed(file=name, label="normal", patient=f"+{number}p") for number, name in enumerate(names)]
    (tmp_path / "manifest.csv").write_text(as_csv(rows, source="=ward"), encoding="utf-8")
    text = (tmp_path / "manifest.csv").read_text(encoding="utf-8")
    assert "'-a.png,normal,'=ward,'+0p" in text
    entries = read_manifest(tmp_path / "manifest.csv")
    assert [(entry.name, entry.source, entry.patient) for entry in entries] == [
        (name, "=ward", f"+{number}p") for number, name in enumerate(names)
    ]
