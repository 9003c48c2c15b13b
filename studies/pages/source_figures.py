"""Figures and tables of the five source documents, in their order: what each shows, and its counterpart in the rows.

Published PSNRs of the recipes' `papers` and the priors' table are in `studies.pages.sources_page`; here is the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studies import recipe_files as recipes
from studies.adversarial.arms import NOISE, NOISE_WIDE, PLOTTED, SIGMAS, STUDY, SURE, WIDE_PLOTTED
from studies.adversarial.page import WITHOUT_NOISE, at_chance, at_own_noise
from studies.imaging import budgets as imaging_budgets
from studies.imaging.gaps import of_arm
from studies.imaging.published import EI_INPAINTING, REI_MRI, budget_of
from studies.imaging.settings import method_of
from studies.imaging.summaries import mean
from studies.outlook import page as outlook
from studies.outlook.ambient import ARMS as AMBIENT
from studies.outlook.learning import DISTANCES, NUMBERS
from studies.pages import budgets
from studies.pages.budgets import (
    FEATURES,
    NIH_NORMALS,
    NIH_ORIGINAL_STEPS,
    NIH_STEPS,
    ORIGINAL,
    ORIGINAL_STEPS,
    PX,
    SUITABLE,
)
from studies.pages.cells import dagger, difference_text
from studies.pages.training_cost import Training, cost_text
from studies.priors.page import WORDS, generator_budget
from studies.rows import Row
from unseen.evaluation.intervals import interval_text as figure

Rows = Mapping[str, Row]
EI = "EI (Chen, Tachella, Davies, ICCV 2021)"
SLIDES = "Wang, workshop slides"
TALK = "Davies, talk of 2023"
DUFF = "Duff, Campbell, Ehrhardt"
THESIS = "thesis (Wang 2022)"
NOT_RUN = "not run"
_PSNR = "PSNR, peak: the truth's maximum"
_OTHER_FILMS = "AUROC; other films: not comparable"
_BEST = "best AUROC over the epochs, on the test films"
_ORIGINAL = (
    f"the thesis prints no original hyperparameters: ours are the published code's, {ORIGINAL[0]} epochs in "
    f"batches of {ORIGINAL[1]}"
)
_NIH_ORIGINAL = f"{_BEST}; {_ORIGINAL}, of {NIH_NORMALS:,} films"
_NIH = f"{_BEST}; steps by appendix B.2: {SUITABLE[0]} epochs of {NIH_NORMALS:,} films in batches of {SUITABLE[1]}"
_IMAGING_PAGE = "[imaging](results-imaging.md)"
_THESIS_PAGE = "[thesis](results-thesis.md)"
_DETECTORS_PAGE = "[detectors](results-detectors.md#the-test-folds)"
_PRIORS_PAGE = "[priors](results-priors.md)"


@dataclass(frozen=True)
class Counterpart:
    """Our side of a figure: the value, its training, the page, and its metric where it is not the source's."""

    ours: str
    training: str
    page: str
    metric: str = ""


@dataclass(frozen=True)
class SourceFigure:
    """A figure or table of a source.

    Args:
        where: Document and figure.
        shows: What it shows.
        value: The source's figure; "image" where it has no number.
        metric: Metric of the value.
        counterpart: Our side from the rows; a value of None in it: not run.
    """

    where: str
    shows: str
    value: str
    metric: str
    counterpart: Callable[[Rows], Counterpart]

    def cells(self, rows: Rows) -> list[str]:
        """Return the figure's line of the table."""
        found = self.counterpart(rows)
        metric = f"{self.metric}; ours: {found.metric}" if found.metric else self.metric
        return [self.where, self.shows, self.value, metric, found.ours, found.training, found.page]


def not_run(training: Training, rows: Rows, *queued: str) -> str:
    """Return the cell of a figure without a row: what it would cost, and its entries in the queue for a GPU."""
    entries = ", ".join(f"`{name}`" for name in queued)
    return f"*{NOT_RUN}*, would cost {cost_text(training, rows)}" + (f", queued as {entries}" if queued else "")


def _missing(training: Training, page: str) -> Callable[[Rows], Counterpart]:
    return lambda rows: Counterpart(not_run(training, rows), "–", page)


def whole_of(rows: Rows, problem: str, arm: str) -> list[Row]:
    """Return the row of an arm of a recipe `sources/…` after the source's whole training; none without it."""
    mine = [row for row in rows.values() if row.get("problem") == f"sources/{problem}" and row["arm"] == arm]
    return [row for row in mine if row.get("epoch") == row.get("epochs_of_training", 0)]


def _of_appendix(entry: str, small: str, training: Training) -> Callable[[Rows], Counterpart]:
    """Our side of a figure of appendix A: by the source's training, else by a smaller one of `studies.adversarial`.

    Args:
        entry: Recipe of the queue, `sources/…`.
        small: Row of the smaller training; "": there is none.
        training: The source's.
    """
    thesis = recipes.load(entry).data.column is not None
    queued = f"{entry}{'' if thesis else '-f0'}-0"

    def found(rows: Rows) -> Counterpart:
        whole, less = rows.get(f"{entry}-0"), rows.get(small)
        page = _THESIS_PAGE if less or thesis else _DETECTORS_PAGE
        if whole is not None:
            reached = whole["auroc"]["best_epoch"] if thesis else whole["metrics"]["auroc"]["pooled"]
            metric = "" if thesis else "last epoch, fold 0"
            return Counterpart(f"{figure(reached)}{dagger(whole)}, `{entry}-0`", budgets.spent(whole), page, metric)
        missing = not_run(training, rows, queued)
        if less is None:
            return Counterpart(missing, "–", page)
        told = (
            f"{figure(less['auroc']['best_epoch'])}{dagger(less)} at {less['px']} px and {less['features']} features, "
            f"`{small}`; at the source's size {missing}"
        )
        return Counterpart(told, budgets.spent(less), page)

    return found


def _explained(page: str, what: str = "no measurement: explained or drawn there") -> Callable[[Rows], Counterpart]:
    return lambda _: Counterpart(what, "–", page)


def _imaging(short: str, arm: str) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        recipe = recipes.load(f"imaging/{short}")
        asked = method_of(recipe)
        some = of_arm([row for row in rows.values() if row.get("problem") == recipe.name], arm)
        if not some:
            nearest = Training(f"imaging/{short}-ei-0")
            return Counterpart(not_run(nearest, rows), "–", _IMAGING_PAGE)
        return Counterpart(
            f"{mean(some, 'psnr_papers'):.2f} dB{imaging_budgets.dagger(some)}",
            imaging_budgets.spent(some, budget_of(recipe, asked)),
            _IMAGING_PAGE,
        )

    return found


def _noise_curve(rows: Rows) -> Counterpart:
    said, trained = [], []
    for arm, name in (("ei", "EI"), ("rei", "REI")):
        values = []
        for level in ("00", "05", "10", "15", "20"):
            recipe = recipes.load(f"imaging/mri-x4-{level}")
            some = of_arm([row for row in rows.values() if row.get("problem") == recipe.name], arm)
            if some:
                sigma = method_of(recipe).sigma or 0
                values.append(f"{mean(some, 'psnr_papers'):.2f}{imaging_budgets.dagger(some)} (σ = {sigma:g})")
                trained += [(row, budget_of(recipe, method_of(recipe))) for row in some]
        if values:
            said.append(f"{name}: {', '.join(values)} dB")
    page = "[imaging](results-imaging.md#mri-psnr-by-noise-level)"
    return Counterpart("; ".join(said) or f"*{NOT_RUN}*", imaging_budgets.overall(trained) or "–", page)


def _beyond_the_range(rows: Rows) -> Counterpart:
    said, spent = [], []
    for short, words in (("inpainting", "inpainting"), ("ct", "CT"), ("mri-x2-00", "MRI ×2")):
        recipe = recipes.load(f"imaging/{short}")
        mine = [row for row in rows.values() if row.get("problem") == recipe.name]
        trained, direct = of_arm(mine, "mc"), of_arm(mine, "direct")
        if trained and direct:
            gain = mean(trained, "psnr_papers") - mean(direct, "psnr_papers")
            said.append(f"{words} {gain:+.2f} dB".replace("-", "−") + imaging_budgets.dagger(trained))
            spent.append(f"{words}: {imaging_budgets.spent(trained, budget_of(recipe, method_of(recipe)))}")
    told = f"MC minus A†: {'; '.join(said)}" if said else f"*{NOT_RUN}*"
    return Counterpart(told, "; ".join(spent) or "–", _THEOREMS)


def _shift(training: Training) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        alone, others = (outlook.of(list(rows.values()), "shift", arm) for arm in ("ei-digits", "supervised-shapes"))
        gain = outlook.difference(alone, others)
        if gain is None:
            return Counterpart(not_run(training, rows), "–", _IMAGING_PAGE)
        told = (
            f"inpainting of digits: EI on their measurements {outlook.psnr_cell(alone)} dB, supervised on shapes "
            f"{outlook.psnr_cell(others)} dB: {difference_text(gain)} dB"
        )
        return Counterpart(told, outlook.budget_cell(alone), _OUTLOOK_PAGE)

    return found


def _complexity(training: Training) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        mine = list(rows.values())
        direct, best = (outlook.of(mine, "shift", arm) for arm in ("direct", "supervised-digits"))
        counts = [(number, outlook.of(mine, "samples", f"ei-{number}")) for number in NUMBERS]
        counts.append((600, outlook.of(mine, "shift", "ei-digits")))
        known = [(number, some) for number, some in counts if some]
        if not (known and direct and best):
            return Counterpart(not_run(training, rows), "–", _IMAGING_PAGE)
        shares = "; ".join(f"{number}: {outlook.gap_cell(some, direct, best)}" for number, some in known)
        told = f"share of the gap by measurements of digits, EI: {shares}"
        return Counterpart(told, outlook.budget_cell(known[-1][1]), _OUTLOOK_PAGE)

    return found


def _dimension(training: Training) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        arms = [(one, outlook.of(list(rows.values()), "dimension", f"ei-{one:g}")) for one in DISTANCES]
        known = [(distance, some) for distance, some in arms if some]
        if not known:
            return Counterpart(not_run(training, rows), "–", _IMAGING_PAGE)
        told = "; ".join(f"{100 * distance:g} % outside: {outlook.psnr_cell(some)}" for distance, some in known)
        return Counterpart(f"EI of waves, by distance from their set: {told} dB", outlook.budget_cell(known[0][1]),
                           _OUTLOOK_PAGE)  # fmt: skip

    return found


def _ambient(training: Training) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        arms = {arm: outlook.of(list(rows.values()), "ambient", arm) for arm in AMBIENT}
        known = {arm: some[0] for arm, some in arms.items() if some}
        if "many-masks" not in known:
            return Counterpart(not_run(training, rows), "–", _PRIORS_PAGE)
        told = "; ".join(f"{AMBIENT[arm]}: {figure(row['distribution']['mmd']['squared'])}"
                         for arm, row in known.items())  # fmt: skip
        row = known["many-masks"]
        spent = (
            f"{row['steps']:,} steps, {row['generator_steps']:,} of the generator; {row['features']} features; the "
            "source's steps are not known to us"
        )
        told = f"MMD² of digits, by what the critic compares: {told}"
        if max(row["distribution"]["recall"]["value"] for row in known.values()) < outlook.LEAST_RECALL:
            told += "; no GAN had converged, so that their order is open"
        return Counterpart(told, spent, _OUTLOOK_PRIORS_PAGE)

    return found


def _vae_against_gan(training: Training, shown: tuple[str, ...]) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        said, spent = [], ""
        for images in shown:
            for kind, name in (("vae", "VAE"), ("wgan-gp", "GAN")):
                for row in outlook.of(list(rows.values()), "generators", f"{images}-{kind}"):
                    answers = row["answers"]
                    made = answers["distribution"]["samples"]
                    said.append(
                        f"{name} of {images}: error of the nearest image in its range "
                        f"{figure(answers['feasible']['relative_error'])}, precision {figure(made['precision'])}, "
                        f"recall {figure(made['recall'])}, change of the image by a step of the latent (median) "
                        f"{figure(answers['smoothness']['slope']['0.5'])}"
                    )
                    spent = (
                        f"{row['settings']['epochs']} epochs of {row['settings']['limit']:,} images ({name}); "
                        f"{row['features']} features; the source's epochs are not known to us"
                    )
        if not said:
            return Counterpart(not_run(training, rows), "–", _GENERATOR_PAGE)
        return Counterpart("; ".join(said), spent, _OUTLOOK_PRIORS_PAGE)

    return found


def _codes(rows: Rows) -> Counterpart:
    said, spent = [], ""
    for images in ("digits", "shapes"):
        for row in outlook.of(list(rows.values()), "generators", f"{images}-vae"):
            mmd = row["answers"]["latents"]["mmd"]
            said.append(f"VAE of {images} {figure(mmd['squared'])}, by chance {mmd['chance']:.3f}")
            settings = row["settings"]
            spent = f"{settings['epochs']} epochs of {settings['limit']:,} images; {row['features']} features"
    if not said:
        return Counterpart(not_run(_vae_and_gan("mnist", "digits"), rows), "–", _GENERATOR_PAGE)
    return Counterpart(f"{'; '.join(said)}; a GAN has no codes", spent, _OUTLOOK_PRIORS_PAGE)


def _detector(short: str) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        row = rows.get(f"detectors/folds-1-4/{short}-0")
        if row is None:
            return Counterpart(not_run(Training(f"detectors/fold-0/{short}-0"), rows), "–", _DETECTORS_PAGE)
        value = f"{figure(row['metrics']['auroc']['pooled'])}{dagger(row)}, `{short}`, Montgomery + Shenzhen, lungs"
        return Counterpart(value, budgets.spent(row), _DETECTORS_PAGE)

    return found


def _prior(problem: str, level: str, page: str) -> Callable[[Rows], Counterpart]:
    def found(rows: Rows) -> Counterpart:
        mine = [row for row in rows.values() if row.get("problem") == problem and "generator" in row]
        some = [
            f"{WORDS[method]} {figure(row['metrics']['psnr'])}"
            for method, kind in (("direct", ""), ("tv", ""), ("range", "vae"), ("soft", "vae"), ("sparse", "vae"))
            for row in mine
            if (row["level"], row["method"], row["generator"]) == (level, method, kind)
        ]
        told = f"{'; '.join(some)} dB, {level}" if some else f"*{NOT_RUN}*"
        return Counterpart(told, generator_budget(mine, "vae"), page)

    return found


def _with_sure(rows: Rows) -> Counterpart:
    row = rows.get("thesis/ganomaly-sure-0")
    training = Training("thesis/ganomaly-sure-16-0", features=FEATURES)
    if row is not None and row.get("epochs_done") == row.get("epochs"):
        return Counterpart(figure(row["auroc"]["best_epoch"]) + dagger(row), budgets.spent(row), _THESIS_PAGE)
    narrow = rows.get(training.nearest)
    told = "" if narrow is None else f"at 16 features {figure(narrow['auroc']['best_epoch'])}{dagger(narrow)}; at 64 "
    missing = not_run(training, rows, "thesis/ganomaly-sure-0")
    return Counterpart(told + missing, "–" if narrow is None else budgets.spent(narrow), _THESIS_PAGE)


def _best_epoch(rows: Rows) -> Counterpart:
    row = rows.get("thesis/ganomaly-0")
    if row is None:
        return Counterpart(not_run(Training("thesis/ganomaly-16-0", features=FEATURES), rows), "–", _THESIS_PAGE)
    return Counterpart(f"epoch {row['chosen']['epoch']}{dagger(row)}", budgets.spent(row), _THESIS_PAGE)


def _sure_in_encoder(rows: Rows) -> Counterpart:
    training = Training(WITHOUT_NOISE, NIH_STEPS, features=FEATURES, runs=2 * len(_LEVELS))
    missing = not_run(training, rows, *(f"{STUDY}/{NOISE_WIDE}-{sigma:g}-0" for sigma in _LEVELS))
    wide, narrow = _under_noise(rows, NOISE_WIDE), _under_noise(rows, NOISE)
    some = wide if any(f"{STUDY}/{NOISE_WIDE}-{SURE}-" in name for name in wide) else narrow
    said, spent = [], ""
    for sigma in _LEVELS:
        row = next((row for name, row in some.items() if f"-{SURE}-{sigma:g}-" in name), None)
        if row is not None:
            gain = at_own_noise(row)["minus_plain"]
            said.append(f"σ = {sigma:g}: {figure(gain, sign=True)}{dagger(row)}")
            spent = f"{budgets.spent(row)}; {row['px']} px"
    if not said:
        page = "[SURE under noise](results-thesis.md#does-sure-make-the-detector-robust-to-noise)"
        return Counterpart(missing, "–", page)
    told = f"AUROC of f-AnoGAN with SURE in the encoder, less that without it, {'; '.join(said)}"
    chance = at_chance(list(some.values()))
    told = f"{told}; {chance}: the question is open" if chance else told
    if some is narrow:
        told += f"; with the thesis's width, pixels and steps on NIH {missing}"
    return Counterpart(told, spent, _THESIS_PAGE)


def _under_noise(rows: Rows, question: str) -> dict[str, Row]:
    """Return the rows of f-AnoGAN under noise with one budget, seed 0."""
    prefix = f"{STUDY}/{question}-f-anogan-"
    return {name: row for name, row in rows.items() if name.startswith(prefix) and name.endswith("-0")}


def _at_the_source_size(rows: Rows) -> str:
    """Return what the curves of figures 5.2 and 5.3 at the thesis's size would cost."""
    return f"; at the source's size {not_run(Training('thesis/roi-sure-0'), rows, WIDE_PLOTTED)}"


def _drawn(rows: Rows) -> Row | None:
    """Return the row whose curves are drawn on the thesis's page."""
    return rows.get(WIDE_PLOTTED, rows.get(PLOTTED))


def _roc(rows: Rows) -> Counterpart:
    row = _drawn(rows)
    if row is None:
        return Counterpart(not_run(Training("thesis/roi-sure-0"), rows, WIDE_PLOTTED), "–", _THESIS_PAGE)
    reached = f"{figure(row['auroc']['best_epoch'])}{dagger(row)}"
    told = f"drawn there at {row['px']} px and {row['features']} features: AUROC {reached}"
    missing = "" if WIDE_PLOTTED in rows else _at_the_source_size(rows)
    return Counterpart(told + missing, budgets.spent(row), _THESIS_PAGE)


def _losses(rows: Rows) -> Counterpart:
    drawn = _drawn(rows)
    if drawn is not None:
        sides = {"generator": drawn["curve"], "discriminator": drawn["discriminator"]}
        told = "; ".join(
            f"{side}: {curve[0]:.2f} in epoch 1, {min(curve):.2f} at the least, {curve[-1]:.2f} in epoch {len(curve)}"
            for side, curve in sides.items()
        )
        missing = "" if WIDE_PLOTTED in rows else _at_the_source_size(rows)
        return Counterpart(
            f"drawn there at {drawn['px']} px{dagger(drawn)}: {told}{missing}", budgets.spent(drawn), _THESIS_PAGE
        )
    row = rows.get("thesis/roi-sure-0")
    if row is None:
        return Counterpart(not_run(Training("thesis/roi-sure-16-0", features=FEATURES), rows), "–", _THESIS_PAGE)
    curve = row["curve"]
    told = (
        f"generator: {curve[0]:.1f} in epoch 1, {min(curve):.1f} at the least, {curve[-1]:.1f} in epoch {len(curve)} "
        f"(`curve` of `thesis/roi-sure-0`){dagger(row)}; the discriminator's losses are not kept: "
    )
    missing = not_run(Training("thesis/roi-sure-0"), rows, WIDE_PLOTTED)
    return Counterpart(told + missing, budgets.spent(row), _THESIS_PAGE)


def _split(rows: Rows) -> Counterpart:
    row = rows.get("thesis/ganomaly-0")
    if row is None:
        return Counterpart(f"*{NOT_RUN}*", "–", _THESIS_PAGE)
    n = row["n"]
    told = f"{n['normal']} normal and {n['abnormal']} abnormal films tested, our own draw: {row['protocol']}"
    return Counterpart(told, "–", _THESIS_PAGE)


def _nih_films(rows: Rows) -> Counterpart:
    row = rows.get(f"{STUDY}/nih-ganomaly-suitable-0")
    if row is None:
        return Counterpart(f"*{NOT_RUN}*", "–", _THESIS_PAGE)
    n = row["n"]
    told = (
        f"{n['trained']} normal films of `nih_cxr8` trained on; {n['normal']} normal and {n['abnormal']} abnormal "
        "tested, by patient"
    )
    return Counterpart(told, "–", _THESIS_PAGE)


def _screening(rows: Rows) -> Counterpart:
    page = "[screening](results-screening.md)"
    known = "screening/hospitals-0" in rows
    return Counterpart("share cleared at a bounded miss rate" if known else f"*{NOT_RUN}*", "–", page)


def _vae_and_gan(images: str, nearest: str) -> Training:
    """A VAE and a GAN of one set of images, at the rate of the VAE and with the epochs of the GAN's recipe."""
    epochs = int(str(recipes.load(f"priors/{images}-wgan-gp").training["epochs"]))
    return Training(f"priors/{nearest}-tomography-5-views-range-vae-0", epochs, "epochs", runs=2)


_FIVE_SIZES = Training("imaging/inpainting-ei-0", EI_INPAINTING.steps, features=64, px=256, transforms=3, runs=5)
_OUTLOOK_PAGE = "[imaging](results-imaging.md#questions-of-the-talks-outlook)"
_OUTLOOK_PRIORS_PAGE = "[priors](results-priors.md#measured-by-several-operators-and-vae-against-gan)"
_GENERATOR_PAGE = "[a generator's study](how-to/generator-studies.md)"
_SURE_PAGE = "[theory of SURE](theory/sure.md)"
_GAN_PAGE = "[theory of GANs](theory/gan.md)"
_THEOREMS = "[theory](theory/identifiability.md)"


_LEVELS = tuple(sigma for sigma in SIGMAS if sigma > 0)


def _nearly_clean(arm: str) -> Callable[[Rows], Counterpart]:
    """Our side of MRI ×4 with σ = 0.01: the source's whole training from the queue, or what it would cost."""
    transforms = None if arm == "supervised" else REI_MRI.transforms
    training = Training(f"imaging/mri-x4-05-{arm}-0", REI_MRI.steps, px=320, features=64, transforms=transforms)

    def found(rows: Rows) -> Counterpart:
        some = whole_of(rows, "mri-x4-01", arm)
        if not some:
            return Counterpart(not_run(training, rows, f"sources/mri-x4-01-{arm}-0"), "–", _IMAGING_PAGE)
        reached = f"{mean(some, 'psnr_papers'):.2f} dB{imaging_budgets.dagger(some)}"
        return Counterpart(reached, imaging_budgets.spent(some, REI_MRI), _IMAGING_PAGE)

    return found


FIGURES: tuple[SourceFigure, ...] = (
    SourceFigure(f"{EI}, figure 2, left", "1-D inpainting without invariance: consistency alone", "image", _PSNR,
                 _imaging("triangles", "mc")),
    SourceFigure(f"{EI}, figure 2, right", "1-D inpainting, shift-invariant signals: EI", "image", _PSNR,
                 _imaging("triangles", "ei")),
    SourceFigure(f"{EI}, toy example", "Compressed sensing of a toy: EI", "no value", _PSNR,
                 _imaging("compressed-sensing", "ei")),
    SourceFigure(f"{EI}, key observations", "Equivariance of f∘A, and the algorithm", "text", "–",
                 _explained("[theory](theory/learning-from-measurements.md)")),
    *(SourceFigure(f"{SLIDES}, MRI figure of REI", f"MRI ×4, σ = 0.01: {name}", value, "PSNR, magnitudes, dB",
                   _nearly_clean(arm))
      for arm, name, value in (("ei", "EI", "30.84"), ("rei", "REI", "30.98"), ("supervised", "supervised", "32.12"))),
    SourceFigure(f"{SLIDES}, figures on inverse problems", "Drawings: inverse problem, MRI, supervised learning, EI, "
                 "REI", "drawing", "–", _explained("[theory](theory/one-equation.md)")),
    SourceFigure(f"{SLIDES}, figures on anomaly detection", "Radiologists' work, definition, aided diagnosis, history "
                 "of GANs", "drawing", "–", _explained("[theory of detectors](theory/detectors.md)")),
    SourceFigure(f"{SLIDES}, proof of SURE", "SURE is unbiased; divergence by one probe", "proof", "–",
                 _explained(_SURE_PAGE, "proof there; tests compare the estimate with the error")),
    SourceFigure(f"{SLIDES}, figures of DCGAN, WGAN, WGAN-GP", "Structures, minimum of the game, algorithm", "drawing",
                 "–", _explained(_GAN_PAGE)),
    SourceFigure(f"{SLIDES}, structure of DCGAN", "f-AnoGAN with DCGAN's networks", "drawing", "AUROC",
                 _detector("f-anogan-dcgan")),
    SourceFigure(f"{SLIDES}, structure of BiGAN and ALI", "BiGAN as a detector", "drawing", "AUROC",
                 _detector("bigan")),
    SourceFigure(f"{SLIDES}, example of f-AnoGAN", "f-AnoGAN as a detector", "image", "AUROC", _detector("f-anogan")),
    SourceFigure(f"{SLIDES}, example of αGAN", "αGAN as a detector", "image", "AUROC", _detector("alpha-gan")),
    SourceFigure(f"{SLIDES}, table of RANDGAN", "AnoGAN, COVIDx, whole films, balanced", "0.54", _OTHER_FILMS,
                 _missing(Training("detectors/fold-0/anogan-0", features=64), _DETECTORS_PAGE)),
    SourceFigure(f"{SLIDES}, table of RANDGAN", "AnoGAN, COVIDx, segmented lungs, balanced", "0.71", _OTHER_FILMS,
                 _detector("anogan")),
    SourceFigure(f"{SLIDES}, table of RANDGAN", "RANDGAN, COVIDx, segmented lungs, balanced; not balanced",
                 "0.77; 0.76", _OTHER_FILMS, _detector("randgan")),
    SourceFigure(f"{SLIDES}, evaluation figure", "Residual image and distribution of scores", "image", "–",
                 _explained("[the viewer](how-to/read.md#the-film)", "shown for each film")),
    SourceFigure(f"{SLIDES}, question", "May SURE make f-AnoGAN's encoder robust to noise?", "question", "AUROC under "
                 "added noise", _sure_in_encoder),
    SourceFigure(f"{TALK}, figures on imaging", "Examples: MRI, CT, inpainting, single pixel, a black hole, cryo-EM",
                 "image", "–", _explained("[operators](how-to/operators.md)")),
    SourceFigure(f"{TALK}, fastMRI figure", "MRI ×8, knees: TV; deep network", "28.2; 34.5", "PSNR, dB; peak not "
                 "stated", _missing(Training("imaging/mri-supervised-0", REI_MRI.steps, px=320, features=64),
                                    _IMAGING_PAGE)),
    SourceFigure(f"{TALK}, result on the null space", "Consistency alone does not leave the range of A†", "proof",
                 _PSNR, _beyond_the_range),
    SourceFigure(f"{TALK}, multiple operators", "Learning from 40 masks: MRI", "no value", _PSNR,
                 _imaging("multi-mri", "multi-operator")),
    SourceFigure(f"{TALK}, multiple operators", "Learning from 40 masks: inpainting", "no value", _PSNR,
                 _imaging("multi-inpainting", "multi-operator")),
    SourceFigure(f"{TALK}, AmbientGAN", "A GAN from measurements by several operators", "no value", "MMD²",
                 _ambient(Training("priors/brain-mri-10-spokes-range-wgan-gp-0", unit="epochs"))),
    SourceFigure(f"{TALK}, figures of the toy with n = 3, m = 2", "Permutations make the hidden coordinate "
                 "identifiable", "drawing", "least eigenvalue",
                 _explained(_THEOREMS, "the same toy is a test of `identify`: 2/3 with permutations")),
    SourceFigure(f"{TALK}, theorems", "Least number of measurements: necessary, sufficient",
                 "m ≥ max cⱼ/sⱼ; m > k + n/∣G∣ (several operators); m > 2k + max cⱼ + 1",
                 "measurements", _explained(_THEOREMS, "figure against the dimension of a toy model")),
    SourceFigure(f"{TALK}, consequences", "Verdicts for MRI, CT, inpainting", "table", "verdict",
                 _explained("[verdicts](theory/identifiability.md#the-verdicts)", "verdict for each pair, tested")),
    SourceFigure(f"{TALK}, figures of the algorithm", "Losses of EI and REI, pseudocode, network", "drawing", "–",
                 _explained("[theory](theory/learning-from-measurements.md)")),
    SourceFigure(f"{TALK}, MNIST figure", "Inpainting of digits: EI", "image", _PSNR,
                 _imaging("digits-inpainting", "ei")),
    *(SourceFigure(f"{TALK}, MRI figure", f"MRI ×2, noise-free: {name}", "image", _PSNR, _imaging("mri-x2-00", arm))
      for arm, name in (("direct", "A†"), ("mc", "MC"), ("ei", "EI"), ("supervised", "supervised"))),
    SourceFigure(f"{TALK}, MRI figure under noise", "MRI ×4: PSNR against σ", "curve", _PSNR, _noise_curve),
    *(SourceFigure(f"{TALK}, low-dose CT figure", f"Low-dose CT, 50 views, mixed noise: {name}", "image", _PSNR,
                   _imaging("low-dose-ct", arm))
      for arm, name in (("direct", "A†"), ("ei", "EI"), ("rei", "REI"), ("supervised", "supervised"))),
    *(SourceFigure(f"{TALK}, single-pixel figure", f"Single-pixel camera: {name}", "image", _PSNR,
                   _imaging("single-pixel", arm))
      for arm, name in (("direct", "A†"), ("ei", "EI"), ("supervised", "supervised"))),
    SourceFigure(f"{TALK}, distribution shift", "Measurements alone against a supervised network of another set",
                 "no value", _PSNR, _shift(Training("imaging/single-pixel-supervised-0"))),
    SourceFigure(f"{TALK}, outlook", "Sample complexity: share of the gap at five numbers of measurements", "no value",
                 "share of the gap", _complexity(_FIVE_SIZES)),
    *(SourceFigure(f"{TALK}, outlook", f"Semi-group actions: {name} by scale equivariance", "no value", _PSNR,
                   _imaging(short, "scales"))
      for short, name in (("super-resolution", "super-resolution"), ("deblurring", "deblurring"))),
    SourceFigure(f"{TALK}, outlook", "Nonlinear inverse problems", "no value", _PSNR, _imaging("low-dose-ct", "rei")),
    SourceFigure(f"{TALK}, outlook", "Other self-supervised methods; the new library (deepinv)", "text", "–",
                 _explained("[deepinv](results-deepinv.md)", "the same losses and operators of deepinv beside ours")),
    SourceFigure(f"{TALK}, outlook", "Models of approximately low dimension", "no value", _PSNR,
                 _dimension(Training("imaging/compressed-sensing-ei-0", runs=5))),
    SourceFigure(f"{DUFF}, MNIST tomography figure", "Digits, few views: range of a VAE", "image", "PSNR, peak: 1",
                 _prior("digits-tomography", "5 views", _PRIORS_PAGE)),
    SourceFigure(f"{DUFF}, method comparison", "Methods by number of measurements", "image", "PSNR, peak: 1",
                 _prior("brain-mri", "20 spokes", "[priors](results-priors.md#psnr-against-number-of-measurements)")),
    *(SourceFigure(f"{DUFF}, {name}", "VAE against GAN: feasible and infeasible images, smoothness", shown,
                   "by question", _vae_against_gan(_vae_and_gan(images, asked[0]), asked))
      for name, shown, images, asked in (("comparison on MNIST", "image", "mnist", ("digits",)),
                                         ("comparison on squares and circles", "image", "shapes", ("shapes",)),
                                         ("table VAE against GAN", "table", "mnist", ("digits", "shapes")))),
    SourceFigure(f"{DUFF}, table VAE against GAN", "Known latent space distribution", "only the prior is known", "MMD² "
                 "of codes against the prior", _codes),
    SourceFigure(f"{DUFF}, figures of VAE and GAN", "Structures and objectives", "drawing", "–",
                 _explained("[priors](how-to/priors.md)")),
    SourceFigure(f"{DUFF}, figures of inverse problems", "Denoising, deblurring, MRI, tomography", "image",
                 "PSNR, peak: 1", _prior("digits-deblurring", "σ = 2 pixels", _PRIORS_PAGE)),
    SourceFigure(f"{DUFF}, examples of inverse problems", "Matrix inversion, differentiation, segmentation, "
                 "restoration, compressed sensing, seismic tomography", "drawing", "–",
                 _explained("[operators](how-to/operators.md)", "no measurement; any matrix is an operator there")),
    SourceFigure(f"{THESIS}, figures 1.1 to 1.7", "Workload, scenario, rare normals, lung fields", "image", "–",
                 _explained("[theory of screening](theory/screening.md)")),
    SourceFigure(f"{THESIS}, figure 1.8", "The application", "drawing", "–",
                 _explained("[the worklist](how-to/worklist.md)", "the worklist server")),
    SourceFigure(f"{THESIS}, figures 2.1 to 2.28", "Textbook drawings of neural networks and optimisers", "drawing",
                 "–", _explained(_GAN_PAGE, "no measurement; the blocks are there")),
    SourceFigure(f"{THESIS}, figures 3.1 to 3.4", "DCGAN, WGAN, GANomaly: structure and algorithm", "drawing", "–",
                 _explained(_GAN_PAGE)),
    SourceFigure(f"{THESIS}, figure 3.5", "Proof of SURE", "proof", "–", _explained(_SURE_PAGE)),
    SourceFigure(f"{THESIS}, figures 4.1 to 4.2", "The proposed detector", "drawing", "–",
                 _explained("[`roi-sure`](theory/detectors-gans.md#roi-sure)")),
    SourceFigure(f"{THESIS}, figure 5.1 and table 5.1", "Films: 311 normal to train, 35 normal and 35 abnormal to test",
                 "311; 35; 35", "films", _split),
    SourceFigure(f"{THESIS}, section 5.3", "GANomaly's best epoch", "about 20", "epoch", _best_epoch),
    SourceFigure(f"{THESIS}, figure 5.2", "ROC curve of the proposed detector at its best epoch", "curve", "ROC",
                 _roc),
    SourceFigure(f"{THESIS}, figure 5.3", "Losses of generator and discriminator by epoch", "curve", "loss", _losses),
    SourceFigure(f"{THESIS}, figure 6.1", "Pipeline: clear the certainly normal films", "drawing", "share cleared",
                 _screening),
    SourceFigure(f"{THESIS}, figure 6.2", "Low AUROC of the proposed detector on NIH", "curve", _NIH,
                 _of_appendix("sources/nih-roi-sure", "", Training("thesis/roi-sure-0", NIH_STEPS))),
    SourceFigure(f"{THESIS}, figures 7.1 to 7.2", "Plan of the project, record of computing", "image", "–",
                 _explained("–", "no measurement: nothing to repeat")),
    *(SourceFigure(f"{THESIS}, appendix A", f"f-AnoGAN, 64 px, NIH: {name}", value, _NIH,
                   _of_appendix(f"sources/nih-{short}", f"adversarial/nih-{short}-0",
                                Training(f"detectors/fold-0/{short}-0", NIH_STEPS, features=FEATURES)))
      for name, value, short in (("published code", "0.4853", "f-anogan"),
                                 ("own network", "0.4726", "f-anogan-dcgan"))),
    SourceFigure(f"{THESIS}, appendix A", "Films of NIH: normal to train, normal and abnormal to test",
                 "10,803; 1,200; 1,200", "films", _nih_films),
    SourceFigure(f"{THESIS}, appendix A", "GANomaly, 256 px, NIH: original hyperparameters", "0.6", _NIH_ORIGINAL,
                 _of_appendix("sources/nih-ganomaly-original", "adversarial/nih-ganomaly-original-0",
                              Training("thesis/ganomaly-0", NIH_ORIGINAL_STEPS))),
    SourceFigure(f"{THESIS}, appendix A", "GANomaly, 256 px, NIH: suitable hyperparameters", "0.6201", _NIH,
                 _of_appendix("sources/nih-ganomaly", "adversarial/nih-ganomaly-suitable-0",
                              Training("thesis/ganomaly-0", NIH_STEPS))),
    SourceFigure(f"{THESIS}, appendix A", "GANomaly, 256 px, Montgomery + Shenzhen: original hyperparameters", "0.7616",
                 f"{_BEST}; {_ORIGINAL}",
                 _of_appendix("sources/ganomaly-original", "adversarial/hyperparameters-original-0",
                              Training("thesis/ganomaly-0", ORIGINAL_STEPS))),
    *(SourceFigure(f"{THESIS}, appendix A", f"U-Net and DCGAN, NIH, {px} px", value, _NIH,
                   _of_appendix(f"sources/nih-unet-dcgan-{px}", "adversarial/nih-unet-dcgan-0" if px == 64 else "",
                                Training("detectors/fold-0/resunet-ganomaly-0", NIH_STEPS, px=px, features=FEATURES)))
      for px, value in ((64, "0.524"), (PX, "0.567"))),
    SourceFigure(f"{THESIS}, figure A.1", "Residual images of f-AnoGAN, GANomaly and the pipeline", "image", "–",
                 _explained("[the viewer](how-to/read.md#the-film)", "shown for each film")),
    SourceFigure(f"{THESIS}, figure A.2", "GANomaly with a residual U-Net", "drawing; 0.5 after about 30 epochs",
                 "AUROC",
                 _detector("resunet-ganomaly")),
    SourceFigure(f"{THESIS}, figures B.1 to B.2", "Paths and hyperparameters", "settings", "–",
                 _explained(_THESIS_PAGE, "the same settings are the recipes `thesis/…`")),
    SourceFigure(f"{THESIS}, figure B.2", "GANomaly with SURE, at 64 features", "named, no value", _BEST, _with_sure),
)  # fmt: skip
"""Every figure and table that is neither a published PSNR of a recipe, nor of table 5.2, nor of the fastMRI figures."""
