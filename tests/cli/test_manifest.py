"""`unseen manifest`: labels by folder, by name and by table; patients; folds by patient; what is refused."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Say, World
from tests.cli.test_mistakes import told
from unseen.data.reading import films


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Films of six patients, two each, in normal/ and abnormal/; nothing opens them."""
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        for view in range(2):
            path = tmp_path / "films" / ("Normal" if number < 3 else "abnormal") / f"p{number}_{view}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / "films" / "notes.txt").touch()
    (tmp_path / "films" / ".hidden.png").touch()
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_labels_by_folder_and_patients_by_pattern(say: Say, here: Path) -> None:
    answer = say("manifest", "films", "--out", "deep/manifest.csv", "--patient", "(p[0-9]+)_", "--source", "ward")
    assert (answer.code, answer.out.splitlines()[0]) == (
        0,
        "12 films: 6 normal, 6 abnormal, 0 without a label: deep/manifest.csv",
    )
    entries = films(here / "deep" / "manifest.csv").entries
    assert {(entry.label, entry.patient, entry.source) for entry in entries} == {
        *(("normal", f"p{number}", "ward") for number in range(3)),
        *(("abnormal", f"p{number}", "ward") for number in range(3, 6)),
    }
    assert all(entry.path.is_file() for entry in entries)


def test_folds_keep_a_patient_together_and_spread_the_labels(say: Say, here: Path) -> None:
    words = ("manifest", "films", "--patient", "p[0-9]+", "--folds", 3)
    assert say(*words, "--out", "a/m.csv").code == say(*words, "--out", "b/m.csv").code == 0
    assert (here / "a" / "splits.csv").read_bytes() == (here / "b" / "splits.csv").read_bytes()
    fold_of: dict[str, set[str]] = {}
    for row in rows(here / "a" / "splits.csv"):
        fold_of.setdefault(Path(row["file"]).name[:2], set()).add(row["fold"])
    assert all(len(folds) == 1 for folds in fold_of.values())
    ill = sorted(min(fold_of[f"p{number}"]) for number in range(3, 6))
    assert ill == sorted(min(fold_of[f"p{number}"]) for number in range(3)) == ["0", "1", "2"]
    other = say("manifest", "films", "--patient", "p[0-9]+", "--folds", 3, "--seed", 7, "--out", "c/m.csv")
    assert other.code == 0
    assert (here / "c" / "splits.csv").read_bytes() != (here / "a" / "splits.csv").read_bytes()


def test_labels_by_file_name(say: Say, here: Path) -> None:
    answer = say("manifest", "films", "--label", r"_([01])\.png$", "--normal", 0, "--abnormal", 1)
    assert answer.code == 0, answer.err
    assert {(row["file"][-5], row["label"]) for row in rows(here / "manifest.csv")} == {
        ("0", "normal"),
        ("1", "abnormal"),
    }


def test_labels_by_a_table_in_which_every_other_word_is_abnormal(say: Say, here: Path) -> None:
    table = ["Image Index,Finding Labels", "p0_0.png,No Finding", "p1_0.png,Effusion|Nodule", "p2_0.png,"]
    (here / "labels.csv").write_text("\n".join(table), encoding="utf-8")
    words = ("--labels", "labels.csv", "--file-column", "Image Index", "--label-column", "Finding Labels")
    answer = say("manifest", "films", *words, "--normal", "No Finding")
    assert answer.out.startswith("12 films: 1 normal, 1 abnormal, 10 without a label")
    labels = {Path(row["file"]).name: row["label"] for row in rows(here / "manifest.csv")}
    assert (labels["p0_0.png"], labels["p1_0.png"], labels["p2_0.png"]) == ("normal", "abnormal", "")


def test_view_positions_by_the_table_of_the_labels(say: Say, here: Path) -> None:
    text = "file,label,View Position\np0_0.png,normal,PA\np1_0.png,ill, AP \np2_0.png,ill,\nelsewhere.png,ill,LATERAL\n"
    (here / "labels.csv").write_text(text, encoding="utf-8")
    words = ("manifest", "films", "--labels", "labels.csv", "--view-column", "View Position")
    assert say(*words, "--folds", 2, "--out", "manifest.csv").code == 0
    assert "view_position" not in rows(here / "splits.csv")[0]
    views = {Path(entry.name).name: entry.view_position for entry in films(here / "manifest.csv").entries}
    assert [views[f"p{number}_0.png"] for number in range(4)] == ["PA", "AP", None, None]
    (here / "labels.csv").write_text(text.replace(",PA", ",frontal"), encoding="utf-8")
    wrong = say(*words, "--out", "other.csv")
    assert (
        wrong.code == 2 and "the View Position of Normal/p0_0.png is 'frontal'. It must be one of AP, PA" in wrong.err
    )
    assert "labels.csv: has no column 'beam'" in say(*words[:-1], "beam", "--out", "other.csv").err
    alone = say("manifest", "films", "--view-column", "View Position", "--out", "other.csv")
    assert alone.code == 2 and "has an effect only with --labels. Give that table" in alone.err
    assert not (here / "other.csv").exists()


def test_a_folder_without_label_folders_is_listed_without_labels_and_scored(
    say: Say, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare").symlink_to(world.bare)
    answer = say("manifest", "bare", "--out", "deep/manifest.csv")
    assert (answer.code, answer.out) == (0, "12 films: 0 normal, 0 abnormal, 12 without a label: deep/manifest.csv\n")
    noted = " ".join(answer.err.split())
    assert "no film has a label. `unseen score` takes this manifest" in noted and "--normal" in noted
    assert "phantom" not in noted, "a film's name is not called a folder's"
    assert {row["label"] for row in rows(tmp_path / "deep" / "manifest.csv")} == {""}
    scored = say("score", world.pca, "--data", tmp_path / "deep" / "manifest.csv")
    assert scored.code == 0 and len(scored.out.splitlines()) == 12, scored.err


def test_folders_of_patients_are_listed_without_labels_and_named(say: Say, here: Path) -> None:
    (here / "films" / "Normal").rename(here / "films" / "ward-1")
    (here / "films" / "abnormal").rename(here / "films" / "ward-2")
    answer = say("manifest", "films")
    assert (answer.code, answer.out.splitlines()[0]) == (
        0,
        "12 films: 0 normal, 0 abnormal, 12 without a label: manifest.csv",
    )
    assert "no label for the folders ward-1, ward-2: name them with --normal NAME" in " ".join(answer.err.split())


def test_a_folder_whose_name_almost_is_a_label_is_not_passed_over(say: Say, here: Path) -> None:
    """Else a manifest with the abnormal films would be trained on as if all were normal."""
    (here / "films" / "Normal").rename(here / "films" / "NORMALS")
    (here / "films" / "abnormal").rename(here / "films" / "pneumonia")
    told(say("manifest", "films"), "films: none of the 12 films has a label.")
    assert not (here / "manifest.csv").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "nowhere: there is no such folder. Give the folder that holds the films."),
        (["empty"], "empty: holds no film (.png, .jpg, .jpeg, .webp, .dcm, .dicom, or a name without a suffix)."),
        (["films", "--normal", "healthy", "--abnormal", "ill"], "films: none of the 12 films has a label."),
        (["films", "--label", "_([89])"], "films: none of the 12 films has a label."),
        (
            ["films", "--labels", "words.csv"],
            "words.csv: labels none of the 12 films of films. The first film there is",
        ),
        (["films", "--labels", "numbers.csv", "--normal", "0"], "no cell of the column label is '0'; seen: 0.0, 1.0."),
        (
            ["films", "--labels", "both.csv"],
            "p0_0.png is both normal and abnormal ('normal' and 'Effusion', in two rows)",
        ),
        (
            ["films", "--normal", "healthy", "--abnormal", "abnormal"],
            "--normal healthy: no film of films is called so.",
        ),
        (
            ["films", "--patient", "q[0-9]+"],
            "finds nothing in this name. Change the pattern so that it fits every film.",
        ),
        (["films", "--patient", "(p"], "--patient '(p': is no regular expression"),
        (["films", "--label", "x", "--labels", "y.csv"], "give --label, a pattern, or --labels, a table, not both"),
        (
            ["films", "--labels", "none.csv"],
            "none.csv: the file cannot be read (No such file or directory).",
        ),
        (["films", "--labels", "table.csv"], "table.csv: has no column 'label'; its columns are: file. Name one by"),
        (["films", "--out", "table.csv"], "table.csv: is there already. Delete it, or give another --out"),
        (["films", "--label-column", "label"], "--label-column: has an effect only with --labels. Give that table"),
        (["films", "--file-column", "image"], "--file-column: has an effect only with --labels. Give that table"),
        (["films", "--seed", "0"], "--seed: has an effect only with --folds. Give --folds, too"),
        (["films", "--folds", "20"], "20 folds need 20 patients or more, and there are 12. Lower --folds."),
    ],
)
def test_bad_input_is_refused_in_a_sentence(say: Say, here: Path, words: list[str], sentence: str) -> None:
    (here / "empty").mkdir()
    (here / "table.csv").write_text("file\np0_0.png\n", encoding="utf-8")
    (here / "words.csv").write_text("file,label\nother.png,normal\n", encoding="utf-8")
    (here / "numbers.csv").write_text("file,label\np0_0.png,0.0\np5_0.png,1.0\n", encoding="utf-8")
    (here / "both.csv").write_text("file,label\np0_0.png,normal\np0_0.png,Effusion\n", encoding="utf-8")
    answer = say("manifest", *words)
    told(answer, sentence)
    assert not (here / "manifest.csv").exists()


def test_a_missing_value_in_a_table_is_no_label(say: Say, here: Path) -> None:
    (here / "labels.csv").write_text(
        "file,label\np0_0.png,normal\np1_0.png,NaN\np2_0.png,N/A\np3_0.png,\np4_0.png,Effusion\np4_0.png,Nodule\n",
        encoding="utf-8",
    )
    answer = say("manifest", "films", "--labels", "labels.csv")
    assert answer.out.startswith("12 films: 1 normal, 1 abnormal, 10 without a label"), answer.err


@pytest.mark.parametrize("normal", ["None", "none"])
def test_a_word_for_a_missing_value_is_a_label_where_it_is_given(normal: str, say: Say, here: Path) -> None:
    (here / "labels.csv").write_text("file,label\np0_0.png,None\np1_0.png,NaN\np4_0.png,Nodule\n", encoding="utf-8")
    answer = say("manifest", "films", "--labels", "labels.csv", "--normal", normal)
    assert answer.out.startswith("12 films: 1 normal, 1 abnormal, 10 without a label"), answer.err


def test_a_name_of_two_films_in_a_table_labels_neither(say: Say, here: Path) -> None:
    (here / "films" / "abnormal" / "p0_0.png").touch()
    table = here / "labels.csv"
    table.write_text("file,label\np0_0.png,normal\n", encoding="utf-8")
    told(say("manifest", "films", "--labels", table), "p0_0.png may be Normal/p0_0.png or abnormal/p0_0.png.")
    table.write_text("file,label\nNormal/p0_0.png,normal\nabnormal/p0_0.png,Effusion\n", encoding="utf-8")
    assert say("manifest", "films", "--labels", table).out.startswith("13 films: 1 normal, 1 abnormal, 11 without")


def test_a_table_with_two_views_of_a_film_is_refused(say: Say, here: Path) -> None:
    (here / "labels.csv").write_text("file,label,view\np0_0.png,normal,PA\np0_0.png,normal,AP\n", encoding="utf-8")
    answer = say("manifest", "films", "--labels", "labels.csv", "--view-column", "view")
    told(answer, "the view of p0_0.png is 'PA' in one row and 'AP' in another. Keep one of them.")


def test_a_name_that_is_no_utf8_is_refused_in_a_sentence(say: Say, here: Path) -> None:
    Path(os.fsdecode(b"films/abnormal/p\xff.png")).touch()
    told(say("manifest", "films"), r"films/abnormal/p\xff.png: the name is not UTF-8, so no manifest can hold it.")
    assert not (here / "manifest.csv").exists()
