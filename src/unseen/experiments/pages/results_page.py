"""`docs/results*.md` and the README's table, from the committed rows alone: no number stands there without its
JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unseen.artifacts.files import write_text
from unseen.artifacts.limits import LIMITS
from unseen.detectors import METHODS
from unseen.experiments.detectors.page import detectors_page
from unseen.experiments.pages.cells import figure, shortcut, table
from unseen.experiments.pages.screening_page import screening_page
from unseen.experiments.pages.sections import (
    SOURCES,
    aurocs,
    conclusions,
    provenance,
    real_section,
    shipped_section,
    twin_section,
)
from unseen.experiments.pages.thesis_page import thesis_page
from unseen.experiments.rows import Row, read_rows

_BEGIN, _END = "<!-- results:begin -->", "<!-- results:end -->"
_NONE = "*No row yet: `make results` fills this table from `results/*.json`.*"


def render(rows_folder: Path, *, docs: Path, readme: Path) -> list[Path]:
    """Write the pages and the README's table; returns their paths. Where there are no rows, they say so."""
    rows = read_rows(rows_folder)
    docs.mkdir(parents=True, exist_ok=True)
    page = docs / "results.md"
    write_text(page, results_page(rows))
    text = readme.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    write_text(readme, f"{head}{_BEGIN}\n{readme_table(rows)}\n{_END}{tail}")
    thesis = docs / "results-thesis.md"
    write_text(thesis, thesis_page(rows))
    screening = docs / "results-screening.md"
    write_text(screening, screening_page(rows))
    detectors = docs / "results-detectors.md"
    write_text(detectors, detectors_page(rows))
    return [page, thesis, screening, detectors, readme]


def results_page(rows: Mapping[str, Row]) -> str:
    """The whole page as Markdown."""
    real, twins = _by_method(rows, "ms_cxr/"), _by_method(rows, "phantoms/")
    blocks = [
        "# Results",
        f"*Rendered by `make results` from `results/*.json`; every figure is in there. {LIMITS}*",
        *conclusions(real, twins),
    ]
    for px in sorted({row["px"] for row in real}):
        for frame, words in (("lungs", "lung crop, z-scored inside the mask"), ("whole", "whole film, z-scored")):
            some = [row for row in real if row["view"]["frame"] == frame and row["px"] == px]
            if some:
                blocks += real_section(some, words, rows.get(f"ms_cxr/comparison-{px}-{frame}"))
    shipped = _by_method(rows, "shipped/")
    if shipped:
        blocks += shipped_section(shipped, rows.get("shipped/lungs-0"), rows.get("shipped/pca-choice-0"))
    if twins:
        blocks += twin_section(twins)
    blocks += provenance([*real, *shipped, *twins]) if real or twins else [_NONE]
    return "\n\n".join(blocks) + "\n"


def readme_table(rows: Mapping[str, Row]) -> str:
    """One small table: the lung-crop rows on real films, and what needs no detector beside them."""
    lungs = [row for row in _by_method(rows, "ms_cxr/") if row["view"]["frame"] == "lungs"]
    if not lungs:
        return _NONE
    first = lungs[0]  # of the coarsest grid
    some = [row for row in lungs if row["px"] == first["px"]]
    shipped = [
        (f"`models/{row['recipe'].removeprefix('shipped/')}`, which ships", row) for row in _by_method(rows, "shipped/")
    ]
    lines = [
        [words, *aurocs(row), figure(row["metrics"]["adjusted"]["pooled"])]
        for words, row in [*((f"`{row['method']}`", row) for row in some), *shipped]
    ]
    for name, words in (
        ("sharpness", "*sharpness alone (mean absolute Laplacian), nothing learnt*"),
        ("mix", "*mix of trivial statistics, given the labels*"),
    ):
        lines.append([words, *(figure(shortcut(first, source, name)) for source in SOURCES), "–"])
    return (
        table([f"Montgomery + Shenzhen, lung crop, {first['px']} px; AUROC [95 %]", *SOURCES, "adjusted"], lines)
        + f"\n\nSeed {first['seed']}, {first['device']}, {first['date']}; rows: `results/ms_cxr/*.json` and "
        "`results/shipped/*.json`, printed by `make results`. *Adjusted*: after taking out sharpness and lung area."
    )


def _by_method(rows: Mapping[str, Row], prefix: str) -> list[Row]:
    some = [row for name, row in rows.items() if name.startswith(prefix) and "metrics" in row]
    order = {key: place for place, key in enumerate(METHODS.keys())}
    return sorted(some, key=lambda row: (row["px"], order.get(row["method"], len(order)), row["recipe"]))
