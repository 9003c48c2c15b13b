"""`unseen calibrate MODEL --data manifest.csv --max-miss-rate 0.05 --out policy.json`: from a score to a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console
from unseen.screening.guarantee import Guarantee

if TYPE_CHECKING:
    from unseen.screening.policy import Policy
    from unseen.screening.screened import Screened

_DEFAULT = Path("policy.json")


def calibrate(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="models' bundles: folders that `unseen train` printed, or models/pca; each gets a policy",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(help="labelled films: a manifest CSV with columns file, label, source, patient, study"),
    ] = None,
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    max_miss_rate: Annotated[
        float, typer.Option(help="the share of abnormal studies that may be cleared at most, per source")
    ] = Guarantee.max_miss_rate,
    confidence: Annotated[float, typer.Option(help="probability with which that holds")] = Guarantee.confidence,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="file of the policy, replaced if it exists; of several models: NAME-MODEL.json each. Default: a new "
            "file policy.json",
        ),
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(help="share of abnormal studies at the site; without it no probability is given"),
    ] = None,
    source_tag: Annotated[
        str | None, typer.Option(help="DICOM keyword that names a film's source, such as StationName")
    ] = None,
    lifetime: Annotated[
        int | None, typer.Option(help="number j of this calibration; all calibrations hold together (δ/2^j)", min=1)
    ] = None,
    jointly: Annotated[bool, typer.Option("--jointly", help="hold for all sources at once (δ/S each)")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="runtime of the networks; the policy holds for this one alone")
    ] = "torch",
) -> None:
    """Calibrate models on a site's labelled films: which films may be cleared, and how unusual a score is.

    Without --data, the command only reports how many abnormal studies must be labelled. The model's training films are
    left out. Cleared studies stay visible; readers should read a blinded sample of them.

    If too few abnormal studies of a source are labelled, the policy is written and clears nothing from this source;
    `missing` of --json has the number of abnormal studies to label, by source.

    Examples:

      unseen calibrate models/pca --max-miss-rate 0.05

      unseen calibrate models/pca --data labelled.csv --max-miss-rate 0.05 --out policy.json

      unseen calibrate models/pca models/roi-sure --data labelled.csv --prevalence 0.05 --out policy.json
    """
    from unseen.data.reading import films
    from unseen.screening.calibration_films import refuse_selected
    from unseen.screening.policy import PolicyError

    # Mistakes are reported before anything is printed, and before a model is loaded.
    console.check_encoding("out", policy)
    promise = Guarantee(max_miss_rate, confidence)
    spent = promise if lifetime is None else promise.spent(lifetime)
    for model in models:
        console.check_model(model, "detector")
    if prevalence is not None and not 0 < prevalence < 1:
        raise PolicyError(f"--prevalence is {prevalence}; give a share between 0 and 1, like 0.1")
    labels = console.label_names(normal, abnormal, label_column)
    paths: dict[Path, Path] = {}
    if data is not None:
        console.warn_of_unused_manifest(data)
        listed = films(data, labels=labels)
        refuse_selected(listed.entries)
        paths = _policy_paths(models, policy)
        for path in paths.values():
            console.check_output(path, inputs=console.files_read(listed, data), folders=models)
    if data is None:
        without_effect = {
            "--normal": normal, "--abnormal": abnormal, "--out": policy, "--prevalence": prevalence,
            "--source-tag": source_tag, "--jointly": jointly or None,
        }  # fmt: skip
        console.refuse(without_effect, "for labelled films, which --data names")
    if not jointly:  # else the number of sources counts, which the films' headers may name
        needed = _needed(spent)
        console.result(_needed_in_words(promise, needed), abnormals_needed=needed)
    if data is None:
        named = " ".join(map(str, models))
        console.note(
            f"next: unseen calibrate {named} --data labelled.csv --out policy.json. `unseen manifest` writes such a "
            "table from a folder with films: columns file, label, source, patient, study"
        )
        console.limits()
        return
    from unseen.artifacts.files import clear_leftovers
    from unseen.artifacts.folder_lock import sole_writer
    from unseen.cli.counted_films import CountedFilms
    from unseen.runs.kept_scores import kept_scores
    from unseen.screening.calibration import calibrate as fit
    from unseen.screening.screener import load

    labelled = CountedFilms(listed)
    most = [0, 0, 0]
    for model, path in paths.items():
        with sole_writer(path):
            uncalibrated = load(model, device=device, runtime=runtime)
            known = kept_scores(uncalibrated.detector, device=device)
            console.step(f"scoring {data} by {model}" if len(models) > 1 else f"scoring {data}")
            seen = _Seen()
            screener = fit(
                uncalibrated.detector,
                labelled,
                max_miss_rate,
                confidence,
                prevalence=prevalence,
                source_tag=source_tag,
                gate=uncalibrated.gate,
                lifetime=lifetime,
                jointly=jointly,
                progress=console.count_progress("scored", len(labelled)),
                watch=seen.add,
                scores=known,
            )
            if reused := seen.digests & known.keys():
                console.note(
                    f"the scores of {number_of(len(reused), 'film')} are those that `unseen evaluate` has computed"
                )
            assert screener.policy is not None
            screener.policy.save(path)
            clear_leftovers(path)  # of a calibration that was killed
        if screener.gate is None:
            console.warn(
                "this model has no input gate: an image that is no chest film is scored like one, and could be "
                f"cleared. Fit one with `unseen gate {model} --data NORMALS --out FOLDER`, and calibrate the new model"
            )
        lines = [*seen.lines(), *_with_remedies(screener.policy)]
        if jointly:
            needed = _needed(Guarantee(max_miss_rate, screener.policy.level))
            most = list(map(max, most, needed))  # models may leave out all patients of a source
            lines.insert(0, _needed_in_words(promise, needed, sources=len(screener.policy.sources)))
            console.result(None, abnormals_needed=most)
        missing = _missing(screener.policy)
        calibrated = {"model": model, "policy": path, "films": seen.labels, "missing": missing, "summary": lines}
        console.item("policies", "\n".join([*lines, f"policy: {path}"]), calibrated)
    raise labelled.end()


def _needed(spent: Guarantee) -> list[int]:
    """Return the number of abnormal studies of each source, for 0, 1 and 2 below the threshold."""
    return [spent.abnormals_needed(misses) for misses in range(3)]


def _needed_in_words(promise: Guarantee, needed: list[int], *, sources: int | None = None) -> str:
    """Describe the numbers of `_needed`; `sources`: of how many sources the guarantee holds at once, if it does."""
    jointly = "" if sources is None else f", for {number_of(sources, 'source')} at once,"
    return (
        f"The guarantee ({promise}){jointly} needs {needed[0]}, {needed[1]} or {needed[2]} labelled abnormal studies "
        "of each source, of which 0, 1 or 2 may lie below the threshold."
    )


def _missing(policy: Policy) -> dict[str, int]:
    """Return the number of abnormal studies to label, of each source from which nothing is cleared."""
    needed = Guarantee(policy.max_miss_rate, policy.level).abnormals_needed()
    sources = policy.sources.items()
    return {name: needed - source.abnormals for name, source in sources if source.threshold is None}


def _with_remedies(policy: Policy) -> Iterator[str]:
    """Describe a policy, with the options by which another calibration gets what this policy lacks."""
    from unseen.artifacts.percentile import FEWEST_NORMALS
    from unseen.screening.policy_summary import NO_PREVALENCE, policy_lines

    remedy = "Give the share of abnormal studies at the site with --prevalence."
    if policy.drift is not None:
        normals, abnormals = len(policy.drift.normals), len(policy.drift.abnormals)
        if min(normals, abnormals) < FEWEST_NORMALS:
            studies = f"{number_of(normals, 'normal study')} and {number_of(abnormals, 'abnormal study')}"
            remedy += f" Label more studies first: probabilities of {studies} are imprecise."
    for line in policy_lines(policy):
        yield f"{line} {remedy}" if line == NO_PREVALENCE else line
    if any(source.threshold is None and source.abnormals for source in policy.sources.values()):
        yield "A higher --max-miss-rate or a lower --confidence needs fewer abnormal studies."


def _policy_paths(models: list[Path], out: Path | None) -> dict[Path, Path]:
    """Return the file of each model's policy: `out` for one model, else `out` with the model's name.

    A file that is a symbolic link is the one to which it leads.

    Raises:
        UsageError: two models have one name, a file is a folder, or the default file exists.
    """
    given = out or _DEFAULT
    paths = {models[0]: given}
    if len(models) > 1:
        names = Counter(model.resolve().name for model in models)
        twice = next((name for name, count in names.items() if count > 1), None)
        if twice is not None:
            raise console.UsageError(
                f"two models are called {twice}, so their policies would have one name. Calibrate them one by one, "
                "each with its own --out"
            )
        paths = {model: given.with_name(f"{given.stem}-{model.resolve().name}{given.suffix}") for model in models}
    for model, path in paths.items():
        if path.is_dir():
            raise console.UsageError(f"{path}: is a folder. Give the name of a file, such as {path / _DEFAULT}")
        paths[model] = console.behind_link(path)
        console.check_output(paths[model])
        if out is None and path.exists():
            raise console.UsageError(
                f"{path}: is there already. Give another name with --out, or --out {_DEFAULT} to replace it"
            )
    return paths


@dataclass
class _Seen:
    """The labelled films of a calibration: how many, of how many patients, and which were refused."""

    labels: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    """Digests of the pixels of the scored films."""
    unnamed: int = 0
    """Films whose patient is not known: their study, or the film, counts as a patient of its own."""

    def add(self, one: Screened) -> None:
        from unseen.data.film import Film, NotRead
        from unseen.data.unknown_patients import is_unknown_patient

        label = one.label or "unlabelled"
        self.labels[label] += 1
        self.patients.add(one.film.patient)
        self.unnamed += is_unknown_patient(one.film.patient, one.film.name)
        if one.decision.score is not None and isinstance(one.film, Film):
            self.digests.add(one.film.pixel_sha256)
        else:
            reason = "not read" if isinstance(one.film, NotRead) else one.decision.reason.partition(":")[0]
            self.refused[reason, label] += 1

    def lines(self) -> Iterator[str]:
        films = number_of(self.labels.total(), "film")
        counts = ", ".join(f"{count:,} {label}" for label, count in sorted(self.labels.items(), reverse=True))
        if self.unnamed < self.labels.total():
            patients = number_of(len(self.patients), "patient")
            yield f"{films} of {patients}: {counts}; one study of each label counts per patient."
            if self.unnamed:
                unnamed = number_of(self.unnamed, "film", "has")
                yield f"{unnamed} no patient (column `patient`); a study without one counts as a patient."
        else:
            studies = "film" if len(self.patients) == self.labels.total() else "study"
            yield f"{films}: {counts}; no patient is known (column `patient`), so each {studies} counts."
        for (reason, label), count in self.refused.most_common():
            yield f"not scored: {number_of(count, f'{label} film')}, {reason}."
