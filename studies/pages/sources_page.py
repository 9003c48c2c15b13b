"""`docs/results-sources.md`: figures of the five source documents next to ours, from rows, or "not run"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from studies import recipe_files as recipes
from studies.evidence.screen import rendered
from studies.imaging import budgets as imaging_budgets
from studies.imaging.arms import NAMES
from studies.imaging.gaps import of_arm
from studies.imaging.published import PUBLISHED, budget_of
from studies.imaging.settings import method_of
from studies.imaging.summaries import mean
from studies.pages import budgets
from studies.pages.cells import table
from studies.pages.thesis_page import REPORTED
from studies.priors.page import PAPER, SHOWN, WORDS, generator_budget
from studies.rows import Row
from unseen.evaluation.intervals import interval_text as figure

_THESIS = "thesis (Wang 2022)"
_DUFF = "Duff, Campbell, Ehrhardt"
_NOT_RUN = "not run"
_IMAGING = ("ct", "inpainting", "mri", "mri-x4-20", "low-dose-ct", "poisson-inpainting")  # one recipe a figure
_WITHOUT_ROWS = (
    ("REI, MRI figure", "MRI ×4, σ = 0.01: EI, REI, supervised", "30.84; 30.98; 32.12", "PSNR, magnitudes, dB"),
    (f"{_THESIS}, appendix B.2", "GANomaly with SURE at 64 features", "–", "best AUROC"),
    (f"{_THESIS}, appendix A", "f-AnoGAN, 64 px, NIH: published code; own network", "0.4853; 0.4726", "best AUROC"),
    (
        f"{_THESIS}, appendix A",
        "GANomaly, 256 px, NIH: original; suitable hyperparameters",
        "0.6; 0.6201",
        "best AUROC",
    ),
    (
        f"{_THESIS}, appendix A",
        "GANomaly, 256 px, Montgomery + Shenzhen, original hyperparameters",
        "0.7616",
        "best AUROC",
    ),
    (f"{_THESIS}, appendix A", "U-Net and DCGAN, NIH: 64; 256 px", "0.524; 0.567", "best AUROC"),
    (f"{_THESIS}, figure 5.2", "ROC curve of the best epoch", "curve", "ROC"),
    (f"{_THESIS}, figure 5.3", "losses of generator and discriminator by epoch", "curve", "losses"),
    (f"{_THESIS}, figure 6.2", "low AUROC on NIH", "curve", "AUROC"),
)


def sources_page(rows: Mapping[str, Row]) -> str:
    """The whole page as Markdown."""
    lines = [*_of_imaging(rows), *_of_the_thesis(rows), *_of_priors(rows)]
    lines += [[where, what, value, metric, f"*{_NOT_RUN}*", "–", "–"] for where, what, value, metric in _WITHOUT_ROWS]
    head = [
        "Source",
        "What it shows",
        "source's figure",
        "metric",
        "ours",
        "training: ours next to the source's",
        "page",
    ]
    return (
        "\n\n".join(
            [
                "# Figures of the source documents, one by one",
                "The figures of the source documents, each with ours in the same metric and with the training behind "
                "ours. Source's figures of imaging are of single images, ours are means over test images. *Not run*: "
                "there is no row. The list is not complete: figures that are drawings, curves of the talks and "
                "tables without a value are missing.",
                table(head, lines),
                rendered("python -m studies --render", "studies/results/"),
            ]
        )
        + "\n"
    )


def _of_imaging(rows: Mapping[str, Row]) -> Iterator[list[str]]:
    for short in _IMAGING:
        recipe, source = recipes.load(f"imaging/{short}"), PUBLISHED[short]
        asked = method_of(recipe)
        mine = [row for row in rows.values() if row.get("problem") == recipe.name]
        for arm in asked.arms:
            if arm not in asked.papers:
                continue
            some = of_arm(mine, arm)
            converted = source.converted(asked.papers[arm])
            yield [
                source.where,
                f"{asked.title}: {NAMES[arm]}",
                f"{converted:.2f} dB" + ("" if source.channels == 1 else f" (printed {asked.papers[arm]:.2f})"),
                "PSNR, peak: the truth's maximum, mean over channels"
                + ("; the problem differs: not comparable" if source.explanation else ""),
                f"{mean(some, 'psnr_papers'):.2f} dB{imaging_budgets.dagger(some)}" if some else f"*{_NOT_RUN}*",
                imaging_budgets.spent(some, budget_of(recipe, asked)),
                "[imaging](results-imaging.md#published-figures-and-their-metrics)",
            ]


def _of_the_thesis(rows: Mapping[str, Row]) -> Iterator[list[str]]:
    for method, reported in REPORTED.items():
        row = rows.get(f"thesis/{method}-0")
        done = row is not None and row.get("epochs_done") == row.get("epochs")
        yield [
            f"{_THESIS}, table 5.2",
            f"`{method}`, Montgomery + Shenzhen, 256 px",
            f"{reported:.4f}",
            "best AUROC over the epochs, on the test films",
            figure(row["auroc"]["best_epoch"]) if row is not None and done else f"*{_NOT_RUN}*",
            budgets.spent(row) if row is not None else "–",
            "[thesis](results-thesis.md)",
        ]


def _of_priors(rows: Mapping[str, Row]) -> Iterator[list[str]]:
    mine = [row for row in rows.values() if row.get("problem") == SHOWN and "generator" in row]
    for level, printed in PAPER.items():
        for method, value in printed.items():
            kind = "vae" if method in ("range", "soft", "sparse") else ""
            found = [row for row in mine if (row["level"], row["method"], row["generator"]) == (level, method, kind)]
            yield [
                f"{_DUFF}, fastMRI figure, {level.replace('spokes', 'angles')}",
                f"MRI by radial spokes: {WORDS[method]}",
                f"{value:.2f} dB",
                "PSNR, peak not stated (ours: 1): not comparable in dB",
                f"{figure(found[0]['metrics']['psnr'])} dB, brains" if found else f"*{_NOT_RUN}*",
                generator_budget(mine, kind),
                "[priors](results-priors.md)",
            ]
