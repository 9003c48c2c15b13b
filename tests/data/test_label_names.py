"""Labels under the names that a data set gives them: cells of a column, or folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data import making
from unseen.cli.console import UsageError, label_names
from unseen.data.label_names import LabelNames
from unseen.data.manifest import ManifestError, SourceError
from unseen.data.reading import films

FILM = making.image(making.ramp())
NAMES = LabelNames(normal=("Normal",), abnormal=("pneumonia",))


def test_options_of_a_command_name_one_class_or_both() -> None:
    assert label_names(["No Finding", "0"], None, "finding") == LabelNames(normal=("No Finding", "0"), column="finding")
    assert label_names(None, ["1"], "label") == LabelNames(abnormal=("1",))
    assert label_names(["0"], ["1", "2"], "label") == LabelNames(normal=("0",), abnormal=("1", "2"))
    assert label_names(None, None, "label") is None
    with pytest.raises(UsageError, match="--label-column"):
        label_names(None, None, "finding")


def test_folders_are_labels_whatever_their_case(tmp_path: Path) -> None:
    for folder in ("train/NORMAL", "train/PNEUMONIA/viral", "train/other"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.png").write_bytes(FILM)
    found = films(tmp_path / "train", labels=NAMES)
    assert [entry.label for entry in found.entries] == ["normal", "abnormal", None]
    assert [film.label for film in found] == ["normal", "abnormal", None]
    found = films(tmp_path / "train" / "*" / "a.png", labels=LabelNames(normal=("normal",)))
    assert [entry.label for entry in found.entries] == ["normal", None]
    assert {entry.label for entry in films(tmp_path / "train").entries} == {None}, "without names a folder says nothing"


def test_folders_above_the_given_one_say_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "pneumonia" / "NORMAL"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(FILM)
    assert films(folder, labels=LabelNames(normal=("normal",))).entries[0].label == "normal"
    with pytest.raises(SourceError, match="'pneumonia'; seen: NORMAL"):
        films(folder, labels=LabelNames(abnormal=("pneumonia",)))


def test_a_column_of_other_words_is_a_label_and_a_star_is_every_other_word(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("file,finding\na.png,No Finding\nb.png,Effusion\nc.png,\nd.png,Nodule|Mass\n", encoding="utf-8")
    names = LabelNames(normal=("no finding",), abnormal=("*",), column="finding")
    assert [entry.label for entry in films(path, labels=names).entries] == ["normal", "abnormal", None, "abnormal"]
    with pytest.raises(ManifestError, match="no column `label` to take labels from; the columns are: file, finding"):
        films(path, labels=LabelNames(normal=("no finding",)))


def test_a_name_that_no_film_has_is_an_error_with_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("file,label\na.png,healthy\nb.png,ill\n", encoding="utf-8")
    with pytest.raises(SourceError, match="no film is called 'sick'; seen: healthy, ill"):
        films(path, labels=LabelNames(normal=("healthy",), abnormal=("sick",)))
