"""Sections of the thesis's page on this study, from its rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from studies.adversarial.arms import NOISE, NOISE_WIDE, PLOTTED, STUDY, WIDE_PLOTTED
from studies.pages.budgets import FEATURES, NIH_NORMALS, ORIGINAL, PX, SUITABLE, generator_steps, spent
from studies.pages.cells import Entry, dagger, dagger_note, table
from studies.pages.repeated_patients import too_narrow
from unseen.evaluation.intervals import interval_text as figure

ROC, LOSSES = "images/thesis-roc.png", "images/thesis-losses.png"
_AUROCS = (
    "*Best epoch* is chosen on the test films, as in the source, and so is optimistic; *last epoch* was fixed in "
    "advance. AUROC with its 95 % interval over the test films; trainings vary, too."
)
_CHANCE = 0.5
WITHOUT_NOISE = "detectors/fold-0/f-anogan-dcgan-0"
"""Row of f-AnoGAN with DCGAN's networks on the films of the trainings under noise."""
FULL_SIZE = {"original": "sources/ganomaly-original-0", "suitable": "thesis/ganomaly-0"}
"""Rows of GANomaly with either set of hyperparameters at the thesis's pixels and width."""
_FULL_SIZE_COMMANDS = {
    "original": "python -m studies.gpu_queue run sources/ganomaly-original",
    "suitable": "python -m studies --only thesis/ganomaly",
}
_COMMAND = "python -m studies.adversarial"
_WORDS = {
    "f-anogan": "f-AnoGAN, residual networks (source: published code)",
    "f-anogan-dcgan": "f-AnoGAN, DCGAN's networks (source: its own)",
    "unet-dcgan": "GANomaly with a residual U-Net and DCGAN's critic",
    "unet-dcgan-256": "GANomaly with a residual U-Net and DCGAN's critic, 256 px",
    "ganomaly-original": "GANomaly, original hyperparameters",
    "ganomaly-suitable": "GANomaly, suitable hyperparameters",
    "original": "GANomaly, original hyperparameters",
    "suitable": "GANomaly, suitable hyperparameters",
}
_LOSS_WORDS = {
    "mean-squares": "means of squares, also in 4.4",
    "norms": "norms, also in 4.4",
}


def adversarial_blocks(rows: Mapping[str, Entry]) -> list[str]:
    """Return the sections of the questions that have rows."""
    of: dict[str, list[Entry]] = defaultdict(list)
    for name, row in rows.items():
        if name.startswith(f"{STUDY}/"):
            of[row["question"]].append(row)
    return [
        *_norms(of["norms"], of["norms-wide"]),
        *_noise(of[NOISE], of[NOISE_WIDE], rows.get(WITHOUT_NOISE)),
        *_instance_noise([*of["instance-noise"], *of["instance-noise-wide"]]),
        *_appendix(of["hyperparameters"], _at_full_size(rows, of["hyperparameters"]), of["nih"]),
        *_figures(rows.get(WIDE_PLOTTED, rows.get(PLOTTED))),
    ]


def _norms(narrow: Sequence[Entry], wide: Sequence[Entry]) -> list[str]:
    """Return the section on norms; `wide`: with the thesis's width and pixels."""
    rows = [*narrow, *wide]
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: (row["px"], row["seed"], list(_LOSS_WORDS).index(row["arm"])))
    return [
        "## The thesis's losses as norms",
        "Equation 4.2 and l_enc are written as norms, ‖f(Y) − f(Ŷ)‖₂ and ‖Z_full − Z_masked‖₂; GANomaly's code and "
        'our default have means of squares. `distances = "norm"` takes them as they stand, `form = "literal-norm"` '
        "does so with equation 4.4. The weights stay 1 : 50 : 1, so a norm, which grows with the number of entries, "
        f"weighs far more than a mean. `roi-sure` on the thesis's split, whole film, {_made(rows)}. {_AUROCS}",
        table(
            ["Loss", "seed", "best epoch", "at epoch", "last epoch", "training"],
            (
                [
                    _LOSS_WORDS[row["arm"]] + dagger(row),
                    str(row["seed"]),
                    figure(row["auroc"]["best_epoch"]),
                    str(row["chosen"]["epoch"]),
                    figure(row["auroc"]["last_epoch"]),
                    spent(row),
                ]
                for row in ordered
            ),
        ),
        *(
            sentence
            for some in (narrow, wide)
            for sentence in _compared(some, "mean-squares", "norms", "with means of squares", "with norms")
        ),
        *([] if wide else [f"The same with the thesis's width and pixels is {_queued('norms-wide')}."]),
        *dagger_note(rows),
    ]


def _queued(question: str) -> str:
    """Return where a question that has no rows is queued."""
    return f"not run; it is queued as `{STUDY}/{question}-…` ([queue for a GPU](how-to/gpu.md))"


def _compared(rows: Sequence[Entry], first: str, second: str, one: str, other: str) -> list[str]:
    """Return sentences on two arms at their last epoch, for each seed that both have."""
    of = {(row["arm"], row["seed"]): row for row in rows}
    sentences = []
    for seed in sorted({seed for _, seed in of if (first, seed) in of and (second, seed) in of}):
        a, b = of[first, seed], of[second, seed]
        sentences.append(
            f"At the last epoch the AUROC of seed {seed} is {figure(a['auroc']['last_epoch'])} {one} ({spent(a)}) and "
            f"{figure(b['auroc']['last_epoch'])} {other} ({spent(b)}): {_paired(b.get('minus', {}).get(first))}."
        )
    return [" ".join([*sentences, "The intervals are over films, not over trainings."])] if sentences else []


def _paired(gain: Entry | None) -> str:
    """Return the difference of two arms on the same films, in words."""
    if gain is None:
        return "not compared by a paired test"
    found = "significant" if gain["low"] > 0 or gain["high"] < 0 else "not significant"
    return f"the paired difference, second minus first, is {figure(gain, sign=True)}, {found}"


def _noise(narrow: Sequence[Entry], wide: Sequence[Entry], without: Entry | None) -> list[str]:
    """Return the section of f-AnoGAN under noise.

    Args:
        narrow: Rows of the small budget.
        wide: Rows with the width, pixels and steps of the thesis's f-AnoGAN.
        without: A longer training than the narrow ones, without noise.
    """
    if not narrow and not wide:
        return []
    return [
        "## SURE in f-AnoGAN's encoder, with added noise",
        'The slides ask: "may SURE improve the robustness of methods?" f-AnoGAN\'s encoder is held to the noisy film '
        'by the mean (x − x̂)²; `f-anogan-sure` is the same but for SURE in its place (`encoding = "sure_f"`), which '
        "gets the added σ. Gaussian noise of known σ (network units, [−1, 1]) is added once to each film after the "
        "view. At σ = 0 the two arms are the same. A row an arm and σ of the training films; columns: σ of the test "
        "films. Intervals are over films.",
        *_noise_table(narrow, without),
        *_noise_table(wide, None),
        *([] if wide else [f"The same with the thesis's width, pixels and steps on NIH is {_queued(NOISE_WIDE)}."]),
        *dagger_note([*narrow, *wide]),
    ]


def _noise_table(rows: Sequence[Entry], without: Entry | None) -> list[str]:
    """Return the setting, the table and the answer of trainings under noise with one budget."""
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: (row["seed"], row["trained_at"], row["arm"]))
    lines = [
        [
            f"{row['trained_at']:g}",
            f"`{row['arm']}`{dagger(row)}",
            str(row["seed"]),
            *(figure(entry["auroc"]) for entry in row["auroc"]),
            _at_own(row),
        ]
        for row in ordered
    ]
    levels = [entry["tested"] for entry in ordered[0]["auroc"]]
    gains = [entry["minus_plain"] for row in ordered for entry in row["auroc"] if "minus_plain" in entry]
    some = ordered[0]
    return [
        f"DCGAN's networks, lung crop, fold 0 ({some['n']['normal']} normal and {some['n']['abnormal']} abnormal "
        f"films), {some['px']} px, {spent(some)}, {_made(rows)}:",
        table(
            ["trained at σ", "arm", "seed", *(f"tested at {level:g}" for level in levels), "SURE − plain, same σ"],
            lines,
        ),
        *([_verdict(gains, some)] if gains else []),
        *_at_chance(ordered, without),
    ]


def at_own_noise(row: Entry) -> Entry:
    """Return the figures of a training under noise at the σ of its training films."""
    found: Entry = next(entry for entry in row["auroc"] if entry["tested"] == row["trained_at"])
    return found


def at_chance(rows: Sequence[Entry]) -> str:
    """Return how many trainings under noise are not significantly above chance at their own σ; "" where all are."""
    chance = sum(at_own_noise(row)["auroc"]["low"] <= _CHANCE for row in rows)
    if not chance:
        return ""
    if chance == len(rows):
        return f"none of the {chance} trainings is significantly above chance at its own σ"
    verb, own = ("is", "its") if chance == 1 else ("are", "their")
    return f"{chance} of the {len(rows)} trainings {verb} not significantly above chance at {own} own σ"


def _at_own(row: Entry) -> str:
    own = at_own_noise(row)
    return figure(own["minus_plain"], sign=True) if "minus_plain" in own else "–"


def _verdict(gains: Sequence[Entry], row: Entry) -> str:
    better, worse = sum(gain["low"] > 0 for gain in gains), sum(gain["high"] < 0 for gain in gains)
    told = (
        f"in all {len(gains)} comparisons of an arm trained and tested at some σ the 95 % interval of the paired "
        "difference includes 0"
        if not better and not worse
        else f"of {len(gains)} comparisons the 95 % interval of the paired difference lies above 0 in {better} and "
        f"below 0 in {worse}, without a correction for their number"
    )
    return f"After {spent(row)}: {told}. Longer training could change this."


def _at_chance(rows: Sequence[Entry], without: Entry | None) -> list[str]:
    """Return a sentence where trainings do not tell the classes apart, so that a comparison of them shows little."""
    found = at_chance(rows)
    if not found:
        return []
    more = (
        ""
        if without is None
        else f"; without added noise f-AnoGAN has {figure(without['metrics']['auroc']['pooled'])}{dagger(without)} on "
        f"this fold at {without['px']} px ({spent(without)}; row `{WITHOUT_NOISE}`, "
        "[detectors](results-detectors.md#fold-0-selection))"
    )
    every = all(at_own_noise(row)["auroc"]["low"] <= _CHANCE for row in rows)
    so = "this budget is too small to answer the question" if every else "their comparisons show little"
    return [f"{found[0].upper()}{found[1:]}, so {so}{more}."]


def _instance_noise(rows: Sequence[Entry]) -> list[str]:
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: (row["px"], row["seed"], float(row["arm"])))
    triggered = [row for row in ordered if row["reinitialisations"]]
    least = min(ordered, key=lambda row: row["least_discriminator_loss"])
    return [
        "## Fading instance noise and re-initialisation",
        "The thesis names two tricks: noise on what the discriminator sees, which fades, and a discriminator that is "
        "initialised again where its loss vanishes (below 1e-5). `ganomaly` has the second; with `instance_noise` it "
        "has both, σ falling linearly to σ / steps at the last step. "
        f"The thesis's split, whole film, {_made(rows)}. {_AUROCS}",
        table(
            [
                "instance noise, σ at the first step",
                "seed",
                "re-initialisations",
                "least loss of the discriminator",
                "best epoch",
                "last epoch",
                "training",
            ],
            (
                [
                    row["arm"] + dagger(row),
                    str(row["seed"]),
                    str(row["reinitialisations"]),
                    f"{row['least_discriminator_loss']:.2g}",
                    figure(row["auroc"]["best_epoch"]),
                    figure(row["auroc"]["last_epoch"]),
                    spent(row),
                ]
                for row in ordered
            ),
        ),
        (
            f"Re-initialisation triggers in {len(triggered)} of {len(ordered)} trainings."
            if triggered
            else f"**Re-initialisation never triggers** in these {len(ordered)} trainings ({spent(least)}): the least "
            f"loss of a batch, {least['least_discriminator_loss']:.2g}, is above 1e-5. {_could_trigger(ordered)}"
        ),
        *dagger_note(rows),
    ]


def _could_trigger(rows: Sequence[Entry]) -> str:
    """Return the trainings that could still reach a vanishing loss: those longer or wider than the rows."""
    wide = any((int(row["features"]), int(row["px"])) == (FEATURES, PX) for row in rows)
    if wide:
        return "A longer training could reach it."
    return (
        "A longer training, or one with the thesis's width and pixels, could reach it; the second is "
        f"{_queued('instance-noise-wide')}."
    )


def _at_full_size(rows: Mapping[str, Entry], narrow: Sequence[Entry]) -> list[Entry]:
    """Return the rows of the two sets of hyperparameters at the thesis's pixels and width, if there are both."""
    sources = {row["arm"]: row["source"] for row in narrow}
    if not sources.keys() >= FULL_SIZE.keys() or not rows.keys() >= set(FULL_SIZE.values()):
        return []
    return [
        {**rows[name], "question": "hyperparameters", "arm": arm, "source": sources[arm]}
        for arm, name in FULL_SIZE.items()
    ]


def _appendix(hyper: Sequence[Entry], whole: Sequence[Entry], nih: Sequence[Entry]) -> list[str]:
    """Return the section of appendix A; `whole`: the two sets of hyperparameters at the thesis's pixels and width."""
    if not hyper and not nih:
        return []
    rows = [*hyper, *whole, *nih]
    order = [arm for arm in _WORDS if any(row["arm"] == arm for row in rows)]
    lines = [
        [
            f"{_WORDS[row['arm']]}{dagger(row)}",
            "Montgomery + Shenzhen" if row["question"] == "hyperparameters" else "NIH",
            str(row["seed"]),
            f"{row['source']:.4g}",
            figure(row["auroc"]["best_epoch"]),
            figure(row["auroc"]["last_epoch"]),
            spent(row),
        ]
        for row in sorted(rows, key=lambda row: (row["question"], order.index(row["arm"]), row["px"], row["seed"]))
    ]
    tested = f" ({nih[0]['n']['normal']} normal and {nih[0]['n']['abnormal']} abnormal tested)" if nih else ""
    return [
        "## The thesis's appendix A: two sets of hyperparameters, and NIH's films",
        "The source does not list its original hyperparameters. Ours are the defaults of GANomaly's published code, "
        f"{ORIGINAL[0]} epochs in batches of {ORIGINAL[1]}; the suitable ones are those of the thesis's appendix B.2, "
        f"{SUITABLE[0]} epochs in batches of {SUITABLE[1]}. Latents (100), weights (1 : 50 : 1) and Adam (2e-4) are "
        f"the same in both. The source has {PX} px (f-AnoGAN and one U-Net: 64), {FEATURES} features, and on NIH "
        f"{NIH_NORMALS:,} normal films to train on and 1,200 + 1,200 to test"
        f"{'; ours are other films of NIH' + tested if nih else ''}. Whole film, {_made([*hyper, *nih])}. {_AUROCS}",
        *_made_at_full_size(whole),
        table(
            ["Detector", "films", "seed", "source, best epoch", "best epoch", "last epoch", "training"],
            lines,
        ),
        *(
            sentence
            for some in (hyper, whole)
            for sentence in _compared(
                some, "original", "suitable", "with the original", "with the suitable hyperparameters"
            )
        ),
        *_chance(nih),
        *dagger_note(rows),
    ]


def _made_at_full_size(rows: Sequence[Entry]) -> list[str]:
    """Return command, precision, device and date of the rows at the thesis's pixels and width."""
    if not rows:
        return []
    words = {"fp32": "single precision", "bf16": "bfloat16"}
    made = "; ".join(
        f"`{FULL_SIZE[row['arm']]}` in {words[row['training']['precision']]}, {row['device']}, {row['date']}, by "
        f"`{_FULL_SIZE_COMMANDS[row['arm']]}`"
        for row in rows
    )
    return [f"With the source's pixels and width: {made}."]


def _chance(rows: Sequence[Entry]) -> list[str]:
    """Return how NIH's rows lie to chance, with their budget."""
    if not rows:
        return []
    most = max(rows, key=generator_steps)
    widest = max(int(row["features"]) for row in rows)
    last = [row["auroc"]["last_epoch"] for row in rows]
    above, below = sum(one["low"] > _CHANCE for one in last), sum(one["high"] < _CHANCE for one in last)
    return [
        f"On NIH's films at the last epoch {above} of {len(rows)} trainings are significantly above chance and {below} "
        f"below. The training with the most steps of the generator has {spent(most)}; the widest network has {widest} "
        f"of {FEATURES} features. Nothing follows for the source's training.{_by_projection(most)} "
        + too_narrow("nih_cxr8", *rows)
    ]


def _by_projection(row: Entry) -> str:
    """Return the share of AP projections among the tested films of either class, and what follows from it."""
    counts = row.get("projections")
    if counts is None:
        return ""
    normal, abnormal = (
        f"{100 * counts[label].get('AP', 0) / sum(counts[label].values()):.0f} %" for label in ("normal", "abnormal")
    )
    return (
        f" Of the tested normal films {normal} and of the abnormal ones {abnormal} are AP projections, which a score "
        "of the whole film can see: an AUROC away from 0.5, on either side, need not be disease."
    )


def _figures(row: Entry | None) -> list[str]:
    if row is None:
        return []
    chosen = row["chosen"]["epoch"]
    losses = row["discriminator"]
    return [
        "## ROC curve and losses by epoch (the thesis's figures 5.2 and 5.3)",
        f"`roi-sure`{dagger(row)} with equation 4.4 on the thesis's split, {spent(row)}, {_made([row])}. Figures by "
        "`python -m studies.figures.thesis_rates_and_losses`.",
        f"![ROC curves of roi-sure on 35 + 35 films: AUROC {figure(row['auroc']['best_epoch'])} at its best epoch "
        f"{chosen}, {figure(row['auroc']['last_epoch'])} at its last.]({ROC})",
        f"![Losses by epoch: generator {row['curve'][0]:.1f} in epoch 1, {row['curve'][-1]:.2f} in epoch "
        f"{len(row['curve'])}; discriminator {losses[0]:.2f} and {losses[-1]:.2f}.]({LOSSES})",
        *dagger_note([row]),
    ]


def _made(rows: Sequence[Entry]) -> str:
    """Return command, seeds, device and dates of rows."""
    seeds = sorted({int(row["seed"]) for row in rows})
    devices = ", ".join(sorted({str(row["device"]) for row in rows}))
    dates = sorted({str(row["date"]) for row in rows})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"

    asked = " ".join(dict.fromkeys(str(row["question"]) for row in rows))
    return (
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}, {devices}, {when}; rows `{STUDY}/…` by "
        f"`{_COMMAND} --only {asked}`"
    )
