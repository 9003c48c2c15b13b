"""The name of a model means the one of unseen-models only where there is no such path."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import unseen as un
from unseen.artifacts import bundle, installed_models
from unseen.artifacts.bundle import BundleError
from unseen.artifacts.installed_models import located, shipped


def test_the_names_are_those_that_the_docs_give() -> None:
    assert [path.name for path in shipped()] == [
        "anatpaste-all-aligned",
        "ensemble-aligned",
        "ensemble-five",
        "lungs",
        "pca",
        "phantom-ct",
        "phantom-denoiser",
        "phantom-inpainting",
        "phantom-screener",
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
    with pytest.raises(
        BundleError, match=r"models/pac: not a bundle.*models/pca, models/phantom-ct, .*models/roi-sure"
    ):
        bundle.load("models/pac")
    kinds = {str(name): bundle.card_of(name).kind for name in shipped()}
    loaders: tuple[tuple[Callable[[str], object], set[str]], ...] = (
        (un.detectors.load, {"detector"}),
        (un.detectors.finder_of, {"detector", "lungs"}),
        (un.reconstruction.load, {"reconstruction"}),
        (un.priors.load, {"generator"}),
    )
    for load, fit in loaders:
        with pytest.raises(BundleError, match=r"models/pac: not a bundle\.") as refused:
            load("models/pac")
        offered = set(re.findall(r"models/[a-z][\w-]*", str(refused.value))) - {"models/pac"}
        assert offered == {name for name, kind in kinds.items() if kind in fit}, load
        assert ("`unseen prior train` wrote" in str(refused.value)) == (fit == {"generator"})
    with pytest.raises(BundleError, match="elsewhere/pca"):
        bundle.load("elsewhere/pca")


def test_info_reports_cuda_libraries_that_a_machine_without_a_gpu_does_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen.artifacts.installation import installation

    if Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a GPU")
    before = installation()["could be saved"]
    folder = tmp_path / "nvidia_large-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: nvidia-large\nVersion: 1.0\n")
    (folder / "RECORD").write_text("nvidia/large.so,,2500000000\n")
    monkeypatch.syspath_prepend(tmp_path)
    after = installation()["could be saved"]
    assert after != before and "CPU build" in after and "GB: " in after


def test_a_damaged_installed_model_does_not_hide_that_a_name_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(installed_models._PHANTOM_MODELS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "phantom-ct" / "card.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(installed_models, "_PHANTOM_MODELS", tmp_path)
    with pytest.raises(BundleError, match=r"models/pac: not a bundle.*models/phantom-inpainting") as refused:
        un.reconstruction.load("models/pac")
    assert "phantom-ct" not in str(refused.value)
