"""The pages of the detectors: no conclusion on GANs without the training behind it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from studies import recipe_files as recipes
from studies.attempts.targets import targets_section
from studies.evidence.overview import drawn
from studies.imaging.arms import PROJECTED
from studies.imaging.published import PUBLISHED
from studies.imaging.selection import of_arm
from studies.imaging.settings import method_of, resolved
from studies.imaging.summaries import against, mean
from studies.lung_finder import rows_in
from studies.lung_finder import screen_of as lungs_of
from studies.pages import budgets
from studies.pages.cells import trained_members
from studies.pages.sources_page import sources_page
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_rows

DOCS = ROOT / "docs"
FIRST = "results-detectors"


def test_a_gan_names_its_steps_and_width_next_to_the_sources() -> None:
    rows = committed_rows()
    said = budgets.spent(rows["detectors/folds-1-4/f-anogan-0"])
    assert said.startswith("1,200 steps, 240 of the generator; encoder: 2.4 % of the source's 50,000 steps; 8 of 64")
    assert budgets.spent(rows["ms_cxr/ganomaly-64-lungs-0"]) == (
        "560 steps (70 epochs, the thesis's number); 32 of 64 features; 64 of 256 px"
    )
    assert budgets.spent(rows["shipped/pca-0"]) == "–"


@pytest.mark.parametrize("page", ["results-detectors.md", "evidence.md"])
def test_no_count_of_worse_recipes_without_the_training_of_the_gans_among_them(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    told = [line for line in text.splitlines() if re.search(r"\d+ are significantly worse", line)]
    assert told
    for sentence in told:
        assert "the GANs among them after" in sentence and "features" in sentence, sentence


def test_every_gan_of_the_test_folds_has_its_training_in_its_line() -> None:
    text = (DOCS / "results-detectors.md").read_text(encoding="utf-8").partition("## The test folds")[2]
    lines = [line for line in text.partition("\n## ")[0].splitlines() if re.match(r"\| `(.*gan.*)`", line)]
    assert len(lines) >= 5
    assert all("of 64 features" in line for line in lines)


def test_the_thesis_pages_lines_have_their_training() -> None:
    first = (DOCS / "results-thesis.md").read_text(encoding="utf-8").partition("## ")[0]
    lines = [line for line in first.splitlines() if re.match(r"\| \**`(gan|roi)", line)]
    assert lines and all("70 epochs, the thesis's number" in line and "of 64 features" in line for line in lines)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}.md" for name in ("evidence", "results", FIRST))])
def test_no_detector_is_called_no_better_without_the_training_of_the_gans_among_them(page: str) -> None:
    """On first screens, "no recipe is significantly better" has the GANs' steps and features in its sentence."""
    text = (ROOT / page).read_text(encoding="utf-8")
    first = text if page == "README.md" else text.partition("\n## ")[0]
    sentences = re.findall(r"[^|\n]*", re.sub(r"[.;] (?=[A-Zn])", "\n", first))
    told = [one for one in sentences if re.search(r"no (recipe|model|detector) is significantly (better|above)", one)]
    assert told
    for sentence in told:
        assert "steps" in sentence and "features" in sentence, sentence


@pytest.mark.parametrize("page", sorted(f"{one.stem}" for one in DOCS.glob("results*.md")))
def test_a_first_screen_states_the_training_behind_its_figures(page: str) -> None:
    """Heads on frozen features and the sources' table alone have no training of a network of ours on top."""
    first = (DOCS / f"{page}.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert page == "results-attempts" or re.search(r"\d (training )?(steps|epochs)", first), page


def test_sentences_of_first_screens_mark_what_had_not_converged() -> None:
    """The mark stands in the sentences, not only in the tables, and its note on the same screen."""
    for name, marked in (
        ("results-imaging", "REI with Poisson noise 19.33 dB† against"),
        ("results-thesis", "`roi-oracle`† 0.63"),
        ("results-thesis", "4 detectors of the thesis† reach"),
        ("evidence", "`roi-oracle`† 0.63"),
    ):
        first = (DOCS / f"{name}.md").read_text(encoding="utf-8").partition("\n## ")[0]
        assert marked in first and "\n† Not converged" in first, (name, marked)


def test_a_gan_of_the_screening_page_has_its_mark_and_its_training() -> None:
    """Its cleared shares are the lowest of the first screen: a conclusion on a GAN needs the training behind it."""
    first = (DOCS / "results-screening.md").read_text(encoding="utf-8").partition("\n## ")[0]
    lines = [line for line in first.splitlines() if line.startswith("| `roi-sure")]
    assert lines and all("`roi-sure-64-lungs` (560 steps, 32 of 64 features)†" in line for line in lines)
    assert "† Not converged" in first
    assert (
        "Training of `roi-sure-64-lungs`: 560 steps (70 epochs, the thesis's number); 32 of 64 features; 64 of 256 px."
        in first
    )


def test_the_page_for_users_of_eis_code_has_the_figures_of_the_rows() -> None:
    text = (DOCS / "how-to" / "from-ei.md").read_text(encoding="utf-8").replace(" dB", "")
    for short in ("inpainting", "ct"):
        row = committed_rows()[f"imaging/{short}-ei-0"]
        source = PUBLISHED[short]
        asked = method_of(resolved(recipes.load(f"imaging/{short}")))
        share = f"{100 * int(row['steps']) / source.budget.steps:.2g} %"
        ours = [one for one in committed_rows().values() if one.get("problem") == f"imaging/{short}"]
        value = f"{mean(of_arm(ours, 'ei'), 'psnr_papers'):.2f}"
        assert re.search(rf"{value} .*{source.converted(asked.papers['ei']):.2f}.*{share}", text), short
        assert f"{row['features']} of its {source.budget.features} features" in text
        assert re.search(rf"1 of its .*{source.budget.transforms}", text) and row["settings"]["transforms"] == 1


def test_the_how_to_page_on_reconstruction_has_the_counts_and_the_budget_of_the_rows() -> None:
    """A conclusion on total variation or the unrolled network is that of the results' first screen."""
    text = (DOCS / "how-to" / "reconstruct.md").read_text(encoding="utf-8")
    results = (DOCS / "results-imaging.md").read_text(encoding="utf-8")
    said = re.search(
        r"for ([\d,]+) to ([\d,]+) steps \([\d.]+ % to ([\d.]+) % of .*?\), (\d+) of (\d+) features and 1 of (2 to 5) "
        r"transforms.*? on (\d+) of (\d+) problems, .* on (\d+);",
        results,
    )
    assert said is not None
    fewest, longest, most, features, theirs, transforms, above, of, below = said.groups()
    assert (
        f"after at most {most} % of the sources' training steps, with {features} of their {theirs} features and 1 of "
        f"their {transforms} transforms, learning from measurements is significantly better on {above} of {of} "
        f"problems and significantly worse on {below}" in text
    )
    unrolled = re.search(r"On (\d+) of these problems it was trained once.*significantly better on (\d+) and", results)
    assert unrolled is not None
    budget = f"with {features} of their {theirs} features and 1 of their {transforms} transforms"
    assert f"({fewest} to {longest}, at most {most} % of the sources'), {budget}, it was better" in text
    assert f"on {unrolled.group(2)} of {unrolled.group(1)} problems" in text


def test_the_how_to_page_on_reconstruction_says_of_projection_what_the_rows_show() -> None:
    text = (DOCS / "how-to" / "reconstruct.md").read_text(encoding="utf-8")
    by_problem: dict[str, list[Any]] = {}
    for row in committed_rows().values():
        if str(row.get("problem")).startswith("imaging/"):
            by_problem.setdefault(row["problem"], []).append(row)
    found = {
        (name.removeprefix("imaging/"), plain): gain
        for name, rows in by_problem.items()
        for arm, plain in PROJECTED.items()
        if (gain := against(of_arm(rows, arm), of_arm(rows, plain))) is not None
    }
    toys = ("triangles", "compressed-sensing")
    unrolled = [gain for (name, plain), gain in found.items() if plain == "unrolled" and name not in toys]
    assert len(unrolled) == 7 and all(gain.low > 0 for gain in unrolled)
    assert "significantly better than without on all problems of images on which it was tried" in text
    trained = [row for row in committed_rows().values() if row.get("arm") == "unrolled+project"]
    images = [row for row in trained if not row["problem"].endswith(toys)]
    steps, width = [int(row["steps"]) for row in images], {row["features"] for row in images}
    assert len(images) == 7 and width == {16} and {row["settings"]["transforms"] for row in images} == {1}
    assert f"after {min(steps):,} to {max(steps):,} steps with 16 features and 1 transform" in text
    assert found["multi-inpainting", "multi-operator"].high < 0 and "worse on the inpainting by 40 masks" in text


def test_conclusions_on_detectors_outside_of_rendered_pages_have_their_steps() -> None:
    studies = ("detectors/folds-1-4/", "shipped/", "ms_cxr/")
    rows = [row for name, row in committed_rows().items() if name.startswith(studies) and row.get("steps")]
    steps, widths = max(int(row["steps"]) for row in rows), [row["features"] for row in rows if row["features"]]
    page = (DOCS / "get-started" / "what-a-score-means.md").read_text(encoding="utf-8")
    budget = f"after at most {steps:,} training steps with {min(widths)} to {max(widths)} features"
    assert f"no model from normals alone, {budget} (the GANs' sources have 64), is significantly better" in page
    screener = (DOCS / "results-phantom-screener.md").read_text(encoding="utf-8")
    trained = re.search(r"Trained for ([\d,]+) steps .*? with (\d+ features at \d+ px)", screener)
    assert trained is not None
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    budget = f"After {trained.group(1)} training steps with {trained.group(2)}"
    assert f"{budget}, nodules of moderate contrast are hard to find" in readme


def test_the_figure_of_the_overview_has_the_training_of_each_network_in_words() -> None:
    drawing = drawn(committed_rows())
    assert drawing is not None
    told = drawing[1]
    assert "models/roi-sure† (560 steps, 32 of 64 features) 0.66" in told
    assert "models/ensemble-five (2 trained members: 30 to 200 epochs, 16 features) 0.80" in told
    assert "supervised reference (1,600 steps, 16 features) 0.84" in told


def test_each_network_in_the_table_of_targets_has_its_training() -> None:
    section = "\n".join(targets_section(committed_rows()))
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(lines) >= 8
    for line in lines:
        for found in re.findall(r"`(?:models/|zhanglab/)?(?:dae|anatpaste|ensemble-five|entry)[\w-]*`(?! \()", line):
            raise AssertionError(f"{found} has no training: {line[:200]}")
    assert "\n† Not converged" in section


def test_a_lung_segmentation_model_has_its_training_in_each_conclusion() -> None:
    screen = lungs_of(rows_in(ROOT / "studies" / "results"))
    assert screen is not None
    for text in (*screen.sentences, screen.answer.answer):
        assert "(800 steps; 128 px; 12 features)" in text


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}.md" for name in ("evidence", "results", FIRST))])
def test_no_network_stands_on_a_first_screen_without_its_steps(page: str) -> None:
    """Also those without a generator: a line of a table, and a sentence that calls several of them no better."""
    first = (ROOT / page).read_text(encoding="utf-8").partition("\n## Imaging")[0]
    first = first if page == "README.md" else first.partition("\n## ")[0]
    studied = "detectors/folds-1-4/"
    networks = {name.removeprefix(studied).removesuffix("-0") for name, row in committed_rows().items()
                if name.startswith(studied) and budgets.is_other_network(row)}  # fmt: skip
    assert {"dae", "deep-svdd", "anatpaste-all-aligned"} <= networks
    for line in first.splitlines():
        if (found := re.match(r"\| \**`(?:models/)?([\w-]+)`", line)) is not None and found.group(1) in networks:
            assert re.search(r"\d steps, \d+ features\)", line), line
    for sentence in re.findall(r"no (?:recipe|model|detector) is significantly [^|\n]{0,400}", first, re.IGNORECASE):
        assert re.search(r"other networks after [\d,]+", sentence), sentence


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}.md" for name in ("evidence", "results", FIRST))])
def test_no_ensemble_of_networks_stands_on_a_first_screen_without_its_training(page: str) -> None:
    """Their rows have 0 steps, so that they looked untrained; the AUROC of the README's first answer is one of them."""
    first = (ROOT / page).read_text(encoding="utf-8").partition("\n## Imaging")[0]
    first = first if page == "README.md" else first.partition("\n## ")[0]
    rows = [row for row in committed_rows().values() if trained_members(row)]
    names = {str(row["recipe"]).rpartition("/")[2] for row in rows}
    assert {"ensemble-five", "ensemble-aligned"} <= names and "ensemble-features" not in names
    named = rf"`(?:models/)?(?:{'|'.join(names)}|zhanglab/entry)`"
    said = rf"\| \**{named}|.*{named}.* (?:reaches|has|have|are) .*\d\.\d"
    told = [sentence for line in first.splitlines() for sentence in re.split(r"(?<=\w)[.;:] (?=[A-Z`])", line)
            if re.match(said, sentence)]  # fmt: skip
    for sentence in told:
        assert re.search(r"trained members?: |networks in ensembles after ", sentence), sentence
    if page != "docs/evidence.md":
        assert told
    assert "it is not recorded whether the trainings of their members had converged" in first


def test_the_first_screen_beside_deepinv_has_the_transforms() -> None:
    first = (DOCS / "results-deepinv.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert re.search(r"\*\*Training: .*; 16 of 64 features; 1 of 2 to 5 transforms; images of", first)


def test_lines_of_the_sources_name_their_longest_trainings_and_the_size_that_is_queued() -> None:
    page = (DOCS / "results-sources.md").read_text(encoding="utf-8")
    (ct,) = (line for line in page.splitlines() if "Sparse-view CT, 50 views, noise-free: EI |" in line)
    assert "; longest: 34.28 dB after 50,400 steps, 22 % of the source's 225,000; 32 of 64 features; 1 of 5" in ct
    queued = {name: cost for name, cost in re.findall(r"queued as `(\S+)` at 256 px \(\D+320 px; up to ([\d,]+)", page)}
    gpu = (DOCS / "how-to" / "gpu.md").read_text(encoding="utf-8")
    assert len(queued) == 9
    for name, cost in queued.items():
        (line,) = (line for line in gpu.splitlines() if f"`{name}`" in line and "up to" in line)
        assert f"up to {cost} " in line, (name, line)


def test_the_sources_page_is_rendered_and_converts_colour_figures() -> None:
    page = (DOCS / "results-sources.md").read_text(encoding="utf-8")
    assert page == sources_page(committed_rows()), "Run python -m studies --render"
    assert "31.53 dB (printed 26.76)" in page and "28.25 dB" in page
    assert "*not run*" in page
    assert len([line for line in page.splitlines() if line.startswith("| ")]) > 35


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{one.name}" for one in DOCS.glob("results*.md"))])
def test_each_line_with_a_figure_of_a_gan_has_its_width(page: str) -> None:
    """Also where the table has no column for the training; lines of provenance begin with a recipe's whole name."""
    names = "ganomaly|anogan|roi-sure|roi-oracle|bigan|randgan|alpha-gan"
    lines = [
        line
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
        if re.match(rf"\| [^|/]*`(models/)?[\w-]*({names})[^|]*\|.*\d\.\d\d", line)
    ]
    for line in lines:
        assert re.search(r"\d+ (of 64 )?features", line) and re.search(r"\d+ (steps|epochs)|of 70", line), line[:200]
