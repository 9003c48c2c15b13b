"""Frequency with which `unseen adapt` uses labels of a disease, and labels that show a film statistic alone.

The films that teach are those of folds 1 to 4 that a head of fold 0 has; no film of fold 0 is used, and no AUROC is
measured. Where labels show a statistic alone, all films are normal ones: n of them are called abnormal, drawn with a
weight that grows with a statistic, or by their hospital. Nothing but the statistics can be learnt from these labels, so
each head that is used is a false acceptance. The same draws are judged by the check of `screening.label_check` and by
the earlier one: that of the AUROC of the sum, with the mix of the statistics taken out by a straight line.

In simulated hospitals, the statistic is one number and known exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time

import numpy as np
import torch
from scipy.stats import norm, rankdata

from studies.attempts.adapt_heads import taught
from studies.attempts.heads import Floats, Places, Site
from studies.detectors.adapted_site import without_mix
from studies.pages.cells import Entry, table
from studies.rows import Row
from studies.ten_labels import Labels
from unseen import __version__
from unseen.detectors.head_name import HeadName
from unseen.evaluation.delong import auroc_difference
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.intervals import proportion
from unseen.screening.adaptation import NORMALS_SHARE, SHARES, Chosen, Labelled, choose

ROWS = "attempts/label-check/"
FOLD = 0
DRAWS = 60
HONEST = (5, 10, 25)
LABELS = 10
STATISTICS = (
    ("sharpness", 2.0), ("sharpness", -2.0), ("sharpness", 5.0), ("bytes_per_pixel", 2.0), ("mean", 2.0),
    ("lung_area", -2.0), ("several", 2.0), ("several", 5.0),
)  # fmt: skip
"""Statistic, and the factor k of the weight exp(k z), where z is its normal quantile; "several": a random sum."""
HOSPITAL = (20.0, 10000.0)
"""Weight of Montgomery's films, where Shenzhen's have 1."""
SIMULATED = ((0.6, 0.5), (1.0, 1.5), (0.0, 0.5), (0.0, 1.5), (0.0, 3.0))
"""Shift of five features by the disease, and of the statistic between the labels."""
NOTHING = "labels at random"


def earlier(films: Labelled, chosen: Chosen) -> bool:
    """Return whether the earlier check used the labels: gain of the sum, less the mix, above one standard error."""
    abnormal = films.abnormal

    def scaled(scores: Floats) -> Floats:
        found: Floats = (scores - scores[~abnormal].mean()) / scores[~abnormal].std()
        return found

    base, own = scaled(films.base), scaled(chosen.scores)
    clean = without_mix(films.mix, base, abnormal)
    shares = (NORMALS_SHARE,) if chosen.head == "normals-covariance" else SHARES
    gains = [auroc_difference(without_mix(films.mix, base + one * own, abnormal), clean, abnormal) for one in shares]
    gain, error = max(gains)
    return gain > error


def accepted(chosen: Chosen) -> bool:
    """Return whether the labels add more than one standard error, and the sum has no lower AUROC."""
    return chosen.gain > chosen.error and chosen.share > 0


def quantiles(labels: Labels, at: Places, name: str) -> Floats:
    """Return the normal quantile of each film's statistic."""
    values = np.array([float(labels.cells.facts[i][name]) for i in at])
    found: Floats = norm.ppf(rankdata(values) / (len(values) + 1))
    return found


def settings_of(labels: Labels, draws: int) -> Iterator[tuple[str, bool, int, Iterator[Labelled]]]:
    """Yield each setting: name, whether the labels show a disease, number of abnormal films, and the sites."""
    normals = np.flatnonzero(~labels.abnormal & (labels.fold != FOLD))
    sick = np.flatnonzero(labels.abnormal & (labels.fold != FOLD))

    def generator(draw: int) -> np.random.Generator:
        return np.random.default_rng([draw, FOLD, 7])

    def ill(count: int) -> Iterator[Labelled]:
        for draw in range(draws):
            yield taught(labels, FOLD, generator(draw).choice(sick, count, replace=False), mixed=True)

    def called(name: str, factor: float) -> Iterator[Labelled]:
        montgomery = np.array([labels.cells.facts[i]["source"] == "montgomery" for i in normals])
        for draw in range(draws):
            rng, weight = generator(draw), np.ones(len(normals))
            if name == "hospital":
                weight = np.where(montgomery, factor, 1.0)
            elif name == "several":
                known = [quantiles(labels, normals, one) for one in dict.fromkeys(one for one, _ in STATISTICS[:-2])]
                z = np.asarray(rng.normal(size=len(known)) @ np.stack(known))
                weight = np.exp(factor * z / z.std())
            elif name != NOTHING:
                weight = np.exp(factor * quantiles(labels, normals, name))
            yield relabelled(labels, rng.choice(normals, LABELS, replace=False, p=weight / weight.sum()))

    for count in HONEST:
        yield f"disease, {count} abnormal films", True, count, ill(count)
    yield NOTHING, False, LABELS, called(NOTHING, 0)
    for name, factor in STATISTICS:
        yield f"{name.replace('_', ' ')}, k = {factor:g}", False, LABELS, called(name, factor)
    for factor in HOSPITAL:
        yield f"hospital, weight {factor:g}", False, LABELS, called("hospital", factor)
    for signal, scanner in SIMULATED:
        name = f"simulated, disease {signal:g}, statistic {scanner:g}"
        yield name, signal > 0, LABELS, (simulated(generator(draw), signal, scanner) for draw in range(draws))


def relabelled(labels: Labels, called: Places, *, mixed: bool = True) -> Labelled:
    """Return the normal films that teach, some of them called abnormal; `mixed` as for `taught`."""
    normal = ~labels.abnormal
    truth = np.zeros(len(normal), dtype=bool)
    truth[called] = True
    kept = np.flatnonzero(normal)
    place = {film: index for index, film in enumerate(kept.tolist())}
    facts = [labels.cells.facts[i] for i in kept]
    cells = replace(labels.cells, facts=facts, fine={}, deep={}, inside=labels.cells.inside[kept])
    some = Labels(cells, labels.fold[kept], truth[kept], labels.features[kept], labels.normal_score[:, :, kept])
    return taught(some, FOLD, np.array([place[one] for one in called.tolist()]), mixed=mixed)


def simulated(rng: np.random.Generator, signal: float, scanner: float, normals: int = 150) -> Labelled:
    """Return a simulated hospital: five features show the disease, five others a statistic that is known."""
    abnormal = np.arange(normals + LABELS) < LABELS
    known = rng.normal(size=len(abnormal)) + scanner * abnormal
    features = rng.normal(size=(len(abnormal), 60))
    features[:, :5] += signal * abnormal[:, None]
    features[:, 5:10] += 2 * known[:, None]
    base = rng.normal(size=len(abnormal)) + abnormal * (signal > 0)
    patients = [f"{rng.integers(10**9)}" for _ in abnormal]
    return Labelled(torch.from_numpy(features), base, abnormal, patients, known, statistics=known[:, None])


def label_check_row(site: Site, head: HeadName, draws: int = DRAWS) -> Row:
    """Return the row of a head: how often each check uses the labels, setting by setting."""
    began, lines = process_time(), []
    for name, honest, count, sites in settings_of(site.labels, draws):
        used = np.zeros(2, dtype=int)
        for films in sites:
            chosen = choose(films, head)
            used += [earlier(films, chosen), accepted(chosen)]
        before, after = (proportion(int(one), draws, without="no draw").to_json() for one in used)
        lines.append({"setting": name, "disease": honest, "abnormals": count, "before": before, "after": after})
        print(head, name, used.tolist(), flush=True)
    return {
        "recipe": f"{ROWS}{head}",
        "seed": 0,
        "head": head,
        "draws": draws,
        "settings": lines,
        "device": "cpu, 1 thread",
        "seconds": round(process_time() - began, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
    }


def label_check_section(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = [
        "## Does the check refuse labels that show a film statistic alone?",
        "`unseen adapt` uses the labels only where they show more than simple image statistics: a head can learn the "
        "scanner. The check compares the head's scores of abnormal films with those of normal films of like "
        "statistics, by a regression that the normal films alone fit, on pairs that the head has not seen "
        "(`screening.label_check`). *Used* is a difference above one standard error; the head `normals-covariance` has "
        "[a share that grows with it](#a-share-of-the-head-without-a-jump). The earlier one compared AUROCs, with the "
        "mix of the statistics, fitted to the few labels, taken out by a straight line.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts label-check` makes them.*"]
    rows = sorted(rows, key=lambda row: str(row["head"]))
    first = rows[0]
    lines = [
        [f"`{row['head']}`", one["setting"], "yes" if one["disease"] else "no", figure(one["before"]),
         figure(one["after"])]
        for row in rows
        for one in row["settings"]
    ]  # fmt: skip
    return [
        *title,
        f"Share of {first['draws']} draws in which the labels are used, with Clopper–Pearson intervals over the draws; "
        f"the draws share their films. The training films are those of Montgomery and Shenzhen outside of fold "
        f"{FOLD}. *Disease: no*: {LABELS} normal films are called abnormal, drawn with the weight exp(k z) of a "
        "statistic's normal quantile z (*several*: of a random sum of the statistics), or more often from Montgomery; "
        "these labels contain no other information, so each use is a false acceptance. Where the true difference is "
        "zero, it exceeds one standard error by chance in about 17 % of the draws. *Simulated*: hospitals with 150 "
        "normal and 10 abnormal films, whose only statistic is known; the numbers are the shifts of five features and "
        f"of the statistic. Settings of the check were chosen by these draws. {first['device']}, {first['date']}.",
        table(["head", "labels", "disease", "earlier check", "check"], lines),
        *(_mean(row) for row in rows),
    ]


def false_acceptances(row: Entry) -> tuple[float, float]:
    """Return the mean share of false acceptances over all settings of real films: earlier check and present one."""
    wrong = [one for one in row["settings"] if not one["disease"] and not one["setting"].startswith("simulated")]
    before, after = (float(np.mean([one[name]["value"] for one in wrong])) for name in ("before", "after"))
    return before, after


def _mean(row: Entry) -> str:
    before, after = false_acceptances(row)
    return (
        f"`{row['head']}`: mean share of false acceptances over the settings of real films {before:.2f} "
        f"by the earlier check, {after:.2f} by the present one."
    )
