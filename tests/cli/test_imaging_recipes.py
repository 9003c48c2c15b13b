"""`unseen train imaging/…` and `unseen evaluate` of a reconstructor: trained, resumed, found again, evaluated."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from tests.cli.conftest import LIMITS, Say, World
from tests.docs.blocks import ROOT
from tests.short_tv import short_tv
from unseen.artifacts import recipe as recipes
from unseen.artifacts.bundle import card_of
from unseen.cli.other_options import SETTINGS
from unseen.data import squares_and_circles
from unseen.evaluation import evaluate_reconstructor, psnr
from unseen.losses import EquivariantAdversarial, RecorruptedEquivariance, Supervised, objective
from unseen.networks import PatchDiscriminator
from unseen.physics import (
    Blur,
    FourierMask,
    Gaussian,
    Identity,
    Mask,
    Measurement,
    Operator,
    Poisson,
    Shifts,
    gaussian_kernel,
)
from unseen.reconstruction import learn, load
from unseen.reconstruction.tensor_digests import with_digests
from unseen.runs import images_of, train_reconstructor
from unseen.runs.imaging_settings import ImagingSettings, LossSettings, losses_of
from unseen.runs.reconstructor_images import ImageError
from unseen.training import Training, TrainingError

IMAGING = sorted(name for name in recipes.names() if name.startswith("imaging/"))
SLOWER = {"imaging/ct", "imaging/low-dose-ct"}
"""Recipes whose reconstructions by total variation take seconds. `imaging/single-pixel`, too, has an operator without a
mask."""
SHORT = ("--set", "training.epochs=1", "--set", "view.number=4", "--set", "method.features=4", "--device", "cpu")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def _short_tv() -> Iterator[None]:
    with short_tv():
        yield


def shapes(n: int, *, seed: int) -> torch.Tensor:
    return squares_and_circles(n, size=64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.usefixtures("_short_tv")
def test_a_reconstructor_is_trained_found_again_and_evaluated(say: Say, runs: Path, tmp_path: Path) -> None:
    answer = say("train", "imaging/inpainting", *SHORT, "--out", tmp_path / "model", "--licence", "CC0-1.0")
    assert answer.code == 0, answer.err
    assert answer.out.strip() == str(tmp_path / "model") and LIMITS in answer.err
    card = card_of(tmp_path / "model")
    assert (card.kind, card.name, card.licence, len(card.training_films)) == (
        "reconstruction", "artifact-removal", "CC0-1.0", 4,
    )  # fmt: skip
    (folder,) = (runs / "imaging").iterdir()
    assert {path.name for path in folder.iterdir()} >= {"recipe.toml", "log.csv", "checkpoint.pt", "bundle"}
    again = say("train", "imaging/inpainting", *SHORT)
    assert again.code == 0 and "this training had been done before" in again.err
    assert again.out.strip() == str(folder / "bundle")

    truth = images_of("phantoms", channels=1, size=(64, 64), number=3, seed=5).numpy()
    np.save(tmp_path / "images.npy", truth)
    report = tmp_path / "report"
    answer = say(
        "evaluate", tmp_path / "model", "--data", tmp_path / "images.npy", "--out", report, "--metric", "psnr-ei"
    )
    assert answer.code == 0, answer.err
    found = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    assert found["images"] == 3 and set(found["methods"]) == {"network", "A†", "TV"}
    f = load(tmp_path / "model")
    assert f.process is not None
    images = f(f.process(torch.from_numpy(truth)))
    mean = found["methods"]["network"]
    assert mean["psnr"]["value"] == pytest.approx(
        float(psnr(images.detach(), torch.from_numpy(truth)).mean()), abs=1e-4
    )
    peak = 20 * np.log10(truth.reshape(3, -1).max(axis=1)).mean()
    assert mean["psnr-ei"]["value"] == pytest.approx(mean["psnr"]["value"] + peak, abs=1e-4)
    assert np.asarray(Image.open(report / "side-by-side.png")).shape == (3 * 66 - 2, 4 * 66 - 2, 3)
    assert "network minus A†" in answer.out and LIMITS in answer.err


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.nightly] * (name in SLOWER)) for name in IMAGING]
)
def test_each_imaging_recipe_trains_and_its_images_fit(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name)
    method = recipe.method.model_copy(update={"settings": recipe.method.settings | {"features": 4, "depth": 1}})
    small = recipe.model_copy(
        update={
            "method": method,
            "view": recipe.view | {"number": 4},
            "training": {"epochs": 1, "batch_size": 2, "device": "cpu", "threads": 1},
        }
    )
    trained = train_reconstructor(small, root=tmp_path)
    found = evaluate_reconstructor(trained.f, images_of("phantoms", channels=1, size=(64, 64), number=1, seed=9))
    assert found.images == 1 and all(len(values["psnr"]) == 1 for values in found.values.values())
    assert found.mean("TV", "psnr").value > found.mean("A†", "psnr").value  # type: ignore[union-attr]


def test_an_interrupted_training_resumes_in_the_same_weights(tmp_path: Path) -> None:
    recipe = recipes.load("imaging/inpainting")
    method = recipe.method.model_copy(update={"settings": recipe.method.settings | {"features": 4, "depth": 1}})
    small = recipe.model_copy(
        update={
            "method": method,
            "view": {"number": 4},
            "training": {
                "epochs": 3, "batch_size": 2, "device": "cpu", "threads": 1, "checkpoint_every_steps": 1,
            },
        }
    )  # fmt: skip

    class Stop(Exception):
        pass

    def stop(name: str, done: object) -> None:
        if getattr(done, "step", 0) >= 3:
            raise Stop

    with pytest.raises(Stop):
        train_reconstructor(small, root=tmp_path / "a", progress=stop)
    resumed = train_reconstructor(small, root=tmp_path / "a").f.state_dict()
    whole = train_reconstructor(small, root=tmp_path / "b").f.state_dict()
    assert all(torch.equal(resumed[key], whole[key]) for key in whole)


@pytest.mark.parametrize("kind", ["blur", "fourier-mask"])
def test_another_operator_of_the_same_measurements_is_another_run(kind: str, tmp_path: Path) -> None:
    """A corrected kernel or mask must not return the model of the wrong one; both give the same A of a flat image."""
    lines = torch.arange(64)[:, None].expand(64, 64)
    pair: dict[str, list[Operator]] = {
        "blur": [Blur(64, gaussian_kernel(width)) for width in (0.5, 1.0)],
        "fourier-mask": [FourierMask(lines % step == 0, real=True) for step in (2, 3)],
    }
    wrong, right = pair[kind]
    recipe = recipes.load("imaging/inpainting").model_copy(
        update={"training": {"epochs": 1, "batch_size": 2, "device": "cpu", "threads": 1}}
    )
    small = {"method": recipe.method.model_copy(update={"settings": {"operator": "mask", "features": 4, "depth": 1}})}
    runs = [
        train_reconstructor(
            recipe.model_copy(update=small), measurements=right(shapes(4, seed=0)), process=A, root=tmp_path
        )
        for A in (wrong, right)
    ]
    assert not runs[1].found and runs[0].run != runs[1].run


def test_images_of_a_folder_are_cropped_averaged_and_in_their_channels(tmp_path: Path) -> None:
    colour = np.zeros((40, 60, 3), np.uint8)
    colour[:, 10:50] = (255, 0, 51)  # what a centred square keeps
    Image.fromarray(colour).save(tmp_path / "b.png")
    Image.fromarray(np.full((20, 20), 65535, np.uint16)).save(tmp_path / "a.png")
    found = images_of(tmp_path, channels=3, size=(20, 20))
    assert found.shape == (2, 3, 20, 20) and bool((found[0] == 1).all())
    assert torch.allclose(found[1], torch.tensor([1.0, 0.0, 0.2])[:, None, None].expand(3, 20, 20))
    np.save(tmp_path / "images.npy", np.full((2, 40, 40), 51, np.uint8))
    array = images_of(tmp_path / "images.npy", channels=1, size=(20, 20))
    assert array.shape == (2, 1, 20, 20) and torch.allclose(array, torch.tensor(0.2))
    np.save(tmp_path / "images.npy", np.full((2, 40, 40), 13107, ">u2"))  # as HDF5 and NIfTI store them, too
    assert torch.allclose(images_of(tmp_path / "images.npy", channels=1, size=(20, 20)), torch.tensor(0.2))
    for size in ((20, 30), (1, 64)):  # of 20 images, and of one: their order is certain
        np.save(tmp_path / "images.npy", np.zeros((size[0], *size)))
        assert images_of(tmp_path / "images.npy", channels=1, size=size).shape == (size[0], 1, *size)
    with pytest.raises(ImageError, match=r"a\.png: has 20 × 20 pixels, fewer than 30 × 30"):
        images_of(tmp_path, channels=1, size=(30, 30))
    with pytest.raises(ImageError, match=r"a\.png: .* proportions of the operator \(1 × 20\) would keep 5 % of them"):
        images_of(tmp_path, channels=1, size=(1, 20))  # the size of a mask of lines, which MATLAB stores as one row
    with pytest.raises(ImageError, match="holds no image"):
        images_of(Path(__file__).parent, channels=1, size=(8, 8))


@pytest.mark.parametrize(
    ("array", "channels", "message"),
    [
        (np.zeros((2, 3, 20, 20)), 1, "Ask for --set view.colour=true$"),
        (np.zeros((2, 1, 20, 20)), 3, "Ask for --set view.colour=false$"),
        (np.zeros((2, 20, 20, 3)), 3, r"give array.moveaxis\(-1, 1\)$"),
        (np.zeros((0, 1, 20, 20)), 1, "n at least 1$"),
        (np.full((2, 20, 20), -1024, np.int16), 1, "from -1024 to -1024, such as Hounsfield units.*map them"),
        (np.full((2, 20, 20), 255), 1, r"whole numbers \(int64\) from 255 to 255, whose white is not known.*map them"),
        (np.zeros((3, 20, 20)), 3, r"one colour image or three grey ones\. Give array\[None\] or"),
        (np.zeros((20, 20, 30)), 1, r"along the first axis\. Give array.transpose\(2, 0, 1\) if"),
        (np.zeros((48, 64, 20)), 1, r"along the first axis\. Give array.transpose\(2, 0, 1\) if"),
        (np.zeros((20, 20, 1, 5)), 1, r"If images are along the last axis, give array.transpose\(3, 2, 0, 1\)$"),
    ],
)
def test_an_array_that_is_no_image_is_named_with_its_remedy(
    tmp_path: Path, array: np.ndarray, channels: int, message: str
) -> None:
    np.save(tmp_path / "images.npy", array)
    with pytest.raises(ImageError, match=rf"images\.npy: has .*{message}"):
        images_of(tmp_path / "images.npy", channels=channels, size=(20, 20))


@pytest.mark.parametrize(
    ("shape", "channels", "message"),
    [
        (
            (20, 20, 30),
            1,
            r"Give permute\(images, \[3 1 2\]\) if they .* last, and permute\(images, \[1 4 2 3\]\) if not",
        ),
        ((20, 20, 3, 5), 3, r"last axis, give permute\(images, \[4 3 1 2\]\)$"),
        ((20, 20), 1, r"give permute\(images, \[3 4 1 2\]\)$"),
        ((3, 20, 20), 3, r"permute\(images, \[4 1 2 3\]\) or repmat\(permute\(images, \[1 4 2 3\]\), \[1 3\]\)$"),
    ],
)
def test_images_of_matlab_in_another_order_are_named_with_matlabs_expression(
    tmp_path: Path, shape: tuple[int, ...], channels: int, message: str
) -> None:
    savemat(tmp_path / "images.mat", {"images": np.zeros(shape)})
    with pytest.raises(ImageError, match=rf"images\.mat: has .*{message}"):
        images_of(tmp_path / "images.mat", channels=channels, size=(20, 20))


@pytest.mark.usefixtures("_short_tv")
def test_the_command_trains_and_evaluates_on_a_named_array_of_a_mat_file(say: Say, runs: Path, tmp_path: Path) -> None:
    data = shapes(5, seed=0).numpy()
    savemat(tmp_path / "CT100.mat", {"DATA": data, "number": 5.0})
    model = tmp_path / "model"
    answer = say("train", "imaging/inpainting", "--data", tmp_path / "CT100.mat", *SHORT)
    assert answer.code == 2
    assert "it holds 2 arrays. Name one of: DATA, number, by --array, or save" in answer.err.replace("\n", " ")
    answer = say(
        "train", "imaging/inpainting", "--data", tmp_path / "CT100.mat", "--array", "DATA", *SHORT, "--out", model
    )
    assert answer.code == 0, answer.err
    assert set(load(model).training_images) == set(with_digests((), torch.from_numpy(data).float()))
    savemat(tmp_path / "test.mat", {"DATA": shapes(2, seed=1).numpy(), "number": 2.0})
    options = ("--data", tmp_path / "test.mat", "--array", "DATA", "--out", tmp_path / "report")
    answer = say("evaluate", model, *options)
    assert answer.code == 0, answer.err
    assert json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))["images"] == 2
    answer = say("train", "imaging/inpainting", "--array", "DATA", *SHORT)
    assert answer.code == 2 and "--array goes with --measurements or --data" in answer.err.replace("\n", " ")
    answer = say("train", "imaging/inpainting", "--data", "phantoms", "--array", "DATA", *SHORT)
    assert answer.code == 2 and "phantoms: is no file of several arrays, but DATA was asked for" in answer.err


def test_files_of_several_images_and_of_unknown_white_are_refused_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    page = np.full((20, 20), 51, np.uint8)
    Image.fromarray(page).save(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"attributes that macOS stores")
    deep = (257 * page.astype(">u2")).tobytes()
    Image.frombytes("I;16B", (20, 20), deep).save(tmp_path / "b.tif")  # as ImageJ writes
    assert torch.allclose(images_of(tmp_path, channels=1, size=(20, 20)), torch.full((2, 1, 20, 20), 0.2))
    Image.fromarray(page).save(tmp_path / "c.tif", save_all=True, append_images=[Image.fromarray(page)] * 2)
    with pytest.raises(ImageError, match=r"c\.tif: holds 3 images\. Save each as a file, or all as an array file"):
        images_of(tmp_path, channels=1, size=(20, 20))
    for value in (-1024, 70_000):
        Image.fromarray(np.full((20, 20), value, np.int32)).save(tmp_path / "c.tif")
        with pytest.raises(ImageError, match=rf"c\.tif: has numbers without a known white .*from {value}"):
            images_of(tmp_path / "c.tif", channels=1, size=(20, 20))


@pytest.mark.parametrize(
    ("array", "warned"),
    [
        (np.full((2, 8, 8), 4095, np.uint16), "from 0.0625 to 0.0625"),  # 12 bits in 16
        (np.full((2, 8, 8), 255.0), "from 255 to 255"),
        (np.linspace(-1, 1, 128).reshape(2, 8, 8), "from -1 to 1"),
        (np.full((2, 8, 8), 255, np.uint8), ""),
    ],
)
def test_a_training_warns_of_images_that_are_not_from_zero_to_one(
    array: np.ndarray, warned: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "images.npy", array)
    process = Measurement(Identity((1, 8, 8)), noise=Gaussian(1e-3))
    recipe = recipes.load("imaging/inpainting")
    small = {"method": recipe.method.model_copy(update={"settings": {"operator": "mask", "features": 4, "depth": 1}})}
    recipe = recipe.model_copy(update=small | {"training": {"epochs": 1, "device": "cpu", "threads": 1}})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        train_reconstructor(recipe, data=tmp_path / "images.npy", process=process, root=tmp_path)
    found = [str(one.message) for one in seen if "Images are from 0" in str(one.message)]
    assert len(found) == bool(warned) and all(warned in one for one in found)


@pytest.mark.usefixtures("_short_tv")
def test_training_images_are_left_out_of_an_evaluation_whose_noise_is_another(tmp_path: Path) -> None:
    """With noise, their measurements in an evaluation are others, so that none was left out."""
    process = Measurement(Identity((1, 8, 8)), noise=Gaussian(0.1))
    recipe = recipes.load("imaging/inpainting")
    small = {"method": recipe.method.model_copy(update={"settings": {"operator": "mask", "features": 4, "depth": 1}})}
    recipe = recipe.model_copy(update=small | {"training": {"epochs": 1, "device": "cpu", "threads": 1}})
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    for name, some in (("first", slice(2)), ("more", slice(2, 4))):
        np.save(tmp_path / f"{name}.npy", images[some].numpy())
    trained = train_reconstructor(recipe, data=tmp_path / "first.npy", process=process, root=tmp_path)
    tuned = train_reconstructor(
        recipe, data=tmp_path / "more.npy", process=process, start_from=trained.run.bundle, root=tmp_path
    )
    for f, left_out in ((trained.f, 2), (load(trained.run.bundle), 2), (tuned.f, 4), (load(tuned.run.bundle), 4)):
        assert evaluate_reconstructor(f, images, metrics="psnr").left_out == left_out
    with pytest.raises(ValueError, match="was trained on measurements of all 2 images"):
        evaluate_reconstructor(trained.f, images[:2])
    truth = learn(process(images), process, losses="supervised", truth=images, epochs=1, hold_out=0)
    with pytest.raises(ValueError, match="was trained on measurements of all 5 images"):
        evaluate_reconstructor(truth, images)


def test_measurements_of_several_operators_need_one_each(say: Say, runs: Path, tmp_path: Path) -> None:
    """Measurement i was taken for one of operator i modulo their number."""
    masks = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.7
    np.save(tmp_path / "masks.npy", masks.numpy())
    (tmp_path / "scan.toml").write_text('operator = "mask"\nmask = "masks.npy"\n', encoding="utf-8")
    np.save(tmp_path / "y.npy", Mask(masks[0])(shapes(6, seed=0)).numpy())
    given = ("--measurements", tmp_path / "y.npy", "--operator", tmp_path / "scan.toml", "--set", "method.sigma=0.02")
    answer = say("train", "imaging/inpainting", *SHORT, *given)
    assert answer.code == 2 and not runs.exists()
    assert "y.npy: A has 3 operators, and there are 6 measurements: which one measured each is not known" in answer.err
    assert "noise of the measurements, by the recipe: Gaussian(sigma=0.02). Give that of yours" in answer.err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("method.operator=single-pixel", "view.size=100"), "Hadamard patterns have powers of two"),
        (("method.operator=downsampling", "view.size=65"), "factor is a whole number that divides the size"),
        (("method.losses=rei-r2r",), "compares measurements of Gaussian noise"),
    ],
)
def test_settings_that_do_not_go_together_are_reported_in_a_sentence(
    say: Say, runs: Path, settings: tuple[str, ...], message: str
) -> None:
    """They ended in a traceback."""
    answer = say("train", "imaging/inpainting", *SHORT, *(word for one in settings for word in ("--set", one)))
    assert answer.code == 2
    assert re.fullmatch(f"unseen: imaging/inpainting: .*{re.escape(message)}.*", answer.err.strip().splitlines()[-1])


def test_complex_images_of_a_real_process_are_named(say: Say, runs: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", shapes(2, seed=0).numpy() * 1j)
    answer = say("train", "imaging/mri", *SHORT, "--data", tmp_path / "images.npy")
    assert answer.code == 2 and "images.npy: FourierMask takes real numbers, but got torch.complex64" in answer.err


def test_an_evaluation_checks_its_output_before_the_work(say: Say, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = say("evaluate", "models/phantom-denoiser", "--data", "phantoms", "--out", tmp_path / "file" / "report")
    assert answer.code == 2 and "is a file" in answer.err and "reconstructing" not in answer.err


def test_negative_images_have_no_transmitted_counts(say: Say, runs: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "hu.npy", np.full((2, 64, 64), -1024.0))
    answer = say("train", "imaging/low-dose-ct", *SHORT, "--data", tmp_path / "hu.npy")
    assert answer.code == 2 and not runs.exists()
    assert re.search(
        r"unseen: .*hu\.npy: has values from -1.02e\+03, but transmitted counts need images from", answer.err
    )


@pytest.mark.usefixtures("_short_tv")
def test_a_warning_is_a_sentence_without_its_place_in_the_code(say: Say, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", 255 * shapes(1, seed=0).numpy())
    answer = say("evaluate", "models/phantom-denoiser", "--data", tmp_path / "images.npy", "--out", tmp_path / "report")
    assert answer.code == 0, answer.err
    text = answer.err.replace("\n", " ")
    assert "warning: PSNR and SSIM take 1 as the range of values" in text
    assert ".py:" not in text and "UserWarning" not in text


def test_a_file_that_does_not_fit_its_process_is_named(say: Say, runs: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", np.ones((2, 1, 64, 64), np.complex64))
    np.save(tmp_path / "n.npy", np.full((2, 1, 64, 64), np.nan))
    for option, name in (("--data", "c.npy"), ("--measurements", "n.npy")):
        answer = say("train", "imaging/inpainting", option, tmp_path / name, "--device", "cpu")
        assert answer.code == 2 and f"{name}: Measurements by Mask" in answer.err.replace("\n", " ")


@pytest.mark.nightly
@pytest.mark.parametrize("recipe", ["inpainting", "ct"])
def test_the_pages_commands_train_on_photographs_and_on_slices(
    recipe: str, say: Say, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "how-to" / "train-imaging.md").read_text(encoding="utf-8")
    part = page.partition("## Train on photographs or CT slices")[2].partition("## Evaluate")[0]
    [command] = re.findall(rf"^unseen (train imaging/{recipe} .*)$", part, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    if recipe == "inpainting":
        (tmp_path / "urban100").mkdir()
        for number in range(4):
            Image.fromarray(rng.integers(0, 255, (70, 80, 3), np.uint8)).save(tmp_path / "urban100" / f"{number}.png")
    else:
        np.savez(tmp_path / "slices.npz", images=rng.integers(-1500, 2000, (4, 128, 128)).astype(np.int16))
        exec(part.partition("```python\n")[2].partition("```")[0], {})
        prepared = np.load(tmp_path / "slices.npy")
        assert prepared.shape == (4, 1, 128, 128) and (prepared.min(), prepared.max()) == (0, 1)
    short = command.replace("training.epochs=200", "training.epochs=1").replace("features=32", "features=4")
    assert short.count("=1 ") == short.count("=4 ") == 1
    answer = say(*short.split(), "--device", "cpu")
    assert answer.code == 0, answer
    f = load(tmp_path / short.split()[-1])
    assert tuple(f.process.A.domain) == ((3, 64, 64) if recipe == "inpainting" else (1, 64, 64))


@pytest.mark.nightly
def test_fine_tuning_on_twenty_measurements_of_another_set_improves_on_the_shipped_weights(tmp_path: Path) -> None:
    shipped = load("models/phantom-inpainting")  # learnt from simulated chest films; these are squares and discs
    process = shipped.process
    assert process is not None
    y, fresh = process(shapes(20, seed=0)), shapes(20, seed=1)
    tuned = learn(
        y,
        process,
        losses="ei",
        group=Shifts(),
        network=load("models/phantom-inpainting"),
        training=Training(epochs=2, batch_size=4, device="cpu", threads=1),
        folder=tmp_path,
    )
    with torch.no_grad():
        measured = process(fresh, generator=torch.Generator().manual_seed(2))
        gains = (psnr(tuned(measured), fresh) - psnr(shipped(measured), fresh)).numpy()
    assert gains.mean() - 3 * gains.std(ddof=1) / np.sqrt(20) > 0.3, "significantly better than the shipped weights"
    assert len(tuned.training_digests) == 520, "films of the shipped model and the user's measurements"
    with pytest.raises(ValueError, match="was trained on measurements of all 20 images"):
        evaluate_reconstructor(tuned, shapes(20, seed=0))
    other = load("models/phantom-inpainting")
    torch.nn.init.zeros_(next(other.parameters()))
    with pytest.raises(TrainingError):  # the folder holds a training that began with other weights
        learn(
            y,
            process,
            losses="ei",
            group=Shifts(),
            network=other,
            training=Training(epochs=2, batch_size=4, device="cpu", threads=1),
            folder=tmp_path,
        )


def test_the_command_fine_tunes_on_measurements_of_a_file(say: Say, runs: Path, tmp_path: Path) -> None:
    shipped = load("models/phantom-inpainting")
    assert shipped.process is not None
    np.savez(tmp_path / "scan.npz", y=shipped.process(shapes(8, seed=0)).numpy(), other=np.zeros(3))
    given = ("--measurements", tmp_path / "scan.npz", "--array", "y", "--start-from", "models/phantom-inpainting")
    short = ("--set", "training.epochs=1", "--device", "cpu")
    answer = say("train", "imaging/inpainting", *given, *short, "--out", tmp_path / "tuned")
    assert answer.code == 0, answer.err
    tuned = load(tmp_path / "tuned")
    assert len(tuned.training_digests) == 508 and repr(tuned.process) == repr(shipped.process)
    assert tuned.config == shipped.config, "the network is that of the model, not of the recipe"


def test_options_of_detectors_and_of_reconstructors_are_not_mixed(say: Say, world: World, tmp_path: Path) -> None:
    answer = say("train", "imaging/ct", "--gate", "--fold", 1)
    assert answer.code == 2 and "--fold, --gate: for detectors" in answer.err
    answer = say("train", "phantoms/pca-64-lungs", "--start-from", "models/phantom-ct")
    assert answer.code == 2 and "--start-from: for imaging recipes" in answer.err
    answer = say("train", "imaging/ct", "--set", "method.veiws=20")
    assert answer.code == 2 and "did you mean method.views?" in answer.err
    answer = say("evaluate", world.pca, "--data", world.twins, "--out", tmp_path, "--metric", "psnr-ei")
    assert answer.code == 2 and "for reconstructors" in answer.err
    answer = say("evaluate", "models/phantom-ct", "--data", "phantoms", "--out", tmp_path, "--normal", "ok")
    assert answer.code == 2 and "--normal: for detectors" in answer.err
    words = ("--data", "phantoms", "--out", tmp_path, "--runtime", "openvino", "--label-column", "finding")
    answer = say("evaluate", "models/phantom-ct", *words)
    assert answer.code == 2 and "--label-column, --runtime: for detectors" in answer.err
    answer = say("train", "imaging/ct", "--label-column", "finding")
    assert answer.code == 2 and "--label-column: for detectors" in answer.err


def test_the_command_holds_out_a_share_of_the_measurements(say: Say, runs: Path, tmp_path: Path) -> None:
    short = ("--set", "training.epochs=2", "--set", "view.number=8", "--set", "method.features=4", "--device", "cpu")
    folders = {}
    for share in (None, "0.25", "0"):
        options = () if share is None else ("--hold-out", share)
        answer = say("train", "imaging/inpainting", *short, *options, "--json")
        assert answer.code == 0, answer.err
        found = json.loads(answer.out)
        folders[share] = Path(found["run"])
        assert any("the least held-out risk" in note for note in found["notes"]) == (share == "0.25")
    assert len(set(folders.values())) == 3, "each is a run of its own"
    assert "held-out risk" in (folders["0.25"] / "epochs.csv").read_text(encoding="utf-8")
    assert not any((folders[share] / "epochs.csv").exists() for share in (None, "0"))
    assert recipes.load(folders["0.25"] / "recipe.toml").method.settings["hold_out"] == 0.25
    assert "hold_out" not in recipes.load(folders[None] / "recipe.toml").method.settings
    for share in ("1", "-0.1", "nan"):
        answer = say("train", "imaging/inpainting", f"--hold-out={share}")
        assert answer.code == 2 and "--hold-out is the share of held-out measurements, in [0, 1), but got" in answer.err
    answer = say("train", "phantoms/pca-64-lungs", "--hold-out", "0.1")
    assert answer.code == 2 and "--hold-out: for imaging recipes" in answer.err


def test_a_folder_that_is_missing_is_named_with_its_remedy(say: Say, tmp_path: Path) -> None:
    answer = say("train", "imaging/ct", "--data", tmp_path / "gone")
    assert answer.code == 2 and "gone: no such file or folder. Check the path" in answer.err.replace("\n", "")


def test_every_option_of_eis_training_program_is_answered_with_its_form_here(say: Say) -> None:
    page = (ROOT / "docs" / "how-to" / "from-ei.md").read_text(encoding="utf-8").partition("## Settings")[2]
    named = re.findall(r"^\| `(--[\w-]+)[^|]*\| `(?:--set )?([^=`]+)", page, flags=re.MULTILINE)
    assert {option for option, _ in named} >= {"--epochs", "--lr", "--mask-rate", "--gpu"}
    for option, here in named:
        answer = say("train", "imaging/inpainting", option, "3")
        assert answer.code == 2 and f"{option}: " in answer.err, option
        assert here.partition(" ")[0] in answer.err, option
    assert "the same command resumes" in say("train", "imaging/inpainting", "--resume").err
    assert "the recipe is the task" in say("train", "imaging/inpainting", "--task=ct").err


def test_settings_that_other_programs_have_as_options_are_those_of_the_recipes() -> None:
    fields = {f"method.{name}" for name in ImagingSettings.model_fields}
    fields |= {f"training.{name}" for name in Training.model_fields}
    assert set(SETTINGS.values()) - {"view.size"} <= fields


@pytest.mark.nightly
def test_supervised_ei_and_adversarial_ei_are_objectives_by_name() -> None:
    process = Measurement(Mask(torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0)) < 0.7))
    x = squares_and_circles(4, size=32, generator=torch.Generator().manual_seed(0))
    terms = objective("supervised+ei", process, group=Shifts())
    assert isinstance(terms[0], Supervised) and len(terms) == 2
    adversarial = objective("ei+adversarial", process, group=Shifts())
    assert isinstance(adversarial[2], EquivariantAdversarial) and adversarial[2].weight == 1e-8
    assert isinstance(adversarial[2].critic, PatchDiscriminator)
    training = Training(epochs=1, batch_size=2, device="cpu", threads=1)
    f = learn(process(x), process, losses="supervised+ei", group=Shifts(), truth=x, training=training)
    g = learn(process(x), process, losses="ei+adversarial", group=Shifts(), training=training)
    assert f.history is not None and {"Supervised", "Equivariance"} <= set(f.history.parts)
    assert g.history is not None and "EquivariantAdversarial critic" in g.history.parts
    with pytest.raises(ValueError, match="needs the truth"):
        learn(process(x), process, losses="supervised+ei", group=Shifts(), training=training)


def test_total_variation_is_given_the_noise_of_the_process() -> None:
    """The misfit of its images is that of the noise."""
    process = Measurement(Identity((1, 64, 64)), noise=Gaussian(0.1))
    f = load("models/phantom-denoiser")
    truth = images_of("phantoms", channels=1, size=(64, 64), number=2, seed=4)
    y = process(truth, generator=torch.Generator().manual_seed(0))
    found = evaluate_reconstructor(f, truth, measurements=y)
    assert found.converged
    misfit = (found.shown["TV"] - y).square().mean().sqrt()
    assert float(misfit) == pytest.approx(0.1, rel=0.03)
    assert found.mean("network", "psnr").value > found.mean("TV", "psnr").value  # type: ignore[union-attr]


def test_rei_by_two_passes_is_a_recipes_objective_with_its_weights() -> None:
    process = Measurement(Mask(torch.ones(1, 8, 8)), noise=Gaussian(0.1))
    (loss,) = losses_of("rei-r2r", LossSettings(fidelity=2.0, equivariance=3.0, transforms=2), process)
    assert isinstance(loss, RecorruptedEquivariance)
    assert (loss.weight, loss.weight * loss.alpha, loss.transforms) == (2.0, 3.0, 2)
    assert ImagingSettings(operator="mask", losses="rei-r2r").losses == "rei-r2r"
    for refused in (
        (LossSettings(), Measurement(process.A, noise=Poisson(0.1))),
        (LossSettings(), Measurement(process.A)),
        (LossSettings(compared="pictures"), process),
    ):
        with pytest.raises(ValueError, match="measurements of Gaussian noise"):
            losses_of("rei-r2r", *refused)


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (("kept = 0.7", "kept = 7"), (), "own.toml: method.kept: seen 7"),
        (("kept = 0.7", "kept = 7"), ("--set", "training.epochs=1"), "own.toml: method.kept: seen 7"),
        (("epochs = 12", "epohs = 12"), (), "own.toml: training.epohs: unknown; did you mean epochs?"),
        (('"artifact-removal"', '"unet"'), ("--set", "seed=1"), 'own.toml: method.key: "unet" is unknown'),
        (("seed = 0", "seed = 1"), ("--set", "method.kept=7"), "unseen: method.kept: seen 7"),
    ],
)
def test_a_mistake_in_a_recipe_names_the_file_and_one_on_the_command_line_does_not(
    change: tuple[str, str], settings: tuple[str, ...], message: str, say: Say, runs: Path, tmp_path: Path
) -> None:
    text, wrong = recipes.source_of("imaging/inpainting"), tmp_path / "own.toml"
    assert change[0] in text
    wrong.write_text(text.replace(*change), encoding="utf-8")
    answer = say("train", wrong, *settings)
    assert answer.code == 2 and message in answer.err and not runs.exists()
    assert ("own.toml" in answer.err) == ("own.toml" in message)
