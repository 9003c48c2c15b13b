"""`docs/evidence.md`: one figure, conclusions, and a line for each evidence page, from the committed rows alone.

`python -m studies --render` writes it: each line is the answer of that page's own first screen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studies import recipe_files as recipes
from studies.evidence.charts import BLUE, GREEN, ORANGE, ChartRow, Mark, forest
from studies.evidence.detectors import detectors_screen, learnt_from_unlabelled
from studies.evidence.pretrained_models import results_screen
from studies.evidence.references import called, supervised, taught, trained_supervised
from studies.evidence.reliability import reliability_screen
from studies.evidence.repeats import TESTED
from studies.evidence.screen import IMAGES, Screen, bullets, rendered
from studies.evidence.screening import screening_screen
from studies.evidence.speed import bench_screen, history_screen, imaging_speed_screen, list_screen, pacs_screen
from studies.evidence.thesis import thesis_screen
from studies.imaging.page import PREFIX
from studies.imaging.page import screen_of as imaging_of
from studies.lung_finder import rows_in
from studies.lung_finder import screen_of as lungs_of
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc, shortcut, table
from studies.pages.screening_page import PRODUCTS
from studies.pages.thesis_page import REPORTED
from studies.priors.page import screen_of as priors_of
from studies.rows import Row
from unseen.artifacts.files import write_text

PAGE = "evidence"
IMAGE = f"{IMAGES}/{PAGE}.svg"
_BEST = "highest, normal films only: "
COMMAND = "python -m studies --render"
_TITLES = {
    "results": "Pretrained models",
    "results-detectors": "Detectors compared",
    "results-screening": "Clearing normal studies",
    "results-thesis": "The thesis's experiments, run again",
    "results-lungs": "Lung segmentation",
    "results-imaging": "Imaging from measurements alone",
    "results-priors": "Generators as priors",
    "reliability": "Reliability",
    "speed": "Speed of training and scoring",
    "speed-history": "Speed over time",
    "speed-imaging": "Speed of imaging",
    "speed-list": "Speed of the list",
    "speed-pacs": "Speed of the DICOM node",
}

_CONCLUSIONS = {
    "results-detectors": ("Finding abnormal films", (1, 0)),
    "results-screening": ("Clearing normal studies", (0,)),
    "results-imaging": ("Reconstruction without ground truth", (0,)),
    "results-priors": ("Generators as priors", (0, 1)),
    "reliability": ("Reliability", (0,)),
}
"""Pages whose conclusions begin the overview: the heading there, and the places of the sentences in the screen."""


def screens(folder: Path, rows: Mapping[str, Row]) -> list[Screen]:
    """Return the first screen of each page that has rows or figures of a benchmark in `folder`, in the menu's order."""
    found = {one.page: one for one in _screens(folder, rows) if one is not None}
    return [found[page] for page in _TITLES if page in found]


def _screens(folder: Path, rows: Mapping[str, Row]) -> Iterator[Screen | None]:
    yield results_screen(rows)
    yield detectors_screen(rows)
    yield screening_screen(rows, PRODUCTS)
    yield thesis_screen(rows, REPORTED)
    yield lungs_of(rows_in(folder))
    if imaging := [row for name, row in rows.items() if name.startswith("imaging/")]:
        yield imaging_of(imaging, [recipes.load(name) for name in recipes.names() if name.startswith(PREFIX)])
    yield priors_of([row for name, row in rows.items() if name.startswith("priors/")])
    measured = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    if "soak" in measured:
        yield reliability_screen(measured["soak"])
    if "bench" in measured:
        yield bench_screen(measured["bench"])
    history = folder / "bench-history.jsonl"
    if history.is_file():
        lines: list[Any] = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]  # Any: JSON
        yield history_screen(lines)
    if "bench-imaging" in measured:
        yield imaging_speed_screen(measured["bench-imaging"])
    if "worklist-pages" in measured:
        yield list_screen(measured["worklist-pages"], measured.get("reading-large"))
    if "pacs-speed" in measured:
        yield pacs_screen(measured["pacs-speed"])


def drawn(rows: Mapping[str, Row]) -> tuple[str, str, list[Entry]] | None:
    """Return the figure, its alternative text and the rows in it: detectors against the baseline and the supervised
    reference.

    None without a pretrained model's row.
    """
    models = [row for name, row in rows.items() if name.startswith("shipped/") and "metrics" in row]
    if not models:
        return None
    tested = [row for name, row in rows.items() if name.startswith(TESTED) and not learnt_from_unlabelled(row)]
    best = max(tested, key=pooled_auroc, default=None)
    statistic, reference = shortcut(models[0], "pooled", "sharpness"), supervised(rows)
    lines = [(f"{called(row)}{dagger(row)}", row["metrics"]["auroc"]["pooled"], BLUE) for row in models]
    trained = {f"{called(row)}{dagger(row)}": budgets.beside(row) for row in models}
    if best is not None:
        name = str(best["recipe"]).removeprefix(TESTED)
        lines.append((f"{_BEST}{name}{dagger(best)}", best["metrics"]["auroc"]["pooled"], BLUE))
        trained[lines[-1][0]] = budgets.beside(best)
    lines.append(("baseline: sharpness alone", statistic, ORANGE))
    if reference is not None:
        lines.append(("supervised reference", reference["metrics"]["auroc"]["pooled"], GREEN))
        trained[lines[-1][0]] = trained_supervised(reference)
    if (head := taught(rows)) is not None:
        lines.append(("supervised: head on frozen features", head["auroc"]["pooled"], GREEN))
    lines.sort(key=lambda line: -float(line[1]["value"]))
    chart = forest(
        "AUROC of detectors, of the baseline and of the supervised reference",
        [
            ChartRow(name, (Mark(float(entry["value"]), entry["low"], entry["high"], colour),), name.startswith(_BEST))
            for name, entry, colour in lines
        ],
        axis="AUROC, folds 1 to 4 [95 %]",
        span=(0.55, 0.96),
        kinds={"normal films only": BLUE, "no training": ORANGE, "supervised": GREEN},
    )
    alt = "Forest plot of AUROC with intervals: " + ", ".join(
        f"{name}{trained.get(name, '')} {entry['value']:.2f}" for name, entry, _ in lines
    )
    return chart, f"{alt}.", [*models, *([best] if best is not None else [])]


def overview(found: Sequence[Screen], drawing: tuple[str, str, list[Entry]] | None) -> str:
    """Return the whole page as Markdown; `drawing` is what `drawn` gave."""
    by_page = {one.page: one for one in found}
    sentences = [
        f"**{words}.** {' '.join(by_page[page].sentences[place] for place in places)}"
        for page, (words, places) in _CONCLUSIONS.items()
        if page in by_page
    ]
    lines = [
        [answer.question, answer.answer, link, f"`{answer.command}`", answer.date]
        for one in found
        for answer, link in (
            (one.answer, f"[{_TITLES[one.page]}]({one.page}.md)"),
            *((more.answer, f"[{more.title}]({one.page}.md#{more.anchor})") for more in one.sections),
        )
    ]
    shown, notes = [], []
    if drawing is not None:
        shown = [f"![{drawing[1]}]({IMAGE})"]
        notes = dagger_note(drawing[2])
    head = ["Question", "Answer [95 %]", "Page", "Command", "Date"]
    return (
        "\n\n".join(
            [
                "# Evidence: what was measured",
                *shown,
                bullets(sentences) if sentences else "*No row yet: `make results` makes the first ones.*",
                *([table(head, lines)] if lines else []),
                *notes,
                "Each line is the answer of that page's first screen, or of the section that it names. *Command* "
                "measures again and renders the page; *date* is that of the latest row. [Figures of the "
                "source documents](results-sources.md) next to ours, one by one. "
                "[Quality beside deepinv](results-deepinv.md) after equally many steps on five problems.",
                rendered(COMMAND, "studies/results/"),
            ]
        )
        + "\n"
    )


def write_overview(found: Sequence[Screen], rows: Mapping[str, Row], docs: Path) -> Path:
    """Write the page and its figure; returns the page's path."""
    drawing = drawn(rows)
    if drawing is not None:
        (docs / IMAGE).parent.mkdir(parents=True, exist_ok=True)
        write_text(docs / IMAGE, drawing[0])
    page = docs / f"{PAGE}.md"
    write_text(page, overview(found, drawing))
    return page
