"""`unseen gate`: a model's gate from a site's own normal films, and the films from a worklist."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import LIMITS, Say
from tests.data.making import image
from tests.worklist.reporting import look_and_report
from unseen.artifacts.installed_models import located
from unseen.data import phantoms
from unseen.screening.gate import learnt_rules
from unseen.screening.screener import load
from unseen_server.worklist.belonging import DATABASE
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.opening import KEY
from unseen_server.worklist.pseudonyms import write_site_key
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery


@pytest.mark.nightly
@pytest.mark.slow
def test_a_gate_is_fitted_to_what_readers_here_reported_normal(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    monkeypatch.setattr(learnt_rules, "DISTURBANCES", 1)  # disturbed copies of each film, that decide how much passes

    home, screener = tmp_path / "worklist", load("models/pca")
    home.mkdir()
    (home / DATABASE).touch()  # else the key is that of a worklist whose database is missing
    write_site_key(home / KEY, bytes(range(32)))  # pseudonyms decide which films set a limit of the gate
    with Store.open(home) as store:
        for number, film in enumerate(phantoms.normals(20, seed=8, size=128)):
            pixels = np.asarray(film.pixels * 255 + 0.5, dtype=np.uint8)
            store.films.receive(image(pixels), name=f"{number}.png", source="ward")
        Worker(store, lambda: screener).drain()
        differing = 0
        for row in store.studies.page(StudyQuery(tab="to_read", limit=200, blind=False)).rows:
            decision = store.studies.details(row.study, blind=False).decision
            differing += decision is not None and "[differs]" in decision.reason
            store.studies.claim(row.study, "ann")
            look_and_report(store, row.study, "ann", "normal")
    assert differing >= 16, "the shipped gate knows no phantoms"
    done = say("export", tmp_path / "tables", "--folder", home, "--labelled")
    assert done.code == 0 and "20 labelled films" in done.out, done.err
    done = say("gate", "models/pca", "--data", tmp_path / "tables" / "labelled.csv", "--out", tmp_path / "site")
    assert done.code == 0 and "gate from 20 normal films (weights " in done.out, done.err
    assert LIMITS in done.err
    assert passes_phantoms(tmp_path / "site")


def passes_phantoms(model: Path) -> bool:
    """Report whether the model's gate passes at least four of five new phantoms."""
    fitted = load(model)
    return sum(fitted(film).reason.startswith("no policy") for film in phantoms.normals(5, seed=9, size=128)) >= 4


def test_a_gate_is_fitted_to_films_of_a_manifest(tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learnt_rules, "DISTURBANCES", 1)
    films = phantoms.write(phantoms.normals(20, seed=8, size=128), tmp_path / "films")
    with films.open("a", encoding="utf-8") as file:
        file.writelines(f"gone-{label}.png,{label},{',' * 7}\n" for label in ("normal", "abnormal"))
    done = say("gate", "models/pca", "--data", films, "--out", tmp_path / "site")
    assert "gate from 20 normal films (weights " in done.out and LIMITS in done.err, done.err
    assert done.code == 1 and "  1 film left out, not read\n" in done.err, "an abnormal film is not an input"
    assert not passes_phantoms(Path("models/pca")) and passes_phantoms(tmp_path / "site")


def test_mistakes_are_sentences(tmp_path: Path, say: Say) -> None:
    few = phantoms.write(phantoms.normals(3, seed=8, size=64), tmp_path / "few")
    done = say("gate", "models/pca", "--data", few, "--out", tmp_path / "site")
    assert done.code == 2 and "20 normal films or more" in done.err
    masks_too = say("gate", "models/pca", "--data", few.parent, "--out", tmp_path / "site")
    assert masks_too.code == 2 and f"masks and all. Give {few}, or the folder" in " ".join(masks_too.err.split())
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("command", ["gate", "adapt"])
def test_a_model_that_is_replaced_is_named_before_the_work(tmp_path: Path, say: Say, command: str) -> None:
    films = phantoms.write(phantoms.normals(3, seed=8, size=64), tmp_path / "films")
    (tmp_path / "new").mkdir()
    note = "new: the new model replaces the one that is there"
    assert note not in say(command, "models/pca", "--data", films, "--out", tmp_path / "new").err
    there = shutil.copytree(located(Path("models/pca")), tmp_path / "new", dirs_exist_ok=True)
    before = (there / "card.json").read_bytes()
    done = say(command, "models/pca", "--data", films, "--out", there)
    assert done.code == 2 and note in done.err, done.err
    assert (there / "card.json").read_bytes() == before, "too few films: nothing is replaced"


@pytest.mark.parametrize("command", ["gate", "adapt"])
def test_a_folder_with_other_files_is_refused_and_kept(tmp_path: Path, say: Say, command: str) -> None:
    films = phantoms.write(phantoms.normals(20, seed=8, size=64), tmp_path / "films")
    before = sorted(films.parent.rglob("*"))
    done = say(command, "models/pca", "--data", films, "--out", films.parent)
    assert done.code == 2 and f"{films.parent}: holds other files" in done.err, done.err
    assert "looking at" not in done.err
    assert sorted(films.parent.rglob("*")) == before
