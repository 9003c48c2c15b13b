"""The comparison with deepinv: paired differences, equal trainings, and the page."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest
import torch

from studies.against_deepinv import training
from studies.against_deepinv.page import deepinv_page, difference
from studies.against_deepinv.problems import CONTESTS, contest_of
from studies.against_deepinv.rows import STUDY, name_of
from studies.row_files import read_study
from studies.rows import Row
from unseen.artifacts.recipe import RecipeError
from unseen.networks.residual_unet import ResidualUNet

ROOT = Path(__file__).parents[2]
SIDE = ROOT / "studies" / "against_deepinv" / "deepinv_side.py"


def row(arm: str, seed: int, psnr: list[float]) -> tuple[str, Row]:
    facts = {"problem": "mri", "arm": arm, "seed": seed, "units": list(range(len(psnr)))}
    return name_of("mri", arm, seed), facts | {"by_picture": {"psnr": psnr, "ssim": psnr}}


def test_a_difference_is_paired_by_image_and_seed() -> None:
    """Images that differ by far more than the libraries do: only the paired interval is narrow."""
    rows = dict(
        [
            *(row("unseen", seed, [10.2 + seed, 20.2 + seed, 30.2 + seed]) for seed in (0, 1, 2)),
            *(row("deepinv", seed, [10.0 + seed, 20.0 + seed, 30.0 + seed]) for seed in (2, 1, 0)),
            row("tv", 0, [12.0, 22.0, 32.0]),
        ]
    )
    found = difference(rows, "mri", "psnr")
    assert found is not None and found.seeds == 3 and found.verdict == 1
    assert (found.figure.value, found.figure.low, found.figure.high) == pytest.approx((0.2, 0.2, 0.2))
    tv = difference(rows, "mri", "psnr", "tv")
    assert tv is not None and tv.seeds == 3 and tv.figure.value == pytest.approx(0.2 + 1 - 2)


def test_only_seeds_that_both_have_are_compared() -> None:
    rows = dict([row("unseen", 0, [1.0, 2.0]), row("unseen", 1, [9.0, 9.0]), row("deepinv", 0, [2.0, 3.0])])
    found = difference(rows, "mri", "psnr")
    assert found is not None and found.seeds == 1 and found.figure.value == pytest.approx(-1) and found.verdict == -1
    assert difference(rows, "ct", "psnr") is None


def test_both_libraries_have_as_many_options_and_whole_epochs() -> None:
    for name, contest in CONTESTS.items():
        assert len(contest.options("unseen")) == len(contest.options("deepinv")) == 2, name
        assert contest.steps % contest.epochs == 0, name
    with pytest.raises(RecipeError, match="deblurring: no such problem; there are mri"):
        contest_of("deblurring")


def test_the_network_is_loaded_without_the_package() -> None:
    """deepinv's environment has torch alone: the file must import nothing else of `unseen`."""
    path = ROOT / "src" / "unseen" / "networks" / "residual_unet.py"
    imported = {
        (node.module or "").partition(".")[0] if isinstance(node, ast.ImportFrom) else alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= {"itertools", "torch"}
    found = importlib.util.spec_from_file_location("residual_unet", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    first, again = ResidualUNet(features=4, depth=2), module.ResidualUNet(features=4, depth=2)
    again.load_state_dict(first.state_dict())
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first(x), again(x))


def test_nothing_beside_deepinvs_script_hides_what_it_imports() -> None:
    beside = {path.stem for path in SIDE.parent.glob("*.py")}
    for node in ast.walk(ast.parse(SIDE.read_text(encoding="utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        assert not beside & {module.partition(".")[0] for module in modules}


def test_without_deepinvs_environment_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(training, "PEERS", tmp_path / "python")
    with pytest.raises(RecipeError, match="`make peers` installs deepinv"):
        training.train(None, "deepinv", {}, seed=0)  # type: ignore[arg-type]  # the environment is asked for first


def test_the_page_is_what_the_committed_rows_give() -> None:
    rows = read_study(STUDY, ROOT / "studies" / "results")
    page = (ROOT / "docs" / "results-deepinv.md").read_text(encoding="utf-8")
    assert page == deepinv_page(rows)
    assert "Research use only" in page.partition("## ")[0]
    if any("steps" in one for one in rows.values()):
        assert " of the sources' steps" in page.partition("## ")[0], "the budget stands beside the figures"
