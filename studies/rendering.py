"""`docs/results*.md`, `docs/evidence.md` and the README's table, from the committed rows alone: no number stands there
without its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from studies.detectors.page import detectors_page
from studies.evidence.detectors import detectors_screen
from studies.evidence.overview import screens, write_overview
from studies.evidence.pretrained_models import results_screen
from studies.evidence.screen import Screen
from studies.evidence.screening import screening_screen
from studies.evidence.thesis import thesis_screen
from studies.pages import readme as readme_texts
from studies.pages.cells import put_between
from studies.pages.results_page import readme_table, results_page
from studies.pages.screening_page import PRODUCTS, screening_page
from studies.pages.sources_page import sources_page
from studies.pages.thesis_page import REPORTED, thesis_page
from studies.row_files import read_rows
from studies.rows import Row
from unseen.artifacts.files import write_text

_MARKERS = "<!-- {0}:begin -->", "<!-- {0}:end -->"
"""Markers in the README around a text from rows: `answer`, `results` and `imaging`."""


def render(rows_folder: Path, *, docs: Path, readme: Path) -> list[Path]:
    """Write the pages with their figures, and the README's table; returns the paths of the texts. Where there are no
    rows, they say so."""
    rows = read_rows(rows_folder)
    docs.mkdir(parents=True, exist_ok=True)
    figures = (
        results_screen(rows), thesis_screen(rows, REPORTED), screening_screen(rows, PRODUCTS), detectors_screen(rows),
    )  # fmt: skip
    for first in figures:
        if first is not None:
            first.write(docs)
    page = docs / "results.md"
    write_text(page, results_page(rows))
    thesis = docs / "results-thesis.md"
    write_text(thesis, thesis_page(rows))
    screening = docs / "results-screening.md"
    write_text(screening, screening_page(rows))
    detectors = docs / "results-detectors.md"
    write_text(detectors, detectors_page(rows))
    sources = docs / "results-sources.md"
    write_text(sources, sources_page(rows))
    found = screens(rows_folder, rows)
    evidence = write_overview(found, rows, docs)
    _write_readme(readme, rows, found)
    return [page, thesis, screening, detectors, sources, evidence, readme]


def _write_readme(readme: Path, rows: Mapping[str, Row], found: Sequence[Screen]) -> None:
    """Put each text from rows between its markers."""
    imaging = next((one for one in found if one.page == "results-imaging"), None)
    texts = {
        "answer": readme_texts.answer(rows),
        "results": readme_table(rows),
        "imaging": readme_texts.imaging(imaging),
    }
    for name, text in texts.items():
        begin, end = (marker.format(name) for marker in _MARKERS)
        put_between(readme, begin, end, text)
