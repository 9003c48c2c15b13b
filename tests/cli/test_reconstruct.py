"""`unseen reconstruct`: files of measurements in, files of images out, and a sentence for what does not fit."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import LIMITS, Say, World
from tests.cli.test_mistakes import told
from tests.full_disk import on_a_full_disk
from tests.reconstruction.making import holes, images, inpainting, magnetic, measured, short
from unseen.data.drawn_shapes import squares_and_circles
from unseen.losses import MeasurementConsistency
from unseen.physics import Mask, Measurement
from unseen.priors import PRIORS, VAE, Search
from unseen.priors.named_priors import latent_priors, solved
from unseen.priors.saved import load as load_generator
from unseen.priors.saved import save as save_generator
from unseen.reconstruction import ArtifactRemoval, learn, load, save
from unseen.reconstruction.grey_image import grey
from unseen.training.settings import Training


def bundle(process: Measurement, folder: Path) -> Path:
    n = process.A.batch or 2
    x = images(n)
    y = measured(process, x + 0j if process.A.complex_domain else x)
    torch.manual_seed(0)
    network = ArtifactRemoval.for_process(process, features=4, depth=1)
    save(learn(y, process, losses=[MeasurementConsistency()], network=network, training=short(2)), folder)
    return folder


def test_files_of_measurements_become_files_of_images(say: Say, tmp_path: Path) -> None:
    model = bundle(inpainting(), tmp_path / "model")
    f = load(model)
    assert f.process is not None
    y = measured(f.process, images(11, seed=4))
    np.save(tmp_path / "many.npy", y.numpy())
    np.savez(tmp_path / "one.npz", y=y[0].numpy().astype(np.float64))
    answer = say("reconstruct", model, tmp_path / "many.npy", tmp_path / "one.npz", "--out", tmp_path / "out", "--png")
    assert answer.code == 0, answer.err
    assert answer.out.split() == [str(tmp_path / "out" / name) for name in ("many.npy", "one.npy")]
    assert "2 files reconstructed, 0 not" in answer.err and LIMITS in answer.err
    with torch.no_grad():
        expected = f(y, f.process).numpy()
    found = np.load(tmp_path / "out" / "many.npy")
    assert found.shape == (11, 1, 16, 16) and np.allclose(found, expected, atol=1e-6)
    assert np.allclose(np.load(tmp_path / "out" / "one.npy"), expected[:1], atol=1e-6)
    shown = np.asarray(Image.open(tmp_path / "out" / "many-10.png"))
    assert shown.shape == (16, 16) and shown.dtype == np.uint8 and (shown.min(), shown.max()) == (0, 255)
    image = expected[10, 0]
    levels = 255 * (image - image.min()) / (image.max() - image.min())
    assert np.abs(shown - levels).max() < 0.51


@pytest.mark.nightly
def test_a_full_disk_is_a_sentence_and_leaves_what_was_whole(tmp_path: Path) -> None:
    model = bundle(inpainting(), tmp_path / "model")
    f = load(model)
    assert f.process is not None
    np.save(tmp_path / "many.npy", measured(f.process, images(64, seed=4)).numpy())
    out = tmp_path / "out"
    out.mkdir()
    (out / "many.npy").write_bytes(b"an earlier one")
    unseen = str(Path(sys.executable).with_name("unseen"))
    words = [unseen, "reconstruct", str(model), str(tmp_path / "many.npy"), "--out", str(out)]
    answer = on_a_full_disk(words, kilobytes=8)  # the images are 64
    assert answer.returncode == 2 and answer.stderr.count("\n") == 1, answer.stderr
    assert "unseen: the disk is full (" in answer.stderr and "File too large" in answer.stderr
    assert str(out / "many.npy") in answer.stderr
    assert [path.name for path in out.iterdir()] == ["many.npy"]
    assert (out / "many.npy").read_bytes() == b"an earlier one"


def test_complex_measurements_of_an_hdf5_file(say: Say, tmp_path: Path) -> None:
    model = bundle(magnetic(), tmp_path / "model")
    y = measured(magnetic(), images(2) + 0j).numpy()
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["kspace"], file["mask"] = y, np.ones(3)
    words = ("reconstruct", model, tmp_path / "scan.h5", "--out", tmp_path / "out", "--png")
    assert "holds 2 arrays" in say(*words).err
    assert say(*words, "--name", "kspace").code == 0
    assert np.load(tmp_path / "out" / "scan.npy").dtype == np.complex64
    assert np.asarray(Image.open(tmp_path / "out" / "scan-1.png")).max() == 255


def test_several_operators_need_to_know_which(say: Say, tmp_path: Path) -> None:
    process = Measurement(Mask(holes(n=3)))
    model = bundle(process, tmp_path / "model")
    rows = torch.tensor([2, 0, 2, 1])
    y = measured(process.select(rows), images(4))
    np.save(tmp_path / "y.npy", y.numpy())
    np.save(tmp_path / "which.npy", rows.numpy())
    words = ("reconstruct", model, tmp_path / "y.npy", "--out", tmp_path / "out")
    answer = say(*words)
    assert answer.code == 1 and "A has 3: say which was used" in answer.err
    assert say(*words, "--operators", tmp_path / "which.npy").code == 0
    f = load(model)
    with torch.no_grad():
        assert np.allclose(np.load(tmp_path / "out" / "y.npy"), f(y, process.select(rows)).numpy(), atol=1e-6)
    for kind in ("u1", "u2", "u4", "u8", ">i4"):
        np.save(tmp_path / "which.npy", rows.numpy().astype(kind))
        assert say(*words, "--operators", tmp_path / "which.npy").code == 0, kind
    for wrong in (rows.numpy() + 1, rows.numpy() / 2, rows.numpy()[None], rows.numpy() > 0):
        np.save(tmp_path / "which.npy", wrong)
        assert "4 whole numbers from 0 to 2" in say(*words, "--operators", tmp_path / "which.npy").err


def test_files_that_do_not_fit_are_named_and_the_others_go_on(say: Say, tmp_path: Path) -> None:
    model = bundle(inpainting(), tmp_path / "model")
    good = measured(inpainting(), images(1)).numpy()
    np.save(tmp_path / "good.npy", good)
    np.save(tmp_path / "small.npy", good[..., :8])
    np.save(tmp_path / "nan.npy", np.full_like(good, np.nan))
    np.save(tmp_path / "complex.npy", good + 0j)
    (tmp_path / "torn.npy").write_bytes(b"torn")
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "film.png")
    names = [f"{name}.npy" for name in ("small", "nan", "complex", "torn", "gone", "good")]
    answer = say("reconstruct", model, *(tmp_path / name for name in (*names, "film.png")), "--out", tmp_path / "out")
    assert answer.code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.npy"]
    for words in (
        "small.npy: Measurements by Mask((1, 16, 16) -> (1, 16, 16)) are (n, 1, 16, 16)", "got (1, 1, 16, 8)",
        "nan.npy: Measurements", "256 of 256 numbers are NaN", "real floating-point numbers, but got torch.complex64",
        "torn.npy: is no .npy file", "gone.npy", "1 files reconstructed, 6 not",
        "film.png: an image is no measurement. `unseen evaluate MODEL --data FOLDER` measures images",
    ):  # fmt: skip
        assert words in answer.err, answer.err


def test_mistakes_are_told(say: Say, world: World, tmp_path: Path) -> None:
    model = bundle(inpainting(), tmp_path / "model")
    np.save(tmp_path / "y.npy", np.zeros((1, 16, 16), dtype=np.float32))
    out = ("--out", tmp_path / "out")
    told(say("reconstruct", world.pca, tmp_path / "y.npy", *out), "holds a detector model, not one that reconstructs")
    told(say("reconstruct", tmp_path / "gone", tmp_path / "y.npy", *out), "gone")
    told(say("reconstruct", model, tmp_path / "y.npy", *out, "--device", "gpu"), "device gpu: cannot be used here")
    told(say("reconstruct", model, tmp_path / "y.npy", tmp_path / "y.npz", *out), "would both be written as y.npy")
    told(say("score", model, tmp_path / "y.npy"), "holds a reconstruction model, not a detector")


def test_info_says_what_a_reconstructor_has_learnt_from(say: Say, tmp_path: Path) -> None:
    answer = say("info", bundle(inpainting(), tmp_path / "model"))
    assert answer.code == 0
    assert "artifact-removal" in answer.out and "2 measurements" in answer.out and "films" not in answer.out


def test_a_constant_image_can_be_looked_at() -> None:
    assert grey(np.full((1, 4, 4), 3.0, dtype=np.float32)).size == (4, 4)
    assert grey(np.zeros((3, 4, 4), dtype=np.float32)).mode == "RGB"


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of images of 16 pixels; it had a moment of training."""
    folder = tmp_path_factory.mktemp("generator") / "shapes"
    x = squares_and_circles(100, size=16, generator=torch.Generator().manual_seed(0))
    training = Training(epochs=4, batch_size=20, precision="fp32")
    save_generator(VAE(latent=4, features=8, variance=0.05).fit(x, training=training), folder)
    return folder


def scan(generator: Path, folder: Path) -> tuple[torch.Tensor, Mask, torch.Tensor]:
    """Three of the generator's images half measured, with noise; described in scan.toml, kept in y.npy."""
    rng = torch.Generator().manual_seed(5)
    mask = torch.rand(1, 16, 16, generator=rng) < 0.5
    with torch.no_grad():
        x = load_generator(generator).sample(3, generator=rng)
    A = Mask(mask)
    y = A(x + 0.05 * torch.randn(x.shape, generator=rng))
    np.save(folder / "mask.npy", mask.numpy())
    np.save(folder / "y.npy", y.numpy())
    (folder / "scan.toml").write_text('operator = "mask"\nmask = "mask.npy"\n')
    return x, A, y


@pytest.mark.parametrize(
    "prior",
    [key if key in ("soft", "tv", "tikhonov") else pytest.param(key, marks=pytest.mark.nightly) for key in PRIORS],
)
def test_under_a_prior_and_any_operator(prior: str, generator: Path, say: Say, tmp_path: Path) -> None:
    x, A, y = scan(generator, tmp_path)
    latent = prior in latent_priors()
    model = [generator] if latent else []
    words = ["--operator", tmp_path / "scan.toml", "--sigma", 0.05, "--out", tmp_path / "out", "--png"]
    words += ["--restarts", 3] if latent else []
    answer = say("reconstruct", "--prior", prior, *model, tmp_path / "y.npy", *words)
    assert answer.code == 0, answer.err
    assert "1 files reconstructed, 0 not" in answer.err and LIMITS in answer.err
    found = torch.from_numpy(np.load(tmp_path / "out" / "y.npy"))
    search = Search(restarts=3)
    expected, said = solved(prior, y, A, G=load_generator(generator) if latent else None, sigma=0.05, search=search)
    assert said in answer.err
    assert torch.allclose(found, expected, atol=1e-5)
    assert Image.open(tmp_path / "out" / "y-2.png").size == (16, 16)
    if prior not in ("tikhonov", "lasso"):  # which leave the holes empty
        assert (found - x).norm() < 0.3 * (y - x).norm()


def test_mistakes_about_priors_are_told(generator: Path, say: Say, tmp_path: Path) -> None:
    scan(generator, tmp_path)
    y, operator, out = tmp_path / "y.npy", ("--operator", tmp_path / "scan.toml"), ("--out", tmp_path / "out")
    noise = ("--sigma", 0.05)
    told(say("reconstruct", "--prior", "sofft", generator, y, *operator, *noise, *out), "did you mean soft?")
    told(say("reconstruct", "--prior", "soft", generator, y, *noise, *out), "--prior needs --operator")
    told(say("reconstruct", "--prior", "soft", generator, y, *operator, *out), "needs --sigma")
    told(say("reconstruct", "--prior", "soft", generator, y, *operator, *noise, "--weight", 1, *out), "one of them")
    told(say("reconstruct", "--prior", "soft", generator, *operator, *noise, *out), "no file of measurements")
    told(say("reconstruct", "--prior", "soft", generator, y, "--operator", "gone.toml", *noise, *out), "gone.toml")
    told(
        say("reconstruct", "--prior", "soft", generator, y, *operator, "--sigma", -1, *out), "above 0, but got sigma=-1"
    )
    told(say("reconstruct", "--prior", "soft", y, y, *operator, *noise, *out), "y.npy")
    told(say("reconstruct", generator, y, *noise, *out), "belong to --prior")
    for starts in (("--restarts", 3), ("--seed", 0)):
        told(say("reconstruct", "--prior", "tv", y, *operator, *noise, *starts, *out), starts[0], "not for tv")
        told(say("reconstruct", generator, y, *starts, *out), f"{starts[0]}: for --prior range, soft or sparse")
    told(say("reconstruct", generator, y, *out), "holds a generator model, not one that reconstructs")
    (tmp_path / "scan.toml").write_text('operator = "identity"\nshape = [1, 8, 8]')
    answer = say("reconstruct", "--prior", "tv", y, *operator, *noise, *out)
    assert answer.code == 1 and "y.npy: Measurements by Identity" in answer.err
    np.save(y, np.zeros((1, 1, 8, 8)))
    told(say("reconstruct", "--prior", "soft", generator, y, *operator, *noise, *out), "8")
