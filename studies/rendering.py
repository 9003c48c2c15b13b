"""`docs/results*.md` and the README's table, from the committed rows alone: no number stands there without its
JSON."""

from __future__ import annotations

from pathlib import Path

from studies.detectors.page import detectors_page
from studies.pages.cells import put_between
from studies.pages.results_page import readme_table, results_page
from studies.pages.screening_page import screening_page
from studies.pages.thesis_page import thesis_page
from studies.rows import read_rows
from unseen.artifacts.files import write_text

_BEGIN, _END = "<!-- results:begin -->", "<!-- results:end -->"


def render(rows_folder: Path, *, docs: Path, readme: Path) -> list[Path]:
    """Write the pages and the README's table; returns their paths. Where there are no rows, they say so."""
    rows = read_rows(rows_folder)
    docs.mkdir(parents=True, exist_ok=True)
    page = docs / "results.md"
    write_text(page, results_page(rows))
    put_between(readme, _BEGIN, _END, readme_table(rows))
    thesis = docs / "results-thesis.md"
    write_text(thesis, thesis_page(rows))
    screening = docs / "results-screening.md"
    write_text(screening, screening_page(rows))
    detectors = docs / "results-detectors.md"
    write_text(detectors, detectors_page(rows))
    return [page, thesis, screening, detectors, readme]
