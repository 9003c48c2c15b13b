"""Bundles of reconstructors: what was saved comes back to the same bytes, with the process that it learnt under."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.artifacts.forging import forge
from tests.reconstruction.making import holes, images, inpainting, magnetic, measured, short
from unseen.artifacts import BundleError, bundle
from unseen.losses import MeasurementConsistency
from unseen.physics import (
    BeerLambert,
    Blur,
    Downsampling,
    FourierMask,
    Gaussian,
    Identity,
    Mask,
    Measurement,
    Operator,
    PoissonGaussian,
    SinglePixelCamera,
    Tomography,
    stack,
)
from unseen.reconstruction import RECONSTRUCTORS, ArtifactRemoval, Reconstructor, learn, load, save
from unseen.reconstruction.process_card import described, rebuilt

GOLDEN = Path(__file__).parents[1] / "artifacts" / "golden"
COILS = torch.polar(torch.rand(2, 16, 16), torch.rand(2, 16, 16)).to(torch.complex64)

PROCESSES: dict[str, Callable[[], Measurement]] = {
    "mask": lambda: inpainting(sigma=0.1),
    "masks": lambda: Measurement(Mask(holes(n=3))),
    "single coil": lambda: magnetic(sigma=0.1),
    "two coils": lambda: Measurement(FourierMask(holes()[0], coils=COILS)),
    "low dose": lambda: Measurement(
        Tomography(16, angles=torch.tensor([0.0, 30.0, 77.0])), link=BeerLambert(1e5), noise=PoissonGaussian(1.0, 30.0)
    ),
    "camera": lambda: Measurement(SinglePixelCamera(16, 40, seed=3)),
    "blur": lambda: Measurement(Blur((16, 16), torch.ones(3, 3) / 9)),
    "composed": lambda: Measurement(2 * (Mask(holes(size=8)) @ Downsampling(16, 2))),
    "stacked": lambda: Measurement(stack(Mask(holes()), Identity((1, 16, 16)).restrict(holes(seed=4)))),
}


def trained(process: Measurement, *, key: str = "artifact-removal") -> tuple[Reconstructor, Tensor]:
    n = process.A.batch or 2
    x = images(n)
    y = measured(process, x + 0j if process.A.complex_domain else x)
    torch.manual_seed(0)
    kind: type[Reconstructor] = RECONSTRUCTORS.load(key)
    f = kind.for_process(process, features=4, depth=2)
    return learn(y, process, losses=[MeasurementConsistency()], network=f, training=short(2, batch_size=2)), y


@pytest.mark.parametrize("key", RECONSTRUCTORS)
def test_what_was_saved_comes_back_to_the_same_bytes(tmp_path: Path, key: str) -> None:
    f, y = trained(inpainting(sigma=0.1), key=key)
    card = save(f, tmp_path / "model", data="smooth images", licence="CC0-1.0", metrics={"psnr": 30.0})
    g = load(tmp_path / "model")
    assert g.process is not None and not g.training and g.card == card
    assert torch.equal(f(y, inpainting()), g(y, g.process))
    assert (card.kind, card.name, card.data, card.licence) == ("reconstruction", key, "smooth images", "CC0-1.0")
    assert g.training_digests == f.training_digests and len(card.training_films) == 2
    assert g.config == f.config and g.trained_on == f.trained_on


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_comes_back(tmp_path: Path, name: str) -> None:
    process = PROCESSES[name]()
    f, y = trained(process)
    save(f, tmp_path / "model")
    found = load(tmp_path / "model").process
    assert found is not None and found != process
    assert repr(found) == repr(process)
    x = images(process.A.batch or 2, seed=8)
    x = x + 0j if process.A.complex_domain else x
    assert torch.equal(found.mean(x), process.mean(x)) and torch.equal(found.linearise(y), process.linearise(y))
    assert torch.equal(measured(found, x), measured(process, x))


class _Own(Operator):
    def __init__(self) -> None:
        super().__init__(domain=(1, 16, 16), range=(1, 16, 16))

    def _forward(self, x: Tensor) -> Tensor:
        return x

    def _adjoint(self, y: Tensor) -> Tensor:
        return y

    def _pinv(self, y: Tensor) -> Tensor:
        return y


def test_an_operator_of_ones_own_is_left_out_with_a_warning(tmp_path: Path) -> None:
    f, y = trained(Measurement(_Own()))
    with pytest.warns(UserWarning, match="written without its process: _Own is no operator"):
        card = save(f, tmp_path / "model")
    g = load(tmp_path / "model")
    assert card.process is None and g.process is None
    assert torch.equal(g(y, Measurement(_Own())), f(y, Measurement(_Own())))


def test_a_mask_that_was_changed_behind_the_operators_back_is_not_written_wrong(tmp_path: Path) -> None:
    mask = holes()
    f, _ = trained(Measurement(Mask(mask)))
    mask.logical_not_()
    with pytest.warns(UserWarning, match="does not compute the same as an operator rebuilt"):
        assert save(f, tmp_path / "model").process is None


@pytest.mark.parametrize("kind", [torch.tensor, np.array, list], ids=["tensor", "array", "list"])
def test_noise_levels_changed_after_the_noise_was_made_are_not_written(kind: Callable[[list[float]], Any]) -> None:
    """Before, a bundle held the changed levels, which the noise itself did not have."""
    levels = kind([0.1, 0.2])
    process = Measurement(Identity((1, 4, 4)), Gaussian(levels))
    levels[0], levels[1] = 7.0, 8.0
    noise = rebuilt(*described(process)).noise
    assert isinstance(noise, Gaussian) and noise.sigma.tolist() == pytest.approx([0.1, 0.2])


HALF = np.arange(256).reshape(16, 16) % 2 == 0


@pytest.mark.parametrize(
    "made",
    [
        lambda: Measurement(Identity((1, 16, 16)), Gaussian(np.float32(0.1))),
        lambda: Measurement(Identity((1, 16, 16)), PoissonGaussian(np.float32(0.1), sigma=np.float16(0.5))),
        lambda: Measurement(Tomography(16, angles=4), BeerLambert(np.float32(1e5)), PoissonGaussian(np.int64(2))),
        lambda: Measurement(Downsampling(np.int64(16), np.int32(2))),
        lambda: Measurement(FourierMask(HALF, real=np.True_)),
        lambda: Measurement(Mask(HALF[::-1])),
        lambda: Measurement(Mask(HALF.astype(">f4"))),
        lambda: Measurement(Tomography(16, angles=np.linspace(0, 90, 5)[::-1])),
    ],
    ids=["sigma", "gain", "I0", "factor", "real", "turned", "big-endian", "angles"],
)
@pytest.mark.filterwarnings("error")
def test_numbers_and_arrays_of_numpy_are_saved(tmp_path: Path, made: Callable[[], Measurement]) -> None:
    """Before, a number of NumPy left the process out of the bundle, and a reversed array ended in an error of torch."""
    f = ArtifactRemoval.for_process(made(), features=4, depth=1)
    f.process, f.trained_on = made(), "cpu"
    save(f, tmp_path / "model")
    process = load(tmp_path / "model").process
    assert repr(process) == repr(f.process)


@pytest.mark.filterwarnings("error")
def test_an_array_that_cannot_be_written_to_is_saved_without_a_warning() -> None:
    mask = HALF.copy()
    mask.flags.writeable = False
    A = rebuilt(*described(Measurement(Mask(mask)))).A
    assert torch.equal(A(torch.ones(1, 1, 16, 16))[0, 0] > 0, torch.tensor(HALF))


def test_metrics_of_numpy_and_torch_are_saved_as_numbers(tmp_path: Path) -> None:
    f, _ = trained(inpainting())
    metrics = {"psnr": np.float32(30.5), "ssim": torch.tensor(0.75), "each": np.array([1, 2]), "name": "phantoms"}
    save(f, tmp_path / "model", metrics=metrics)
    found = load(tmp_path / "model").card
    assert found is not None
    assert found.metrics == {"psnr": 30.5, "ssim": 0.75, "each": [1, 2], "name": "phantoms"}


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this artifact-removal has not been trained"):
        save(ArtifactRemoval(), tmp_path / "model")
    f, _ = trained(inpainting())
    save(f, tmp_path / "model")
    with pytest.raises(BundleError, match="holds its own network; leave network=… out"):
        load(tmp_path / "model", network=nn.Conv2d(1, 1, 1))


def test_bundles_that_are_not_reconstructors_or_were_changed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BundleError,
        match=r"holds a lungs model, not one that reconstructs\. .* one of models/phantom-ct, [^ ]+, [^ ]+\. A lung",
    ):
        load("models/lungs")
    f, _ = trained(inpainting())
    save(f, tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    forge(tmp_path / "model", card | {"process": {"A": {"part": "os.system", "arguments": ["true"], "named": {}}}})
    with pytest.raises(BundleError, match=r'its process cannot be rebuilt \(part of a process "os.system": unknown'):
        load(tmp_path / "model")
    forge(tmp_path / "model", card | {"process": {"A": 3}})
    with pytest.raises(BundleError, match="its process cannot be rebuilt"):
        load(tmp_path / "model")
    forge(
        tmp_path / "model",
        card | {"process": {"A": {"part": "mask", "arguments": [{"tensor": "process.7"}], "named": {}}}},
    )
    with pytest.raises(BundleError, match="its process cannot be rebuilt"):
        load(tmp_path / "model")
    forge(tmp_path / "model", card | {"config": {**card["config"], "features": 8}})
    with pytest.raises(BundleError, match="the weights do not fit artifact-removal"):
        load(tmp_path / "model")
    forge(tmp_path / "model", card | {"name": "artefact-removal"})
    with pytest.raises(LookupError, match="did you mean artifact-removal"):
        load(tmp_path / "model")


def test_the_golden_reconstructor_of_format_1_gives_what_it_did() -> None:
    expected = json.loads((GOLDEN / "reconstruction-1.expected.json").read_text())
    f = load(GOLDEN / "reconstruction-1")
    assert f.process is not None and repr(f.process) == expected["process"]
    y = torch.tensor(expected["measurement"])[None]
    assert torch.allclose(f(y, f.process), torch.tensor(expected["picture"])[None], atol=1e-5)
    assert bundle.card_of(GOLDEN / "reconstruction-1").training_films == ["1" * 64]


def test_a_noise_is_told_with_its_arguments_and_a_default_is_left_to_the_class() -> None:
    table, tensors = described(Measurement(Identity((1, 4, 4)), noise=Gaussian(sigma=0.5)))
    assert table["noise"] == {"part": "gaussian", "arguments": [], "named": {"sigma": 0.5}} and not tensors
    assert json.loads(json.dumps(table)) == table
    noise = rebuilt(table, tensors).noise
    assert isinstance(noise, Gaussian) and noise.sigma == 0.5
