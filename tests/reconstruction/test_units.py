"""Training does not depend on the units of images and measurements: every loss, every noise.

Powers of two change no rounding: the same bits are learnt. Other units change rounding, and where counts are drawn that
changes some draw: those trainings differ as two seeds do, so they are compared at powers of two alone.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.reconstruction.making import holes, images, magnetic, measured, short
from unseen.evaluation.psnr_ssim import psnr
from unseen.evaluation.reconstruction_quality import evaluate_reconstructor
from unseen.losses import (
    BackprojectedConsistency,
    BackprojectedRisk,
    Equivariance,
    EquivariantAdversarial,
    Loss,
    MeasurementConsistency,
    MultiOperator,
    Recorrupted,
    RobustEquivariance,
    ScaleEquivariance,
    Splitting,
    Supervised,
    Sure,
    Thinning,
)
from unseen.physics import (
    BeerLambert,
    FourierMask,
    Gaussian,
    Mask,
    Measurement,
    Noise,
    Operator,
    Poisson,
    PoissonGaussian,
    Shifts,
)
from unseen.reconstruction import ArtifactRemoval, deep_image_prior, learn
from unseen.reconstruction.measurements import MeasurementError, warn_of_truth, warn_of_units

MOVED = Shifts()
LR = 1e-3
SMALL, LARGE = 2.0**-20, 2.0**20  # about 1e-6 and 1e6


def critic() -> nn.Module:
    torch.manual_seed(7)
    return nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 2, 1))


CASES: dict[str, tuple[str, list[Loss]]] = {
    "MC": ("none", [MeasurementConsistency()]),
    "EI": ("none", [MeasurementConsistency(), Equivariance(MOVED)]),
    "EI, backprojected": ("none", [BackprojectedConsistency(), Equivariance(MOVED)]),
    "REI, Gaussian": ("gaussian", [Sure(), RobustEquivariance(MOVED)]),
    "REI, Poisson": ("poisson", [Sure(), RobustEquivariance(MOVED)]),
    "REI, mixed": ("mixed", [Sure(), RobustEquivariance(MOVED)]),
    "REI, counts in thousands": ("bright", [Sure(), RobustEquivariance(MOVED)]),
    "REI, backprojected": ("gaussian", [BackprojectedRisk(), RobustEquivariance(MOVED)]),
    "scales": ("gaussian", [Sure(), ScaleEquivariance()]),
    "splitting": ("gaussian", [Splitting(), Equivariance(MOVED)]),
    "recorrupted": ("gaussian", [Recorrupted(), Equivariance(MOVED)]),
    "thinning": ("poisson", [Thinning(), Equivariance(MOVED)]),
    "supervised": ("gaussian", [Supervised(), MeasurementConsistency()]),
    "several operators": ("several", [MeasurementConsistency(), MultiOperator()]),
    "X-rays": ("x-rays", [Sure(), RobustEquivariance(MOVED)]),
}

# By day a loss of each kind: a group, a risk with two sorts of noise, noise drawn anew, several operators, a link.
EACH_KIND = {"REI, mixed", "several operators", "X-rays"}


def noise(kind: str, scale: float) -> Noise | None:
    return {
        "gaussian": lambda: Gaussian(0.1 * scale),
        "poisson": lambda: Poisson(0.05 * scale),
        "mixed": lambda: PoissonGaussian(0.05 * scale, 0.05 * scale),
        "bright": lambda: Poisson(1e-4 * scale),
        "x-rays": lambda: PoissonGaussian(scale, 5 * scale),
    }.get(kind, lambda: None)()


def learnt(kind: str, losses: list[Loss], scale: float) -> tuple[float, list[float]]:
    """Test PSNR after a few steps on y · scale, of images · scale; and the first step's losses."""
    mask = Mask(holes(n=4)) if kind == "several" else Mask(holes())
    one = Measurement(mask, noise=noise(kind, 1.0), link=BeerLambert(1e3) if kind == "x-rays" else None)
    link = BeerLambert(1e3 * scale, least=scale) if kind == "x-rays" else None
    process = Measurement(mask, noise=noise(kind, scale), link=link)
    x, rows = images(8), torch.arange(8) % 4 if kind == "several" else None
    y = measured(one if rows is None else one.select(rows), x)
    in_images = 1.0 if kind == "x-rays" else scale  # line integrals have no unit
    torch.manual_seed(0)
    f = ArtifactRemoval.for_process(process, features=8, depth=2)
    f = learn(
        y * scale, process, losses=losses, truth=x * in_images if kind == "gaussian" else None, operators=rows,
        network=f, training=short(3), learning_rate=LR,
    )  # fmt: skip
    assert f.history is not None
    own = process if rows is None else process.select(rows)
    with torch.no_grad():
        found: Tensor = f(y * scale, own) / in_images
    return float(psnr(found, x).mean()), [values[0] for values in f.history.parts.values()]


@functools.cache
def learnt_in(case: str, scale: float) -> tuple[float, list[float]]:
    return learnt(*CASES[case], scale)


@pytest.mark.slow
@pytest.mark.parametrize("other", [LARGE, pytest.param(1.0, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "case", [case if case in EACH_KIND else pytest.param(case, marks=pytest.mark.nightly) for case in CASES]
)
def test_what_is_learnt_does_not_depend_on_the_unit(case: str, other: float) -> None:
    """The smallest and the largest unit differ most, if anything depends on the unit."""
    (one, parts), (reached, scaled) = learnt_in(case, SMALL), learnt_in(case, other)
    assert reached == pytest.approx(one, abs=1e-3)
    # the risk of X-rays is a small difference of larger terms, and keeps their rounding
    alike = pytest.approx(parts, rel=2e-4, abs=1e-5 * max(parts) if case == "X-rays" else None)
    assert scaled == alike, "losses are logged in the reconstructor's own scale"


# MC alone does not determine what is in the holes, so that rounding does
UNROUNDED = [name for name, (kind, _) in CASES.items() if kind in ("none", "gaussian", "several") and name != "MC"]
WIDELY = [1e6, *(pytest.param(scale, marks=pytest.mark.nightly) for scale in (1e-6, 1e-4, 1e-2, 1e2, 1e4))]


@pytest.mark.parametrize("scale", WIDELY)
@pytest.mark.parametrize("case", ["REI, Gaussian", pytest.param("EI", marks=pytest.mark.nightly)])
def test_nor_does_it_where_the_unit_changes_the_rounding(case: str, scale: float) -> None:
    assert learnt_in(case, scale)[0] == pytest.approx(learnt_in(case, 1.0)[0], abs=0.1)


@pytest.mark.nightly
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("case", UNROUNDED)
def test_nor_does_it_for_any_loss_without_counts(case: str, scale: float) -> None:
    test_nor_does_it_where_the_unit_changes_the_rounding(case, scale)


def test_a_critic_sees_images_in_the_reconstructors_own_scale() -> None:
    def losses() -> list[Loss]:
        return [MeasurementConsistency(), EquivariantAdversarial(MOVED, critic(), weight=0.1)]

    (one, _), (other, _) = learnt("none", losses(), 1.0), learnt("none", losses(), 1e6)
    assert other == pytest.approx(one, abs=0.1)


@pytest.mark.parametrize("factor", [1e4, pytest.param(1e-4, marks=pytest.mark.nightly)])
def test_what_is_learnt_does_not_depend_on_the_operators_unit(factor: float) -> None:
    """The same images, measured by A and by factor · A."""
    x = images(8)
    reached = []
    for c in (1.0, factor):
        process = Measurement(c * Mask(holes()), noise=Gaussian(0.1 * c))
        y = measured(Measurement(Mask(holes()), noise=Gaussian(0.1)), x) * c
        torch.manual_seed(0)
        f = ArtifactRemoval.for_process(process, features=8, depth=2)
        losses = [Sure(), RobustEquivariance(MOVED)]
        f = learn(y, process, losses=losses, network=f, training=short(3), learning_rate=3e-3)
        reached.append(float(psnr(f(y, process).detach(), x).mean()))
    assert reached[1] == pytest.approx(reached[0], abs=0.1)


@pytest.mark.nightly
@pytest.mark.parametrize("scale", [1e6, pytest.param(1e-6, marks=pytest.mark.nightly)])
def test_the_deep_image_prior_does_not_depend_on_the_unit(scale: float) -> None:
    x, found = images(1), []
    for c in (1.0, scale):
        process = Measurement(Mask(holes()), noise=Gaussian(0.05 * c))
        y = c * measured(Measurement(Mask(holes()), noise=Gaussian(0.05)), x)
        found.append(deep_image_prior(y, process, steps=60, features=8, depth=2) / c)
    assert float(psnr(found[0], x)) > 15
    assert float(psnr(found[1], x)) == pytest.approx(float(psnr(found[0], x)), abs=0.1)


def test_shares_of_the_photons_need_a_floor_of_their_own() -> None:
    with pytest.raises(ValueError, match="least=1e-05"):
        BeerLambert(1.0)
    link = BeerLambert(1.0, least=1e-5)
    p = torch.tensor([0.0, 1.0, 5.0])
    torch.testing.assert_close(link.inverse(link(p)), p)


@pytest.mark.parametrize(
    ("A", "noise", "scale", "warned"),
    [
        (Mask(holes()), Gaussian(0.1), 1.0, False),
        (Mask(holes()), Gaussian(25.0), 1.0, True),  # σ of 8-bit images, images in [0, 1]
        (Mask(holes()), Gaussian(0.1), 255.0, False),
        (magnetic().A, Gaussian(0.1), 1.0, False),
        (magnetic().A, Gaussian(25.0), 1.0, True),
        (Mask(holes()), Poisson(0.05), 1.0, False),
        (Mask(holes()), Poisson(5.0), 1.0, True),
        (Mask(holes()), PoissonGaussian(0.05, 0.1), 1.0, False),
        (Mask(holes()), PoissonGaussian(0.05, 25.0), 1.0, True),
    ],
)
def test_a_noise_above_the_measurements_is_in_other_units(
    A: Operator, noise: Noise, scale: float, warned: bool
) -> None:
    x = images(4) * scale
    y = measured(Measurement(A, noise=Gaussian(0.1 * scale)), x + 0j if A.complex_domain else x)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        warn_of_units(y, Measurement(A, noise=noise))
    assert [str(warning.message).split(" alone has")[0] for warning in shown] == [repr(noise)] * warned


def test_noise_alone_is_not_warned_of() -> None:
    process = Measurement(Mask(holes()), noise=Gaussian(0.3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_units(measured(process, torch.zeros(4, 1, 16, 16)), process)


@pytest.mark.parametrize(
    ("order", "rows", "warned"),
    [
        ("of the mask", 1.0, False),
        ("of the mask", 0.5, False),  # k-space without the lines that the mask leaves out
        ("centred", 0.5, True),  # the mask is in FFT order
        ("centred", 1.0, False),  # complete k-space, of which the mask takes a part
        ("filled up", 1.0, False),  # the same, with zeros in the place of high frequencies that were not measured
    ],
)
def test_k_space_in_another_order_than_its_mask_is_warned_of(order: str, rows: float, warned: bool) -> None:
    process = magnetic()
    y = measured(process if rows < 1 else Measurement(FourierMask(torch.ones(16, 16))), images(4) + 0.5j)
    y = torch.fft.fftshift(y, dim=(-2, -1)).roll(1, dims=-2) if order == "centred" else y
    if order == "filled up":
        y[..., 6:10] = 0
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        warn_of_units(y, process)
    assert [str(one.message).split(". ")[-1] for one in shown] == [
        "The mask is of other measurements, or in another order: check centred."
    ] * warned


@pytest.mark.parametrize("noise", [None, Gaussian(0.1), Poisson(0.05), PoissonGaussian(0.05, 0.1)])
@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        (lambda x: x, False),
        (lambda x: 255 * x, True),
        (lambda x: x / 255, True),
        (lambda x: x.roll(1, dims=0), True),  # images and measurements in another order
        (torch.zeros_like, True),
    ],
)
def test_a_truth_that_does_not_measure_y_is_warned_of(
    changed: Callable[[Tensor], Tensor], warned: bool, noise: Noise | None
) -> None:
    process, x = Measurement(Mask(holes()), noise=noise), images(8) * torch.linspace(0, 2, 8).view(-1, 1, 1, 1)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        warn_of_truth(changed(x), measured(process, x), process)
    assert len(shown) == warned
    assert all(str(one.message).startswith("The measurements differ from those of their images") for one in shown)


@pytest.mark.parametrize("operator", [Mask(holes()), FourierMask(holes()[0])], ids=["mask", "fourier-mask"])
@pytest.mark.parametrize("stated", [None, Gaussian(0.1)])
def test_noise_that_is_not_stated_is_told_from_measurements_of_other_images(
    operator: Operator, stated: Noise | None
) -> None:
    """Supervised learning from noisy measurements was advised to check the order of the images."""
    process, x = Measurement(operator, noise=stated), images(8) * torch.linspace(0, 2, 8).view(-1, 1, 1, 1)
    x = x.to(torch.complex64) if operator.complex_domain else x
    noisy = measured(Measurement(operator, noise=Gaussian(1.0)), x)
    with pytest.warns(UserWarning, match=r"like noise.* Measurement\(A, noise\)") as shown:
        warn_of_truth(x, noisy, process)
    assert len(shown) == 1 and "order" not in str(shown[0].message)
    for others in (x.roll(1, dims=0), 255 * x, x / 255, torch.zeros_like(x)):
        with pytest.warns(UserWarning, match="Give both in one order"):
            warn_of_truth(others, noisy, process)


def test_learn_and_evaluation_warn_of_images_in_another_order_than_their_measurements() -> None:
    process, x = Measurement(Mask(holes())), images(6)
    others = 1 - x
    network = ArtifactRemoval(features=4, depth=1)
    with pytest.warns(UserWarning, match="differ from those of their images"):
        f = learn(process(x), process, losses="supervised", truth=others, network=network, training=short(1))
    f.training_digests = f.training_images = ()
    with pytest.warns(UserWarning, match="differ from those of their images"):
        evaluate_reconstructor(f, others, measurements=process(x), metrics="psnr")


def test_masked_values_of_an_array_are_refused() -> None:
    """Their values, which are no measurements, were read without a message."""
    y = np.ma.array(images(2).numpy(), mask=~holes().expand(2, 1, 16, 16).numpy())
    with pytest.raises(
        MeasurementError, match=r"this one has masked values. Give .filled\(0\), and a Mask in the operator"
    ):
        learn(y, Mask(holes()), losses="mc", training=short(1))


def test_learn_warns_of_measurements_that_are_all_zero() -> None:
    A = Mask(torch.zeros(1, 16, 16))
    with pytest.warns(UserWarning, match="All measurements are zero where the operator observes them"):
        learn(images(2), A, losses="mc", network=ArtifactRemoval(features=4, depth=1), training=short(1))
