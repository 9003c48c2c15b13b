"""`unseen calibrate`, `unseen score --policy`, `unseen pilot`: from films to decisions."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import unseen as un
from tests.cli.conftest import LIMITS, Say, World
from unseen.artifacts.folder_lock import sole_writer
from unseen.screening.guarantee import Guarantee


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """34 phantoms with a lesion and their 34 twins without."""
    folder = tmp_path_factory.mktemp("labelled")
    return Path(un.data.phantoms.write(un.data.phantoms.twins(34, seed=31, size=64), folder))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Looks at the whole film, needs no lungs, has no gate."""
    view = un.anatomy.View(frame="whole", size=32)
    detector = un.detectors.Pca(un.detectors.Pca.Config(components=10), view=view)
    folder = tmp_path_factory.mktemp("model") / "bundle"
    un.detectors.save(detector.fit(un.data.phantoms.normals(30, seed=1, size=64)), folder)
    return folder


def test_before_anything_is_labelled_it_says_how_many_are_needed(say: Say, model: Path) -> None:
    answer = say("calibrate", model, "--max-miss-rate", "0.05")
    assert answer.code == 0 and LIMITS in answer.err
    assert "needs 59, 93 or 124 labelled abnormal studies of each source" in answer.out
    assert f"next: unseen calibrate {model} --data labelled.csv --out policy.json" in answer.err
    assert "needs 36, " in say("calibrate", model, "--max-miss-rate", "0.1", "--lifetime", "1").out


def from_two_sources(pairs: int, folder: Path) -> Path:
    """Write pairs of labelled films of each of two sources; return their manifest."""
    films = [
        replace(film, source=source, name=f"{source} {film.name}", patient=f"{source} {film.patient}")
        for source, seed in (("north", 51), ("south", 52))
        for film in un.data.phantoms.twins(pairs, seed=seed, size=64)
    ]
    return un.data.phantoms.write(films, folder)


def test_a_joint_guarantee_needs_the_studies_of_its_number_of_sources(say: Say, model: Path, tmp_path: Path) -> None:
    labelled = from_two_sources(4, tmp_path / "labelled")
    words = ("calibrate", model, "--data", labelled, "--max-miss-rate", "0.05", "--jointly", "--out")
    needed = [Guarantee(0.05, 0.95).jointly(2).abnormals_needed(misses) for misses in range(3)]
    answer = say(*words, tmp_path / "policy.json")
    assert answer.code == 0, answer.err
    assert needed[0] == 72
    assert f", for 2 sources at once, needs {needed[0]}, {needed[1]} or {needed[2]} labelled" in answer.out
    assert "59" not in answer.out and "72 are needed. Label 68 more from north" in answer.out
    found = json.loads(say(*words, tmp_path / "policy.json", "--json").out)
    assert found["abnormals_needed"] == needed and found["policies"][0]["missing"] == {"north": 68, "south": 68}


def test_mistakes_are_reported_before_anything_is_printed(say: Say, model: Path, tmp_path: Path) -> None:
    for words, sentence in (
        (("calibrate", model, "--data", tmp_path / "gone.csv"), "gone.csv"),
        (("calibrate", tmp_path / "none", "--max-miss-rate", "0.1"), "none: not a bundle"),
        (("calibrate", model, "--prevalence", "3"), "--prevalence is 3.0; give a share between 0 and 1"),
        (("calibrate", model, "--prevalence", "0.1", "--jointly"), "--prevalence, --jointly: for labelled films, whi"),
        (("calibrate", model, "--normal", "0", "--out", tmp_path / "policy.json"), "--normal, --out: for labelled"),
        (("calibrate", model, "--source-tag", "StationName"), "--source-tag: for labelled films, which --data names"),
    ):
        answer = say(*words)
        assert answer.code == 2 and sentence in answer.err, answer.err
        assert answer.out == ""


def test_studies_that_were_read_because_of_their_scores_are_refused(
    say: Say, model: Path, labelled: Path, tmp_path: Path
) -> None:
    chosen = labelled.parent / "selected.csv"
    table = pl.read_csv(labelled, infer_schema=False)
    table.with_columns(pl.Series("selected_by_policy", ["yes", "yes", *[""] * (len(table) - 2)])).write_csv(chosen)
    answer = say("calibrate", model, "--data", chosen, "--out", tmp_path / "policy.json")
    assert answer.code == 2 and not (tmp_path / "policy.json").exists()
    said = " ".join(answer.err.split())
    assert "2 films are of studies that were read because of their scores" in said and "--with-selected" in said
    with pytest.raises(un.screening.PolicyError, match="read because of their scores"):
        un.screening.calibrate(un.screening.load(model).detector, un.data.films(chosen))
    table.with_columns(pl.lit("").alias("selected_by_policy")).write_csv(chosen)
    assert say("calibrate", model, "--data", chosen, "--out", tmp_path / "policy.json").code == 0


def test_a_policy_is_replaced_only_if_it_is_named(
    say: Say, model: Path, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("calibrate", model, "--data", labelled, "--max-miss-rate", "0.3")
    (tmp_path / "policy.json").write_text("the hospital's policy")
    refused = say(*words)
    assert refused.code == 2 and refused.out == ""
    assert "policy.json: is there already. Give another name with --out, or --out policy.json to replace it" in (
        refused.err
    )
    assert (tmp_path / "policy.json").read_text() == "the hospital's policy"
    several = model.with_name("copy")
    shutil.copytree(model, several)
    (tmp_path / "policy-copy.json").write_text("another one")
    assert "policy-copy.json: is there already" in say("calibrate", model, several, *words[2:]).err
    assert (tmp_path / "policy-copy.json").read_text() == "another one"
    named = say(*words, "--out", "policy.json")
    assert named.code == 0, named.err
    assert un.screening.Policy.load("policy.json").max_miss_rate == 0.3
    folder = say(*words, "--out", tmp_path)
    assert folder.code == 2 and folder.out == "" and "is a folder. Give the name of a file" in folder.err


def test_one_command_writes_a_policy_at_a_time_and_removes_what_a_killed_one_left(
    say: Say, model: Path, labelled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "policy.json"
    words = ("calibrate", model, "--data", labelled, "--max-miss-rate", "0.3", "--out", out)
    left = tmp_path / ".policy.json.0123abcd.tmp"
    left.write_text("half a policy")
    with sole_writer(out):
        second = say(*words)
    assert second.code == 2 and f"{out}: another command is writing it. Wait until it ends" in second.err
    assert not out.exists()
    assert say(*words).code == 0
    assert list(tmp_path.iterdir()) == [out]


def _manifest(folder: Path, films: Sequence[un.data.Film], rows: Sequence[Mapping[str, str]]) -> Path:
    """Write films, and a manifest with the given cells in the place of theirs."""
    written = un.data.phantoms.write(films, folder)
    with written.open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    path = folder / "labelled.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["file", *rows[0]])
        table.writeheader()
        table.writerows({"file": name} | dict(row) for name, row in zip(names, rows, strict=True))
    return path


def test_films_of_a_study_count_once_where_no_patient_is_known(say: Say, model: Path, tmp_path: Path) -> None:
    """Twelve films of six studies; with their films counted, 9 would be enough."""
    films = un.data.phantoms.abnormals(12, seed=7, size=64)
    rows = [{"label": "abnormal", "source": "ward", "study": f"S{place // 2}"} for place in range(12)]
    data, out = _manifest(tmp_path / "films", films, rows), tmp_path / "policy.json"
    done = say("calibrate", model, "--data", data, "--max-miss-rate", "0.3", "--out", out)
    assert done.code == 0, done.err
    assert "12 films: 12 abnormal; no patient is known (column `patient`), so each study counts." in done.out
    assert "6 abnormal studies are labelled and scored, and 9 are needed. Label 3 more from ward." in done.out
    scored = say("score", model, "--data", data, "--policy", out)
    assert scored.code == 0, scored.err


def test_other_films_of_patients_who_taught_the_model_are_left_out(
    say: Say, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taught = un.data.phantoms.normals(30, seed=1, size=64)[0]
    films = [taught, *un.data.phantoms.abnormals(12, seed=7, size=64)]
    patients = ["P0", "P0", "P0", *(f"P{place}" for place in range(1, 10)), ""]
    rows = [
        {"label": str(film.label), "source": "ward", "patient": patient, "study": f"S{place}"}
        for place, (film, patient) in enumerate(zip(films, patients, strict=True))
    ]
    data = _manifest(tmp_path / "films", films, rows)
    done = say("calibrate", model, "--data", data, "--max-miss-rate", "0.3", "--out", tmp_path / "policy.json")
    assert done.code == 0, done.err
    assert "2 studies left out: the model was trained on other films of these patients" in caplog.text
    assert "from 10 abnormal studies" in done.out
    assert "1 film has no patient (column `patient`); a study without one counts as a patient." in done.out


def test_films_listed_again_are_counted_and_an_unknown_source_is_none(
    say: Say, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    films = un.data.phantoms.abnormals(10, seed=7, size=64)
    data = _manifest(tmp_path / "films", films, [{"label": "abnormal", "source": "NaN"}] * 10)
    lines = data.read_text(encoding="utf-8").splitlines()
    data.write_text("\n".join([*lines, *lines[1:3], lines[2]]) + "\n", encoding="utf-8")
    out = tmp_path / "policy.json"
    done = say("calibrate", model, "--data", data, "--max-miss-rate", "0.3", "--out", out)
    assert done.code == 0, done.err
    assert "from 10 abnormal studies" in done.out
    assert "2 films are listed more than once, such as films/" in caplog.text
    assert set(un.screening.Policy.load(out).sources) == {"films"}


def test_a_table_that_is_no_manifest_is_named(say: Say, model: Path, labelled: Path, tmp_path: Path) -> None:
    table = tmp_path / "labelled.tsv"
    table.write_text(labelled.read_text(encoding="utf-8").replace(",", "\t"), encoding="utf-8")
    done = say("calibrate", model, "--data", table, "--out", tmp_path / "policy.json")
    assert done.code == 2 and "Traceback" not in done.err
    assert f"{table} is taken for an image: a manifest is a file .csv or .parquet. Save the table as CSV" in done.err


def test_a_calibration_number_beyond_the_precision_is_refused(say: Say, model: Path) -> None:
    for number in ("60", "100000"):
        done = say("calibrate", model, "--lifetime", number)
        assert done.code == 2 and f"calibration number {number}: the share of the confidence" in done.err, done.err


def test_a_policy_is_written_where_a_link_leads(say: Say, model: Path, labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text("old")
    link = tmp_path / "current.json"
    link.symlink_to("site.json")
    done = say("calibrate", model, "--data", labelled, "--max-miss-rate", "0.3", "--out", link)
    assert done.code == 0, done.err
    assert link.is_symlink() and un.screening.Policy.load(tmp_path / "site.json").max_miss_rate == 0.3
    several = tmp_path / "copy"
    shutil.copytree(model, several)
    (tmp_path / "current-copy.json").symlink_to("site-copy.json")
    done = say("calibrate", model, several, "--data", labelled, "--max-miss-rate", "0.4", "--out", link)
    assert done.code == 0, done.err
    assert un.screening.Policy.load(tmp_path / "site.json").max_miss_rate == 0.3
    for name in ("site-copy.json", "current-bundle.json"):
        assert un.screening.Policy.load(tmp_path / name).max_miss_rate == 0.4
    assert (tmp_path / "current-copy.json").is_symlink() and not (tmp_path / "site-bundle.json").exists()
    (tmp_path / "scores.csv").write_text("old")
    table = tmp_path / "today.csv"
    table.symlink_to("scores.csv")
    scored = say("score", model, "--data", labelled, "--out", table)
    assert scored.code == 0, scored.err
    assert table.is_symlink() and (tmp_path / "scores.csv").read_text().startswith("file,")


@pytest.mark.slow
def test_from_labelled_films_to_decisions_and_a_pilot(say: Say, model: Path, labelled: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    answer = say("calibrate", model, "--data", labelled, "--max-miss-rate", "0.10", "--out", policy)
    assert answer.code == 0, answer.err
    assert (
        "phantom: at most 10 % of abnormal studies missed, with 95 % confidence, from 34 abnormal studies" in answer.out
    )
    warned = " ".join(answer.err.split())
    assert (
        f"cleared. Fit one with `unseen gate {model} --data NORMALS --out FOLDER`, and calibrate the new model"
        in warned
    )
    assert "the share of abnormal studies at the site with --prevalence." in answer.out
    assert "--max-miss-rate" not in answer.out and "as an audit sample." in answer.out
    threshold = json.loads(policy.read_text())["sources"]["phantom"]["threshold"]

    out = tmp_path / "decisions.csv"
    assert say("score", model, "--data", labelled, "--policy", policy, "--out", out).code == 0
    rows = pl.read_csv(out)
    assert rows.columns == [
        "file", "status", "score", "reason", "map", "percentile", "reference", "probability", "decision",
    ]  # fmt: skip
    assert set(rows["reference"]) == {"34 normals of the calibration"}
    cleared = rows["decision"] == "clear"
    assert (cleared == (rows["score"] < threshold)).all() and set(rows["decision"]) == {"clear", "read"}
    assert rows["probability"].null_count() == len(rows), "no prevalence was entered"
    assert "No probabilities: no prevalence was entered." in answer.out
    printed = say("score", model, "--data", labelled, "--policy", policy).out.splitlines()
    assert len(printed) == len(rows) and printed[0].split("\t")[2] == rows["decision"][0]
    assert printed[0].split("\t")[3] == rows["file"][0], "without a prevalence no column is empty"
    columns = "  columns, separated by tabs: score, percentile, decision, file, reason"
    assert columns in (shown := say("score", model, "--data", labelled, "--policy", policy).err), shown
    assert f"scored: {len(rows)} of {len(rows)}" in shown, "rows come after all films: the count shows how far it is"
    assert printed[0].split("\t")[1] == f"higher than {int(rows['percentile'][0])} % of 34 normals of the calibration"

    films = Path(labelled).parent / "films"  # a folder, whose name is then the source
    other = say("score", model, sorted(films.iterdir())[0], "--policy", policy)
    assert "1 of 1 film is of a source that the policy was not calibrated for" in other.err
    assert "unseen manifest --source NAME" in " ".join(other.err.split())

    refused = say("calibrate", model, "--data", labelled, "--max-miss-rate", "0.05", "--out", tmp_path / "p5.json")
    assert (
        "phantom: nothing is cleared; 34 abnormal studies are labelled and scored, and 59 are needed. Label 25 more "
        "from phantom." in refused.out
    )
    assert "A higher --max-miss-rate or a lower --confidence needs fewer abnormal studies." in refused.out
    assert "audit sample" not in refused.out
    assert refused.out.count("--prevalence") == refused.out.count("prevalence was entered") == 1
    assert refused.out.lower().count("miss rate") + refused.out.count("--max-miss-rate") == 1, refused.out
    assert refused.code == 0 and (tmp_path / "p5.json").is_file(), "the policy ranks films"
    words = ("calibrate", model, "--data", labelled, "--json", "--out", tmp_path / "p6.json", "--max-miss-rate")
    for rate, missing in (("0.05", {"phantom": 25}), ("0.1", {})):
        answer = say(*words, rate)
        assert answer.code == 0, answer.err
        made = json.loads(answer.out)["policies"][0]
        assert made["missing"] == missing

    archive = Path(un.data.phantoms.write(un.data.phantoms.twins(6, seed=32, size=64), tmp_path / "archive"))
    pilot = say("pilot", model, "--data", archive, "--policy", policy, "--out", tmp_path / "pilot")
    assert pilot.code == 0, pilot.err
    assert "12 studies; AUROC of the order" in pilot.out
    page = (tmp_path / "pilot" / "pilot.html").read_text()
    assert LIMITS in page and json.loads((tmp_path / "pilot" / "pilot.json").read_text())["studies"] == 12
    again = say("pilot", model, "--data", labelled, "--policy", policy, "--out", tmp_path / "again")
    assert "0 studies" in again.out
    assert "left out: the model was trained or the policy calibrated on films of these patients" in again.err


def test_another_models_policy_is_refused_in_a_sentence(say: Say, world: World, model: Path, tmp_path: Path) -> None:
    un.screening.Policy(model="other", weights_sha256="ab" * 32, max_miss_rate=0.1, confidence=0.95, level=0.95).save(
        tmp_path / "policy.json"
    )
    film = sorted(world.bare.iterdir())[0]
    answer = say("score", model, film, "--policy", tmp_path / "policy.json")
    assert answer.code == 2 and "calibrated for other with the weights abababababababab…" in answer.err
    assert "Traceback" not in answer.err
    wrong = say("calibrate", model, "--max-miss-rate", "5")
    assert wrong.code == 2 and "--max-miss-rate is 5.0; give a share between 0 and 1" in wrong.err


def test_refusals_are_counted_by_reason_and_label_and_patients_where_they_are_known(
    say: Say, model: Path, labelled: Path, tmp_path: Path
) -> None:
    rows = labelled.read_text(encoding="utf-8").splitlines()
    header, films = (
        rows[0].split(","),
        [dict(zip(rows[0].split(","), row.split(","), strict=True)) for row in rows[1:9]],
    )
    broken = labelled.with_name("broken.png")
    broken.write_bytes(b"no film")
    films.append(films[0] | {"file": "broken.png", "label": "abnormal", "mask": "", "lesion": ""})
    for named in (True, False):
        path = labelled.with_name(f"few-{named}.csv")
        kept = [name for name in header if named or name not in ("patient", "study")]
        lines = [",".join(kept), *(",".join(film[name] for name in kept) for film in films)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        answer = say("calibrate", model, "--data", path, "--max-miss-rate", "0.3", "--out", tmp_path / "p.json")
        assert answer.code == 1, answer.err
        assert "not scored: 1 abnormal film, not read." in answer.out
        assert "not read: broken.png: " in answer.err
        assert "with --prevalence. Label more studies first: probabilities of 4 normal studies and 4 " in answer.out
        assert ("patients: 4 normal, 5 abnormal; one study of each label counts per patient" in answer.out) == named
        assert ("9 films: 4 normal, 5 abnormal; no patient is known" in answer.out) == (not named)


def test_normals_that_the_model_learnt_from_are_left_out_and_it_is_said(
    say: Say, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    films = [replace(film, source="ward") for film in un.data.phantoms.normals(30, seed=1, size=64)]
    films += [replace(film, source="ward") for film in un.data.phantoms.abnormals(12, seed=7, size=64)]
    labelled = un.data.phantoms.write(films, tmp_path / "labelled")
    policy = tmp_path / "policy.json"
    options = ("--confidence", "0.9", "--jointly", "--source-tag", "StationName")
    answer = say("calibrate", model, "--data", labelled, "--max-miss-rate", "0.3", "--out", policy, *options)
    assert answer.code == 0, answer.err
    kept = json.loads(policy.read_text(encoding="utf-8"))
    assert (kept["confidence"], kept["jointly"], kept["source_tag"]) == (0.9, True, "StationName")
    assert kept["level"] == pytest.approx(0.9)
    assert "30 normal films left out: the model was trained on them. Hold normal films back" in caplog.text
    assert "none of its normal studies was scored, so the share that it clears is unknown." in answer.out
    assert "No probabilities: they need normal and abnormal studies that were scored; here 0 normal" in answer.out
    assert "not given" not in answer.out
    read = say("score", model, "--data", labelled, "--policy", policy)
    threshold = kept["sources"]["ward"]["threshold"]
    reasons = {line.split("\t")[4] for line in read.out.splitlines() if line.split("\t")[2] == "read"}
    assert {line.split("\t")[1] for line in read.out.splitlines()} == {"no percentile"}
    assert "no reference: this model keeps no scores of its training normals; a percentile needs 20 normals of the" in (
        " ".join(read.err.split())
    )
    assert reasons == {f"its score is at or above the threshold of ward ({threshold:.4g}), so it is not cleared"}


@pytest.mark.nightly
def test_a_pilot_names_what_it_leaves_out(say: Say, model: Path, tmp_path: Path) -> None:
    films = [*un.data.phantoms.normals(30, seed=1, size=64), *un.data.phantoms.abnormals(2, seed=7, size=64)]
    archive = un.data.phantoms.write(films, tmp_path / "archive")
    lines = archive.read_text(encoding="utf-8").splitlines()
    lines[-1] = lines[-1].replace(",abnormal,", ",,", 1)
    archive.write_text("\n".join(lines), encoding="utf-8")
    answer = say("pilot", model, "--data", archive, "--out", tmp_path / "pilot")
    assert answer.code == 0 and answer.out.startswith("1 study;"), answer.out + answer.err
    said = "30 studies left out: the model was trained on films of these patients. Hold studies back for the pilot"
    assert said in answer.err and "1 film of studies without a label left out" in answer.err


@pytest.mark.nightly
@pytest.mark.slow
def test_options_reach_the_policy(say: Say, model: Path, tmp_path: Path) -> None:
    """--jointly splits δ over the sources: no threshold is higher; --confidence and --prevalence are kept."""
    labelled = from_two_sources(30, tmp_path / "labelled")
    found = {}
    for name, words in {"each": [], "jointly": ["--jointly"]}.items():
        out = tmp_path / f"{name}.json"
        asked = ["--max-miss-rate", "0.1", "--confidence", "0.9", "--prevalence", "0.02", "--out", out, *words]
        answer = say("calibrate", model, "--data", labelled, *asked)
        assert answer.code == 0, answer.err
        found[name] = json.loads(out.read_text(encoding="utf-8"))
    each, jointly = found["each"], found["jointly"]
    assert (each["jointly"], jointly["jointly"]) == (False, True)
    assert each["confidence"] == jointly["confidence"] == 0.9
    assert each["level"] == pytest.approx(0.9) and jointly["level"] == pytest.approx(1 - 0.1 / 2)
    assert each["probability"]["prevalence"] == 0.02
    assert set(jointly["sources"]) == {"north", "south"}
    for source in ("north", "south"):
        assert jointly["sources"][source]["threshold"] <= each["sources"][source]["threshold"]


@pytest.mark.nightly
def test_a_source_tag_is_asked_of_dicom_files(say: Say, model: Path, tmp_path: Path) -> None:
    films = [replace(film, source="north") for film in un.data.phantoms.twins(30, seed=31, size=64)]
    labelled = un.data.phantoms.write(films, tmp_path / "labelled")
    out = tmp_path / "policy.json"
    answer = say(
        "calibrate", model, "--data", labelled, "--source-tag", "StationName", "--out", out, "--max-miss-rate", "0.1"
    )
    assert answer.code == 0, answer.err
    assert json.loads(out.read_text(encoding="utf-8"))["source_tag"] == "StationName"


@pytest.mark.nightly
def test_one_run_calibrates_several_models(say: Say, model: Path, labelled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    view = un.anatomy.View(frame="whole", size=32)
    un.detectors.save(un.detectors.Dct(view=view).fit(un.data.phantoms.normals(30, seed=1, size=64)), other)
    out = tmp_path / "site.json"
    answer = say("calibrate", model, other, "--data", labelled, "--max-miss-rate", "0.3", "--out", out)
    assert answer.code == 0, answer.err
    paths = {one: tmp_path / f"site-{one.name}.json" for one in (model, other)}
    assert not out.exists() and all(f"policy: {path}" in answer.out for path in paths.values())
    for one, path in paths.items():
        assert un.screening.load(one, path).reference.words == "34 normals of the calibration"
    twice = say("calibrate", model, model, "--data", labelled, "--out", out)
    assert twice.code == 2 and f"two models are called {model.name}" in twice.err
