"""Figures that the thesis and the papers report of the same methods, on their films, beside our rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from studies.detectors.development import ROWS
from studies.detectors.nomination import TESTED
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, table
from studies.pages.thesis_page import REPORTED
from unseen.evaluation.intervals import interval_text as figure

_STUDIES = "comparative studies ¹"
_THESIS = "thesis ²"
_M_S = "Montgomery + Shenzhen"
_ELSEWHERE = {
    "pca": "shipped/pca-0",
    **{name: f"ms_cxr/{name}-64-lungs-0" for name in ("ganomaly", "ganomaly-sure", "roi-sure", "roi-oracle")},
}
"""The rows of what was cross-fitted over the same folds for another page."""


class Published(NamedTuple):
    """AUROCs as printed, the films they are of, and by whom."""

    auroc: str
    films: str
    by: str


PUBLISHED: Mapping[str, Published | None] = {
    "pca": None,
    "dct": None,
    "dae": Published("0.86", "RSNA", _STUDIES),
    "ae-u": Published("0.87; 0.74", "RSNA; VinDr", _STUDIES),
    "ae-ssim": Published("0.81", "RSNA", _STUDIES),
    "anatpaste": Published(
        "0.92; 0.79; 0.82", "ZhangLab; CheXpert; RSNA, the epoch by labelled films", "Sato et al. 2023"
    ),
    "patch-memory": Published("0.76", "RSNA, PatchCore by ImageNet's features", _STUDIES),
    "feature-pca": None,
    "feature-lda": None,
    "padim": None,
    "mahalanobis": None,
    "patchcore": Published("0.76", "RSNA", _STUDIES),
    "ganomaly": Published(
        f"{REPORTED['ganomaly']:.2f}, 0.76; 0.60, 0.62; 0.63", f"{_M_S}; NIH; RSNA", f"{_THESIS}, {_STUDIES}"
    ),
    "ganomaly-sure": None,
    "roi-sure": Published(f"{REPORTED['roi-sure']:.2f}", _M_S, _THESIS),
    "roi-oracle": Published(f"{REPORTED['roi-oracle']:.2f}", _M_S, _THESIS),
    "resunet-ganomaly": Published("0.524; 0.567", "NIH, 64 px; 256 px", _THESIS),
    "f-anogan": Published("0.49; 0.55", "NIH; RSNA", f"{_THESIS}, {_STUDIES}"),
    "f-anogan-dcgan": Published("0.47", "NIH", _THESIS),
    "anogan": Published("0.54; 0.71", "COVIDx; its lungs only", "Motamed et al. 2021"),
    "randgan": Published(
        "0.77", "COVIDx, lungs alone, a model for each labelled kind of normal", "Motamed et al. 2021"
    ),
    "alpha-gan": Published("0.75", "RSNA", "Nakao et al. 2021"),
    "bigan": None,
    "deep-svdd": None,
    "one-class-svm": None,
    "student-teacher": None,
    "ddad": None,
}
"""Published figures for each method, from the sources; None: we know of no published figure for chest X-rays."""


def _trained(rows: Mapping[str, Entry], name: str) -> str:
    """A GAN's training and the mark of a training that had not converged, from the row that is shown."""
    names = (f"{TESTED}{name}-0", _ELSEWHERE.get(name, ""), f"{ROWS}{name}-0")
    row = next((rows[one] for one in names if one in rows), {})
    return f"{budgets.beside(row)}{dagger(row)}"


def beside_published(rows: Mapping[str, Entry]) -> list[str]:
    """Return every method's rows without alignment, and what was published of it."""

    def pooled(*names: str) -> str:
        return next((figure(rows[name]["metrics"]["auroc"]["pooled"]) for name in names if name in rows), "–")

    lines = [
        [
            f"`{name}`{_trained(rows, name)}",
            pooled(f"{TESTED}{name}-0", _ELSEWHERE.get(name, "")),
            pooled(f"{ROWS}{name}-0"),
            *(known or ("–", "–", "–")),
        ]
        for name, known in PUBLISHED.items()
    ]
    return [
        "## Comparison with published figures",
        "Ours: Montgomery + Shenzhen, lung crop of 64 px without alignment, some 270 training normals. Theirs, except "
        "for the thesis's: other films, thousands of normals, no interval, and mostly whole images, where a score can "
        "identify the hospital. The figures are not comparable.",
        table(["Method", "ours, folds 1 to 4", "ours, fold 0", "published", "of", "by"], lines),
        *dagger_note(row for name in PUBLISHED if (row := rows.get(f"{TESTED}{name}-0")) is not None),
        "¹ BMAD (Bao et al. 2023, arXiv 2306.11876) and MedIAnomaly (Cai et al. 2024, arXiv 2404.04518). ² B. Wang's "
        "thesis (2022): the best epoch by the test films themselves; [run again here](results-thesis.md).",
    ]
