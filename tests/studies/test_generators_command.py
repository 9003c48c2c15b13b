"""`python -m studies.generators`: several bundles, one report; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.generators.__main__ import main
from tests.cli.conftest import LIMITS, Say, saying
from unseen.data.drawn_shapes import squares_and_circles
from unseen.priors.autoencoders import AE, VAE
from unseen.priors.saved import save
from unseen.runs.generator_training import PictureSettings, load_images
from unseen.training.settings import Training


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    return saying(main, monkeypatch, capsys)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vae and ae of 16 pixels, large of 32, and mine.npy with 40 images."""
    folder = tmp_path_factory.mktemp("bundles")
    torch.set_num_threads(1)
    x = load_images(PictureSettings(pictures="shapes", size=16, limit=40)).training
    training = Training(epochs=1, batch_size=8, threads=1, device="cpu")
    save(VAE(latent=2, features=4).fit(x, training=training), folder / "vae")
    save(AE(latent=2, features=4).fit(x, training=training), folder / "ae")
    larger = squares_and_circles(8, 32, torch.Generator().manual_seed(0))
    save(AE(latent=2, features=4).fit(larger, training=training), folder / "large")
    fresh = squares_and_circles(40, 16, torch.Generator().manual_seed(1))
    np.save(folder / "mine.npy", fresh[:, 0].numpy())
    np.save(folder / "learnt.npy", x[:, 0].numpy())
    return folder


@pytest.mark.nightly
@pytest.mark.slow
def test_two_generators_side_by_side_in_one_report(say: Say, bundles: Path, tmp_path: Path) -> None:
    words = (bundles / "vae", bundles / "ae", "--images", bundles / "mine.npy", "--number", 3, "--seed", 4)
    answer = say(*words, "--out", tmp_path / "study")
    assert answer.code == 0, answer.err
    for name in ("vae", "ae"):
        assert f"{name}, feasible: Of 3 test images" in answer.out
        assert f"{name}: unfeasible: 20 samples, beside 20 training images" in answer.err
    assert answer.out.strip().splitlines()[-1] == f"report: {tmp_path / 'study' / 'report.html'}"
    assert LIMITS in answer.err
    told = json.loads((tmp_path / "study" / "study.json").read_text(encoding="utf-8"))
    assert list(told["generators"]) == ["vae", "ae"] and told["facts"]["seed"] == "4"
    for one in told["generators"].values():
        assert one["feasible"]["n"] == 3 and set(one["feasible"]["psnr_db"]) == {"value", "low", "high"}
    again = say(*words, "--out", tmp_path / "study")
    assert again.out == answer.out, "the same seed says the same"


@pytest.mark.nightly  # it draws 20,000
@pytest.mark.slow
def test_drawn_shapes_are_dealt_as_for_a_training(say: Say, bundles: Path, tmp_path: Path) -> None:
    answer = say(bundles / "ae", "--images", "shapes", "--out", tmp_path, "--number", 2)
    assert answer.code == 0, answer.err
    told = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert told["facts"]["pictures"].startswith("shapes: drawn: 20000 to train on")
    samples = told["generators"]["ae"]["unfeasible"]
    assert samples["learnt_from_these"] and samples["training"] == 40, "the very images, of the 20,000"


def test_mistakes_end_in_a_sentence(say: Say, bundles: Path, tmp_path: Path) -> None:
    def told(*words: object) -> str:
        answer = say(*words, "--out", tmp_path / "study")
        assert answer.code == 2, answer.out
        assert not (tmp_path / "study").exists()
        return " ".join(answer.err.split())

    vae, mine = bundles / "vae", bundles / "mine.npy"
    assert "did you mean shapes?" in told(vae, "--images", "shape")
    assert "a study side by side is of generators of one size" in told(vae, bundles / "large", "--images", "shapes")
    assert "each given once" in told(vae, vae, "--images", mine)
    assert "40 of which a generator has learnt from" in told(vae, "--images", bundles / "learnt.npy")
    assert "the generators make (n, 1, 32, 32)" in told(bundles / "large", "--images", mine)
    assert "digits are 28 × 28, padded to 32" in told(vae, "--images", "digits")
    assert "nothing" in told(tmp_path / "nothing", "--images", mine)
    assert "--number" in told(vae, "--images", mine, "--number", 0)
    (tmp_path / "file").touch()
    answer = say(vae, "--images", mine, "--out", tmp_path / "file")
    assert answer.code == 2 and "is a file, and the report needs a folder" in answer.err
