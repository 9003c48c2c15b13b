"""Share of the head `normals-covariance` without a jump: other rules than the check's at one standard error.

`unseen adapt` used its head (ω = 2) where z = difference / standard error of its check exceeded 1, and kept the score
from normal films alone elsewhere: a pretest estimator. The rules that are compared give the share f(z) ω, with the same
check, the same condition on the AUROC, and 0 where the labels cannot be checked:

- `hard`: f = 1 if z > 1, else 0: the rule of `screening.adaptation` until these rows were computed.
- `linear`: f = min(1, max(0, z)).
- `positive part`: f = z² / (1 + z²) for z > 0, else 0.
- `cleaned`: `hard`; where z ≤ 1, half the share of the head's score less its regression on the film statistics. Normal
  films alone fit the regression, as in the check; the condition on the AUROC, which is on the score with the
  statistics, is left out there.
- `bagged`: f = Φ(z − 1.2): the mean of the hard rule over z with a standard normal error (bagging). The threshold is
  1.2 so that labels at random cost the same AUROC as with the hard rule in a model of two Gaussian scores (`expected`).

They were fixed before a film was scored by them. So was the choice: a rule is nominated if, on fold 0,

1. its mean AUROC with 10 and 25 abnormal films of `ms_cxr` is above that of the hard rule;
2. with labels that show no disease (of `studies.attempts.label_check`, and the projection on `nih_cxr8`) its AUROC for
   the real disease is not significantly below that of the hard rule: the upper bound of the paired difference is at
   least 0;
3. on `kermany` and on `nih_cxr8`, without and with the projections, neither difference is significantly below 0.

Of several, the one with the largest mean in 1 is. Folds 1 to 4 are not used. The head's β was nominated on fold 0 of
`ms_cxr`, too. Sources: pretests, Bancroft, Annals of Mathematical Statistics 15 (1944) 190; bagged thresholds, Bühlmann
& Yu, Annals of Statistics 30 (2002) 927.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import numpy as np
from scipy.stats import norm

from studies.attempts.adapt_heads import by_products
from studies.attempts.heads import COUNTS, DRAWS, Floats, Places, cohort_at, conditions_of, drawn_abnormals
from studies.attempts.label_check import LABELS, NOTHING, STATISTICS, quantiles
from studies.attempts.label_covariates import PROJECTION
from studies.attempts.label_curves import KNOWN, STATED, labels_of, projections, with_projections
from studies.pages.cells import Entry, signed_interval, table
from studies.rows import Row
from studies.ten_labels import Labels
from unseen.detectors.adapted import standardised
from unseen.evaluation.bootstrap import draw_all
from unseen.evaluation.delong import auroc_difference
from unseen.evaluation.roc import Bools
from unseen.screening.adaptation import BAGGED_AT, NORMALS_SHARE, Chosen, Labelled, part_of_share, statistics_of
from unseen.screening.label_check import LeftOut, residuals

ROWS = "attempts/soft-share/"
FOLD = 0
NULL_DRAWS = 40
BOOTSTRAP = 2000
HARD, BAGGED, CLEANED = "hard", "bagged", "cleaned"
SHARES: Mapping[str, Callable[[float], float]] = {
    HARD: lambda z: float(z > 1),
    "linear": lambda z: min(1.0, max(0.0, z)),
    "positive part": lambda z: z**2 / (1 + z**2) if z > 0 else 0.0,
    BAGGED: lambda z: part_of_share(z, 1.0),
}
"""f(z) of each rule but `cleaned`."""
RULES = (*SHARES, CLEANED)
CHOOSING = "ms_cxr"
SETS = (CHOOSING, "kermany", STATED, KNOWN)
NORMALS = "normals only"
DISEASE, NULL = "disease", "no disease"


def expected(share: Callable[[float], float], shift: float = 0.0, head: float = 0.0, normals: float = 1.17) -> float:
    """Return the expected AUROC of a rule in a model: two independent Gaussian scores of unit variance.

    Args:
        share: f(z).
        shift: mean of z, whose error is standard normal.
        head: difference of the labels in the head's score, in deviations.
        normals: that in the score from normal films; 1.17 has an AUROC of 0.796.

    Returns:
        The mean over z of Φ((normals + f ω head) / √(2 (1 + f² ω²))).

    Example:
        >>> round(expected(SHARES["hard"]), 3), round(expected(SHARES["bagged"]), 3)
        (0.772, 0.772)
    """
    errors = np.linspace(-6, 6, 4801)
    omega = NORMALS_SHARE * np.array([share(float(z)) for z in errors + shift])
    values = norm.cdf((normals + omega * head) / np.sqrt(2 * (1 + omega**2)))
    return float(np.average(values, weights=norm.pdf(errors)))


@dataclass(frozen=True, eq=False)
class MeanAuroc:
    """Mean of the AUROCs of several scores of the same films, as a function of the films' weights.

    Args:
        abnormal: label of each film (n,).
        above: share of the scores in which an abnormal film is above a normal one, ties one half (n1, n0).
    """

    abnormal: Bools
    above: Floats

    @classmethod
    def of(cls, scores: Sequence[Floats], abnormal: Bools) -> MeanAuroc:
        """Return the mean over scores, each of all films."""
        gaps = [one[abnormal][:, None] - one[~abnormal][None] for one in scores]
        return cls(abnormal, np.mean([(np.sign(gap) + 1) / 2 for gap in gaps], axis=0))

    def __call__(self, weights: Floats) -> Floats:
        """Return one mean per row of `weights` (draws, films)."""
        ill, normal = weights[:, self.abnormal], weights[:, ~self.abnormal]
        found: Floats = np.einsum("di,ij,dj->d", ill, self.above, normal, optimize=True)
        mean: Floats = found / (ill.sum(axis=1) * normal.sum(axis=1))
        return mean


@dataclass(eq=False)
class Scored:
    """Scores of the tested films under one setting of the labels, draw by draw.

    Args:
        scores: by rule, and those of normal films alone.
        shares: f ω by rule; for `cleaned`, that of either score.
        refused: how often z exceeded 1 and the condition on the AUROC refused the labels.
    """

    scores: dict[str, list[Floats]] = field(default_factory=lambda: {name: [] for name in (NORMALS, *RULES)})
    shares: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RULES})
    refused: int = 0

    def add(self, found: Mapping[str, tuple[Floats, float]], *, refused: bool) -> None:
        """Add a draw: score and share by rule."""
        for name, (score, share) in found.items():
            self.scores[name].append(score)
            if name in self.shares:
                self.shares[name].append(share)
        self.refused += refused


def statistics_at(labels: Labels) -> Floats:
    """Return the statistics of all films of a set that the check takes into account (n, k)."""
    hidden = ("name", "label", "source", "patient", "pixel_sha256", "projection")
    facts = labels.cells.facts
    found = statistics_of(
        [{name: value for name, value in fact.items() if name not in hidden} for fact in facts],
        [str(fact.get("projection", "")) for fact in facts],
    )
    assert found is not None
    return found


def as_good(films: Labelled, chosen: Chosen) -> bool:
    """Return whether the AUROC of the sum is not lower than that of normal films by more than its standard error."""
    normal = ~films.abnormal

    def scaled(scores: Floats) -> Floats:
        return np.asarray((scores - scores[normal].mean()) / scores[normal].std())

    base, own = scaled(films.base), scaled(chosen.scores)
    gain, error = auroc_difference(base + NORMALS_SHARE * own, base, films.abnormal)
    return gain >= -error


def by_rules(
    labels: Labels, at: Places, called: Bools, statistics: Floats
) -> tuple[dict[str, tuple[Floats, float]], bool]:
    """Return score of the tested films and share by rule, and whether z exceeded 1 and the AUROC refused the labels.

    Args:
        labels: the films; those of `FOLD` are tested.
        at: places of the films that teach.
        called: which of them are called abnormal.
        statistics: statistics of all films.
    """
    tested, facts = np.flatnonzero(labels.fold == FOLD), labels.cells.facts
    films = Labelled(
        labels.features[at],
        labels.normal_score[FOLD, labels.fold[at], at],
        called,
        [str(facts[i]["patient"] or facts[i]["pixel_sha256"]) for i in at],
        statistics=statistics[at],
    )
    every = np.concatenate([at, tested])
    x, _, _ = standardised(labels.features[every], np.concatenate([~called, np.zeros(len(tested), bool)]))
    own, other = np.arange(len(at)), np.arange(len(at), len(every))
    scores = labels.normal_score[FOLD, FOLD][tested]
    chosen, z, h = by_products(films, own, other, (x @ x.T).numpy(), scores)
    good, checked = as_good(films, chosen), chosen.error > 0
    ratio = chosen.gain / chosen.error if checked else 0.0
    omega = {name: NORMALS_SHARE * share(ratio) * (good and checked) for name, share in SHARES.items()}
    assert omega[BAGGED] == chosen.share
    found = {name: (z + share * h, share) for name, share in omega.items()}
    found[CLEANED] = found[HARD]
    if checked and ratio <= 1:
        share = NORMALS_SHARE / 2
        found[CLEANED] = (z + share * cleaned(films, chosen, h, statistics[every]), share)
    found[NORMALS] = (z, 0.0)
    return found, ratio > 1 and not good


def cleaned(films: Labelled, chosen: Chosen, h: Floats, statistics: Floats) -> Floats:
    """Return h of the tested films less its regression on their statistics, in deviations of its residuals.

    Args:
        films: the films that teach.
        chosen: the head's held-out scores, by whose normal films the regression is fitted.
        h: the tested films' scores by the head, in deviations.
        statistics: those of the normal and abnormal films that teach, and of the tested ones.
    """
    normal = chosen.scores[~films.abnormal]
    known = (normal - normal.mean()) / normal.std()
    kept = np.concatenate([~films.abnormal, np.ones(len(h), dtype=bool)])
    new = np.concatenate([np.zeros(len(known), bool), np.ones(len(h), bool)])
    found, _, _ = residuals(LeftOut(h, known[None], np.zeros(len(h), np.int64)), statistics[kept], new)
    return found


def disease(labels: Labels) -> Iterator[tuple[str, list[tuple[Places, Bools]]]]:
    """Yield each number of abnormal films with its draws: places of the films that teach, and their labels."""
    normals = np.flatnonzero(~labels.abnormal & (labels.fold != FOLD))
    for count in COUNTS:
        draws = []
        for draw in range(DRAWS):
            ill = drawn_abnormals(labels, FOLD, count, np.random.default_rng([draw, FOLD]))
            at = np.sort(np.concatenate([normals, ill]))
            draws.append((at, labels.abnormal[at]))
        yield str(count), draws


def no_disease(labels: Labels, name: str) -> Iterator[tuple[str, list[tuple[Places, Bools]]]]:
    """Yield the settings without a disease with their draws: normal films are called abnormal."""
    normals = np.flatnonzero(~labels.abnormal & (labels.fold != FOLD))
    facts = [labels.cells.facts[i] for i in normals]

    def drawn(weight: Floats, count: int = LABELS) -> list[tuple[Places, Bools]]:
        """Draw with weights (n,), or with exp(k z) for a random sum z of statistics (statistics, n)."""
        draws = []
        for draw in range(NULL_DRAWS):
            rng = np.random.default_rng([draw, FOLD, 7])
            w = weight if weight.ndim == 1 else random_sum(rng, weight)
            called = rng.choice(len(normals), count, replace=False, p=w / w.sum())
            draws.append((normals, np.isin(np.arange(len(normals)), called)))
        return draws

    def random_sum(rng: np.random.Generator, known: Floats) -> Floats:
        z = np.asarray(rng.normal(size=len(known)) @ known)
        return np.asarray(np.exp(factor * z / z.std()))

    yield NOTHING, drawn(np.ones(len(normals)))
    single = dict.fromkeys(one for one, _ in STATISTICS if one != "several")
    known = {one: quantiles(labels, normals, one) for one in single}
    for one, factor in STATISTICS:
        weight = np.stack(list(known.values())) if one == "several" else np.exp(factor * known[one])
        yield f"{one.replace('_', ' ')}, k = {factor:g}", drawn(weight)
    if name == CHOOSING:
        montgomery = np.array([fact["source"] == "montgomery" for fact in facts])
        yield "hospital, weight 20", drawn(np.where(montgomery, 20.0, 1.0))
    if name in (STATED, KNOWN):
        pa = np.array([one == "PA" for one in projections([str(fact["name"]) for fact in facts])])
        for factor, count in PROJECTION:
            yield f"PA with weight {factor:g}, {count} films", drawn(np.where(pa, factor, 1.0), count)


def soft_share_row(name: str, labels: Labels) -> Row:
    """Return the row of a set: AUROC for the real disease by rule, with and without a disease in the labels."""
    began = process_time()
    tested = np.flatnonzero(labels.fold == FOLD)
    abnormal, statistics = labels.abnormal[tested], statistics_at(labels)
    scored: dict[str, dict[str, Scored]] = {DISEASE: {}, NULL: {}}
    for part, settings in ((DISEASE, disease(labels)), (NULL, no_disease(labels, name))):
        for setting, draws in settings:
            one = scored[part].setdefault(setting, Scored())
            for at, called in draws:
                found, refused = by_rules(labels, at, called, statistics)
                one.add(found, refused=refused)
            means = {rule: round(float(np.mean(one.shares[rule])), 2) for rule in RULES}
            print(name, part, setting, means, flush=True)
    measured = {
        (part, setting, rule): MeanAuroc.of(one.scores[rule], abnormal)
        for part, settings_of in scored.items()
        for setting, one in settings_of.items()
        for rule in (NORMALS, *RULES)
    }
    for part in scored:
        for rule in (NORMALS, *RULES):
            each = [one.above for (of, _, by), one in measured.items() if (of, by) == (part, rule)]
            measured[part, "mean", rule] = MeanAuroc(abnormal, np.mean(each, axis=0))
    drawn = draw_all(
        {"\n".join(key): one for key, one in measured.items()},
        cohort_at(labels, tested),
        draws=BOOTSTRAP,
        rng=np.random.default_rng(0),
    )

    def figures(part: str, setting: str) -> Row:
        of = {rule: drawn["\n".join((part, setting, rule))] for rule in (NORMALS, *RULES)}
        line: Row = {NORMALS: of[NORMALS].interval().to_json()}
        for rule in RULES:
            line[rule] = {
                **of[rule].interval().to_json(),
                "above_normals": (of[rule] - of[NORMALS]).interval().to_json(),
                "above_hard": (of[rule] - of[HARD]).interval().to_json(),
            }
            if setting != "mean":
                line[rule]["share"] = round(float(np.mean(scored[part][setting].shares[rule])), 4)
        if setting != "mean":
            line["refused_by_auroc"] = scored[part][setting].refused
        return line

    return {
        "recipe": ROWS + name,
        "seed": 0,
        "set": name,
        "head": "normals-covariance",
        **conditions_of(labels, began),
        "draws": DRAWS,
        "null_draws": NULL_DRAWS,
        "bootstrap_draws": BOOTSTRAP,
        "folds": [FOLD],
        "n": {"normal": int((~abnormal).sum()), "abnormal": int(abnormal.sum())},
        **{part: {setting: figures(part, setting) for setting in (*scored[part], "mean")} for part in scored},
    }


def soft_share_rows(root: Path) -> Iterator[Row]:
    """Yield the row of each set."""
    for name in SETS:
        labels = labels_of(STATED if name == KNOWN else name, root)
        yield soft_share_row(name, with_projections(labels) if name == KNOWN else labels)


def failures(rows: Sequence[Entry], rule: str) -> list[str]:
    """Return the conditions of the choice that a rule does not fulfil, in words.

    Args:
        rows: rows of all sets.
        rule: one of `RULES`.
    """
    found = []
    for row in rows:
        of = {part: row[part]["mean"][rule]["above_hard"] for part in (DISEASE, NULL)}
        if row["set"] == CHOOSING and not of[DISEASE]["value"] > 0:
            found.append(f"`{row['set']}`, labels of a disease: no gain")
        if row["set"] != CHOOSING and of[DISEASE]["high"] < 0:
            found.append(f"`{row['set']}`, labels of a disease: significantly lower")
        if of[NULL]["high"] < 0:
            found.append(f"`{row['set']}`, labels without a disease: significantly lower")
    return found


def nominated(rows: Sequence[Entry]) -> str | None:
    """Return the rule that fulfils all conditions and has the largest gain on `CHOOSING`; None where none does."""
    (main,) = (row for row in rows if row["set"] == CHOOSING)
    able = [rule for rule in RULES if rule != HARD and not failures(rows, rule)]
    return max(able, key=lambda rule: float(main[DISEASE]["mean"][rule]["above_hard"]["value"]), default=None)


def soft_share_section(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = [
        "## A share of the head without a jump",
        "The head `normals-covariance` of `unseen adapt` had its whole share, ω = 2, where the difference of its check "
        "is above one standard error, z > 1, and none elsewhere: a pretest, inefficient near its threshold. Rules with "
        "the share f(z) ω and the same check: *linear*, f = min(1, max(0, z)); *positive part*, f = z² / (1 + z²) for "
        f"z > 0; *bagged*, f = Φ(z − {BAGGED_AT:g}); *cleaned*, where z ≤ 1, half the share of the head's score less "
        "its regression on the film statistics (`studies/attempts/soft_share.py`).",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts soft-share` makes them.*"]
    rows = sorted(rows, key=lambda row: SETS.index(row["set"]))
    first, best = rows[0], nominated(rows)
    lines = [
        [
            f"`{row['set']}`",
            f"**{rule}**" if rule == best else rule,
            *(f"{row[DISEASE][str(count)][rule]['value']:.3f}" for count in COUNTS),
            _difference(row[DISEASE]["mean"][rule]["above_hard"], rule),
            signed_interval(row[NULL]["mean"][rule]["above_normals"]),
            _difference(row[NULL]["mean"][rule]["above_hard"], rule),
        ]
        for row in rows
        for rule in RULES
    ]
    sizes = "; ".join(
        f"`{row['set']}` {row['n']['normal']} normal, {row['n']['abnormal']} abnormal" for row in rows[:3]
    )
    return [
        *title,
        f"{first['features']}, {first['px']} px; fold {FOLD}: {sizes}. *Disease*: AUROC of the adapted score with 10 "
        f"and with 25 abnormal films, mean over {first['draws']} draws, and the mean of both minus that of the hard "
        "rule. *No disease*: normal films are called abnormal, at random, by one film statistic, by the hospital or by "
        "the projection (the settings of the [check](#does-the-check-refuse-labels-that-show-a-film-statistic-alone) "
        f"on real films); mean over the settings and {first['null_draws']} draws of the AUROC for the real disease, "
        "minus the score from normal films alone and minus the hard rule. Intervals are over the tested films "
        f"({first['bootstrap_draws']:,} bootstrap draws, the same for all scores). Folds 1 to 4 are not used. "
        f"{first['device']}, {max(str(row['date']) for row in rows)}.",
        table(
            [
                "set", "rule", "disease, 10", "disease, 25", "disease: minus hard", "no disease: minus normal films",
                "no disease: minus hard",
            ],
            lines,
        ),
        _conclusion(rows, best),
        *_by_setting(rows, best),
    ]  # fmt: skip


def _conclusion(rows: Sequence[Entry], best: str | None) -> str:
    """Return the sentences on the choice."""
    failed = [f"*{rule}* ({'; '.join(why)})" for rule in RULES if rule != HARD and (why := failures(rows, rule))]
    return (
        "Fixed before these rows were computed: a rule is nominated if it raises the mean AUROC of 10 and 25 abnormal "
        f"films of `{CHOOSING}`, and no other difference to the hard rule is significantly below 0; of several, the "
        "one with the largest gain. "
        + (f"Not fulfilled by {', '.join(failed)}. " if failed else "")
        + (f"So *{best}* is nominated." if best else "So none is nominated, and `unseen adapt` keeps the hard rule.")
    )


def _by_setting(rows: Sequence[Entry], best: str | None) -> list[str]:
    """Return where the nominee differs significantly from the hard rule in one setting without a disease, in words."""
    if best is None:
        return []
    every = [
        (row["set"], setting, one[best]["above_hard"])
        for row in rows
        for setting, one in row[NULL].items()
        if setting != "mean"
    ]

    def named(some: Sequence[tuple[str, str, Entry]]) -> str:
        said = [f"{setting} on `{name}` {signed_interval(one)}" for name, setting, one in some]
        return f" ({'; '.join(said)})" if said else ""

    lower = [one for one in every if one[2]["high"] < 0]
    higher = [one for one in every if one[2]["low"] > 0]
    return [
        f"Single settings without a disease, which choose nothing: *{best}* is significantly below the hard rule in "
        f"{len(lower)} of {len(every)}{named(lower)} and significantly above it in {len(higher)}, on `{CHOOSING}` with "
        f"{', '.join(setting for name, setting, _ in higher if name == CHOOSING) or 'none'}. So the mean is no bound "
        "for each of them, and a gain here is no detection: a head that follows a statistic in which normal and "
        "abnormal films differ has a higher AUROC without having learnt a disease."
    ]


def _difference(entry: Entry, rule: str) -> str:
    return "–" if rule == HARD else signed_interval(entry)
