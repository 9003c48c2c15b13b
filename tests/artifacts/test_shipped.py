"""The name of a model means the one of unseen-models only where there is no such path."""

from __future__ import annotations

from pathlib import Path

import pytest

from unseen.artifacts import bundle
from unseen.artifacts.bundle import BundleError
from unseen.artifacts.installation import located, shipped


def test_the_names_are_those_that_the_docs_give() -> None:
    assert [path.name for path in shipped()] == [
        "anatpaste-all-aligned",
        "ensemble-aligned",
        "ensemble-five",
        "lungs",
        "pca",
        "roi-sure",
    ]
    assert all(path.parent == Path("models") for path in shipped())


def test_a_name_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in shipped():
        assert bundle.load(name).card.weights_bytes > 0


def test_a_path_that_is_there_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = Path("models") / "pca"
    own.mkdir(parents=True)
    assert located(own) == own
    with pytest.raises(BundleError, match=r"models/pca: not a bundle"):
        bundle.load("models/pca")


def test_another_name_is_refused_with_those_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match=r"models/pac: not a bundle.*models/lungs, models/pca, models/roi-sure"):
        bundle.load("models/pac")
    with pytest.raises(BundleError, match="elsewhere/pca"):
        bundle.load("elsewhere/pca")
