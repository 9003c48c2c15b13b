"""`unseen adapt`: labelled films teach, and what they add is printed; the adapted model is calibrated on the others."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import LIMITS, Say
from tests.small_heads import small_heads
from unseen.anatomy.network_view import View
from unseen.artifacts import bundle
from unseen.data import phantoms
from unseen.detectors.pca import Pca
from unseen.detectors.saved import save


@pytest.fixture(scope="module", autouse=True)
def _small_heads() -> Iterator[None]:
    with small_heads():
        yield


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model, and the manifest of 55 labelled films."""
    folder = tmp_path_factory.mktemp("adapt")
    detector = Pca(view=View(frame="whole", size=32), components=4).fit(phantoms.normals(16, seed=1, size=64))
    save(detector, folder / "model", data="phantoms", licence="none")
    films = [*phantoms.normals(45, seed=3, size=64), *phantoms.abnormals(10, seed=4, size=64)]
    return folder / "model", phantoms.write(films, folder / "films")


def test_labels_teach_and_the_others_calibrate(labelled: tuple[Path, Path], tmp_path: Path, say: Say) -> None:
    model, data = labelled
    done = say("adapt", model, "--data", data, "--share", 0.8, "--licence", "CC0", "--out", tmp_path / "adapted")
    assert done.code == 0, done.err
    assert "AUROC among those that are new to the model" in done.out
    assert "beyond those statistics the labels add" in done.out
    card = bundle.load(tmp_path / "adapted").card
    assert card.name == "adapted" and card.licence == "CC0" and "labelled films" in card.data
    assert LIMITS in done.err
    made = say("calibrate", tmp_path / "adapted", "--data", data, "--max-miss-rate", 0.3, "--out", tmp_path / "p.json")
    assert made.code == 0 and (tmp_path / "p.json").is_file(), made.err
    assert "are labelled and scored, and 9 are needed" in made.out, made.out


def test_mistakes_are_sentences(labelled: tuple[Path, Path], tmp_path: Path, say: Say) -> None:
    model, data = labelled
    for words, complaint in (
        (("--share", 0.1), "films can teach. Label "),
        (("--share", 2), "share is 2"),
        (("--backbone", data), "manifest.csv"),
    ):
        done = say("adapt", model, "--data", data, "--out", tmp_path / "adapted", *words)
        assert done.code == 2 and complaint in done.err and "Traceback" not in done.err, done.err
        assert not (tmp_path / "adapted").exists()


def test_copies_of_an_abnormal_film_teach_once(labelled: tuple[Path, Path], tmp_path: Path, say: Say) -> None:
    model, data = labelled
    with data.open(encoding="utf-8") as file:
        films = list(csv.DictReader(file))
    original = next(film for film in films if film["label"] == "abnormal")
    rows = [(film["file"], "normal") for film in films if film["label"] == "normal"]
    for place in range(6):
        copy = data.parent / f"copy{place}.png"
        copy.write_bytes((data.parent / original["file"]).read_bytes())
        rows.append((copy.name, "abnormal"))
    manifest = data.with_name("copies.csv")
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "label"), *rows])
    few = say("adapt", model, "--data", manifest, "--share", 1, "--out", tmp_path / "adapted")
    assert few.code == 2 and "and 1 abnormal films can teach. Label 4 more abnormal films" in few.err, few.err


@pytest.mark.parametrize("command", ["adapt", "pilot", "calibrate"])
def test_films_that_are_not_read_are_named_and_set_the_exit_status(
    labelled: tuple[Path, Path], tmp_path: Path, say: Say, command: str
) -> None:
    model, manifest = labelled
    with_broken = manifest.with_name(f"with-broken-{command}.csv")
    names = manifest.read_text(encoding="utf-8").splitlines()[0].split(",")
    row = {"file": "gone.png", "label": "normal"}
    with_broken.write_text(
        manifest.read_text(encoding="utf-8") + ",".join(row.get(name, "") for name in names) + "\n", encoding="utf-8"
    )
    words = (command, model, "--data", with_broken, "--out", tmp_path / "out")
    if command == "adapt":
        few = say(*words, "--share", 0.1)
        assert few.code == 2 and "  1 film left out, not read\n" in few.err, few.err
        words += ("--share", 0.8)
    done = say(*words, "--json")
    assert done.code == 1 and (tmp_path / "out").exists(), done.err
    found = json.loads(done.out)
    assert found["not_read"] == 1
    assert any(note.startswith("not read: gone.png: There is no such file") for note in found["notes"])
    assert "1 film left out, not read" in found["notes"]


@pytest.mark.parametrize("command", ["adapt", "pilot"])
def test_a_folder_with_a_manifest_is_warned_of_before_its_labels_are_missed(
    labelled: tuple[Path, Path], tmp_path: Path, say: Say, command: str
) -> None:
    model, manifest = labelled
    done = say(command, model, "--data", manifest.parent, "--normal", "healthy", "--out", tmp_path / "out")
    said = " ".join(done.err.split())
    assert done.code == 2 and "Traceback" not in said
    assert f"warning: {manifest.parent} holds a manifest.csv, which is not used" in said


def test_labels_of_images_that_show_the_projection_are_refused_with_the_films_to_label(
    labelled: tuple[Path, Path], tmp_path: Path, say: Say
) -> None:
    """All ten abnormal films are AP and all normal ones PA; an AP film has a brighter middle."""
    films = [*phantoms.normals(40, seed=3, size=64), *phantoms.abnormals(10, seed=4, size=64)]
    rows, across = [], np.linspace(-1, 1, 64)
    for place, film in enumerate(films):
        ap = film.label == "abnormal"
        pixels = film.pixels + ap * 0.25 * np.exp(-((across / 0.3) ** 2))
        Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8)).save(tmp_path / f"{place}.png")
        rows.append((f"{place}.png", film.label, "AP" if ap else "PA"))
    printed = {}
    for stated in (True, False):
        manifest = tmp_path / f"{stated}.csv"
        with manifest.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(row[: 2 + stated] for row in [("file", "label", "view_position"), *rows])
        done = say("adapt", labelled[0], "--data", manifest, "--share", 1, "--out", tmp_path / f"adapted {stated}")
        assert done.code == 0, done.err
        printed[stated] = done.out
    assert "50 of 50 films state neither AP nor PA" in printed[False] and "state neither" not in printed[True]
    assert "0 % of the abnormal and 100 % of the normal films are PA\n" in printed[True]
    assert "label abnormal PA films or normal AP films. " in printed[True]
