"""Patients for training and for testing: folds from the split file or by patient; a digest over every byte."""

from __future__ import annotations

import csv
import hashlib
import shutil
from pathlib import Path

import pytest

from tests.studies.conftest import World
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.data.film import Film
from unseen.data.patient_fold import FOLDS, fold_by_patient
from unseen.runs.cohort import (
    PHANTOM_LUNGS,
    cohort_of,
    lung_films,
    own_normals,
    phantom_normals,
)


@pytest.fixture
def copied(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the set, to change."""
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    return Path(shutil.copytree(world.data / "set", tmp_path / "set"))


def recipe(*, split: str | None = "set/splits.csv", manifest: str = "set/manifest.csv") -> Recipe:
    said = "" if split is None else f'split = "{split}"'
    return Recipe.from_toml(f'name = "x"\n[data]\nmanifest = "{manifest}"\n{said}\n[method]\nkey = "pca"\n')


def test_training_leaves_out_the_fold_and_every_abnormal_film(world: World) -> None:
    cohort = cohort_of(recipe())
    with (world.data / "set" / "splits.csv").open(newline="", encoding="utf-8") as file:
        fold_of = {row["file"]: int(row["fold"]) for row in csv.DictReader(file)}
    for fold in (0, 1, 2):
        names = {entry.name for entry in cohort.training(fold).entries}
        expected = {e.name for e in cohort.films.entries if e.label == "normal" and fold_of[e.name] != fold}
        assert names == expected and len(names) == 24
        tested = cohort.testing(fold).entries
        assert {e.name for e in tested} == {name for name, number in fold_of.items() if number == fold}
        assert {e.label for e in tested} == {"normal", "abnormal"}
        assert not names & {e.name for e in tested}
    assert len(cohort.training(None)) == 36


def test_only_training_films_come_with_their_lung_masks(world: World) -> None:
    cohort = cohort_of(recipe())
    learnt, tested = next(iter(cohort.training(1))), next(iter(cohort.testing(1)))
    assert isinstance(learnt, Film) and learnt.lungs is not None
    assert isinstance(tested, Film) and tested.lungs is None and tested.lesion is None


def test_films_without_a_label_are_neither_trained_on_nor_tested(copied: Path) -> None:
    text = (copied / "manifest.csv").read_text().splitlines()
    text[1] = text[1].replace(",normal,", ",,", 1)
    (copied / "manifest.csv").write_text("\n".join(text) + "\n")
    cohort = cohort_of(recipe())
    assert len(cohort.training(None)) == 35
    assert sum(len(cohort.testing(fold)) for fold in (0, 1, 2)) == 71


def test_without_a_split_file_folds_are_dealt_by_patient() -> None:
    cohort = cohort_of(recipe(split=None))
    for entry in cohort.films.entries:
        expected = int(hashlib.sha256(entry.patient.encode()).hexdigest(), 16) % 5
        assert cohort.fold_of[entry.name] == expected == fold_by_patient(entry.patient)
    folds = [fold_by_patient(f"patient-{i}") for i in range(2000)]
    assert set(folds) == set(range(FOLDS)) and all(abs(folds.count(fold) - 400) < 100 for fold in range(FOLDS))


def test_two_films_of_a_patient_lie_in_one_fold(copied: Path) -> None:
    with (copied / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (copied / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "patient": f"p{i // 4}"} for i, row in enumerate(rows))
    cohort = cohort_of(recipe(split=None))
    for fold in range(FOLDS):
        tested = {e.patient for e in cohort.testing(fold).entries}
        assert not tested & {e.patient for e in cohort.training(fold).entries}


def test_the_digest_changes_with_a_label_and_with_a_masks_bytes(copied: Path) -> None:
    before = cohort_of(recipe()).digest
    mask = next((copied / "lungs").iterdir())
    content = mask.read_bytes()
    mask.write_bytes(content + b"\0")
    assert cohort_of(recipe()).digest != before, "a finder that learnt from other masks is another finder"
    mask.write_bytes(content)
    manifest = copied / "manifest.csv"
    text = manifest.read_text()
    manifest.write_text(text.replace(",normal,", ",abnormal,", 1))
    assert cohort_of(recipe()).digest != before, "other normals are other training films"
    manifest.write_text(text)
    assert cohort_of(recipe()).digest == before


def test_the_digest_changes_with_a_films_bytes_a_fold_and_a_missing_file_and_with_nothing_else(copied: Path) -> None:
    before = cohort_of(recipe()).digest
    (copied / "notes.txt").write_text("not part of the set")
    assert cohort_of(recipe()).digest == before
    digests = {before}
    film = next((copied / "films").iterdir())
    content = film.read_bytes()
    film.write_bytes(content + b"\0")
    digests.add(cohort_of(recipe()).digest)
    film.unlink()
    digests.add(cohort_of(recipe()).digest)
    film.write_bytes(content)
    assert cohort_of(recipe()).digest == before
    split = copied / "splits.csv"
    text = split.read_text()
    head, first, *rest = text.splitlines()
    split.write_text("\n".join([head, first[:-1] + "4", *rest]) + "\n")
    digests.add(cohort_of(recipe()).digest)
    assert len(digests) == 4
    split.write_text("\n".join([head, *reversed([first, *rest])]) + "\n")
    assert cohort_of(recipe()).digest == before, "the order of rows does not count"


def test_what_is_not_there_or_does_not_fit_is_named(copied: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.manifest: .*none\.csv is not there\. Set UNSEEN_DATA"):
        cohort_of(recipe(manifest="set/none.csv"))
    with pytest.raises(RecipeError, match=r"data\.split: .*none\.csv is not there"):
        cohort_of(recipe(split="set/none.csv"))
    lines = (copied / "splits.csv").read_text().splitlines()
    (copied / "splits.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(RecipeError, match=f"gives no fold to {lines[-1].split(',')[0]}"):
        cohort_of(recipe())
    with pytest.raises(RecipeError, match=r"data\.manifest: missing"):
        cohort_of(Recipe.from_toml('name = "x"\n[method]\nkey = "pca"'))


def fixed(folder: Path, part_of: dict[str, str]) -> Recipe:
    """Return a recipe with one fixed split: the column `part` says what `part_of` says of a fold."""
    split = folder / "splits.csv"
    with split.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with split.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "fold", "part"])
        writer.writeheader()
        writer.writerows({**row, "part": part_of[row["fold"]]} for row in rows)
    base = recipe()
    return base.model_copy(update={"data": base.data.model_copy(update={"column": "part"})})


def test_a_column_of_the_split_says_what_is_trained_on_and_what_is_tested(copied: Path) -> None:
    folds = cohort_of(recipe()).fold_of
    cohort = cohort_of(fixed(copied, {"0": "train", "1": "test", "2": ""}))
    assert {entry.name for entry in cohort.films.entries} == {name for name, fold in folds.items() if fold != 2}
    learnt, tested = cohort.training(None).entries, cohort.testing(None).entries
    assert {folds[entry.name] for entry in learnt} == {0} and {entry.label for entry in learnt} == {"normal"}
    assert {folds[entry.name] for entry in tested} == {1} and {entry.label for entry in tested} == {
        "normal",
        "abnormal",
    }
    assert (len(learnt), len(tested)) == (12, 24)
    assert cohort.held_out is not None and cohort.testing(cohort.held_out).entries == tested
    film = next(iter(cohort.training(None)))
    assert isinstance(film, Film) and film.lungs is not None


def test_a_film_that_the_split_does_not_name_is_left_aside_and_another_part_is_another_digest(copied: Path) -> None:
    parts = {"0": "train", "1": "test", "2": ""}
    given = fixed(copied, parts)
    before = cohort_of(given)
    split = copied / "splits.csv"
    lines = split.read_text(encoding="utf-8").splitlines()
    last = next(line for line in reversed(lines) if line.endswith("train"))
    split.write_text("\n".join(line for line in lines if line != last) + "\n", encoding="utf-8")
    after = cohort_of(given)
    assert len(after.films.entries) == len(before.films.entries) - 1 and after.digest != before.digest
    split.write_text("\n".join(line for line in lines if not line.endswith(",")) + "\n", encoding="utf-8")
    assert cohort_of(given).digest == before.digest, "an empty entry is as good as none"
    assert cohort_of(fixed(copied, {"0": "test", "1": "train", "2": ""})).digest != before.digest


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        ({"0": "train", "1": "test", "2": "spare"}, "spare"),
        ({"0": "train", "1": "train", "2": ""}, "no train or no test"),
        ({"0": "", "1": "", "2": ""}, "no train or no test"),
    ],
)
def test_a_column_with_other_words_or_one_part_alone_is_refused(copied: Path, parts: dict[str, str], seen: str) -> None:
    with pytest.raises(RecipeError, match=rf"data\.column: part of .*splits\.csv must say train or test.*seen {seen}"):
        cohort_of(fixed(copied, parts))


def test_a_column_needs_its_split(copied: Path) -> None:
    base = recipe(split=None)
    given = base.model_copy(update={"data": base.data.model_copy(update={"column": "part"})})
    with pytest.raises(RecipeError, match=r"data\.column: part is a column of data\.split, which is missing"):
        cohort_of(given)
    with pytest.raises(RecipeError, match=r"data\.column: part of .*splits\.csv must say .*seen no train or no test"):
        cohort_of(given.model_copy(update={"data": given.data.model_copy(update={"split": "set/splits.csv"})}))


def test_ones_own_films_are_what_is_not_labelled_abnormal(world: World) -> None:
    cohort = own_normals(str(world.data / "set" / "manifest.csv"))
    assert len(cohort.films) == 36 and cohort.films.masks
    assert len(own_normals(str(world.data / "set" / "films")).films) == 72, "a folder says nothing of labels"


def test_training_phantoms_depend_on_the_recipes_seed() -> None:
    one = Recipe.from_toml('name = "x"\nseed = 1\n[method]\nkey = "pca"')
    other = one.model_copy(update={"seed": 2})
    (films, digest), (more, another) = phantom_normals(one), phantom_normals(other)
    assert digest != another and films[0].pixel_sha256 != more[0].pixel_sha256
    assert films[0].label == "normal"


@pytest.mark.nightly
def test_the_finder_learns_from_the_sources_that_the_recipe_names(world: World) -> None:
    plain = recipe()
    films = [film for film in cohort_of(plain).training(1) if isinstance(film, Film)]
    assert list(lung_films(plain, films)) == films
    chosen = plain.model_copy(update={"data": plain.data.model_copy(update={"lungs_from": ["montgomery"]})})
    assert list(lung_films(chosen, films)) == [film for film in films if film.source == "montgomery"]
    both = plain.model_copy(update={"data": plain.data.model_copy(update={"lungs_from": ["montgomery", "phantoms"]})})
    mixed = [film for film in lung_films(both, films) if isinstance(film, Film)]
    assert len(mixed) == sum(film.source == "montgomery" for film in films) + PHANTOM_LUNGS
    assert all(film.lungs is not None for film in mixed)
    assert not any(film.source == "shenzhen" for film in mixed)
