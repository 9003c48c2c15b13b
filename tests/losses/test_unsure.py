"""UNSURE: SURE with a level in sigma's place, which rises while noise passes and falls while it is turned round."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen.data import phantoms
from unseen.evaluation import psnr
from unseen.losses import Equivariance, Seen, Sure, Unsure
from unseen.losses.loss import Units
from unseen.physics import FourierMask, Gaussian, Identity, Mask, Measurement, Poisson, Shifts
from unseen.reconstruction import ArtifactRemoval, learn
from unseen.training import Training

SIGMA = 0.3


def noise(n: int = 4, *, complex_too: bool = False) -> Tensor:
    return torch.randn(n, 1, 16, 16, generator=rng(0), dtype=torch.complex64 if complex_too else torch.float32)


@pytest.mark.parametrize("kind", ["all", "masked", "complex"])
def test_at_the_true_level_it_is_sure_but_for_the_noise_itself(kind: str) -> None:
    """So it is as unbiased: E value = risk + sigma², for every network."""
    some = torch.ones(16, 16).triu()
    A = {"all": Identity((1, 16, 16)), "masked": Mask(some), "complex": FourierMask(some)}[kind]
    y = A(noise(complex_too=kind == "complex"))
    f = lambda y, process: 0.7 * process.A.pinv(y) + process.A.pinv(y).abs() ** 2  # noqa: E731
    with_noise, without = Measurement(A, noise=Gaussian(SIGMA)), Measurement(A)
    risk = Sure()(Seen(y, with_noise, f), generator=rng(1))
    for process in (with_noise, without):  # the sigma of a process is not read
        value = Unsure(start=SIGMA)(Seen(y, process, f), generator=rng(1))
        torch.testing.assert_close(value, risk + SIGMA**2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("passed", "direction"), [(0.5, 1), (-0.5, -1)])
def test_the_level_rises_while_noise_passes_and_falls_while_it_is_turned_round(passed: float, direction: int) -> None:
    loss = Unsure(start=1.0)
    seen = Seen(noise(), Measurement(Identity((1, 16, 16))), lambda y, process: passed * y)
    steps = torch.optim.Adam(loss.critic.parameters(), lr=loss.critic_rate)
    for _ in range(10):
        steps.zero_grad()
        loss.critic_loss(seen, generator=rng(1)).mean().backward()
        steps.step()
    assert loss.sigma == pytest.approx(math.exp(10 * 0.01 * direction), rel=1e-3)


def test_the_level_is_said_in_the_units_of_y() -> None:
    loss = Unsure(start=0.1)
    process, units = Measurement(Identity((1, 16, 16))), Units(1e-3, 1e-3)
    loss(Seen(noise(), process, lambda y, process: y, units=units), generator=rng(1))
    assert loss.sigma == pytest.approx(1e-4)


def test_no_gradient_of_the_level_reaches_the_network_nor_of_the_network_the_level() -> None:
    loss, weight = Unsure(), torch.tensor(0.5, requires_grad=True)
    seen = Seen(noise(), Measurement(Identity((1, 16, 16))), lambda y, process: weight * y)
    loss.critic_loss(seen, generator=rng(1)).mean().backward()
    (level,) = loss.critic.parameters()
    assert weight.grad is None and level.grad is not None
    level.grad = None
    loss(seen, generator=rng(1)).mean().backward()
    assert level.grad is None and weight.grad is not None


def test_counts_and_levels_that_are_none_are_refused() -> None:
    seen = Seen(noise().abs().round(), Measurement(Identity((1, 16, 16)), noise=Poisson(1.0)), lambda y, process: y)
    with pytest.raises(TypeError, match="Unsure is for Gaussian noise, but the process has Poisson"):
        Unsure()(seen, generator=rng(1))
    for start in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="start is a level above 0"):
            Unsure(start=start)
    with pytest.raises(ValueError, match="tau is a step above 0"):
        Unsure(tau=0.0)


@pytest.mark.nightly
@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_it_learns_to_denoise_and_how_noisy_images_are_from_them_alone(unit: float) -> None:
    """One seed; of three, the level ended between 1.07 and 1.08 of sigma, and the gain between 5.2 and 6.4 dB."""
    drawn = phantoms.normals(40, seed=0, size=64)
    x = torch.stack([torch.from_numpy(film.pixels)[None, 16:48, 16:48] for film in drawn])
    x = (x - x.min()) / (x.max() - x.min())
    A = Identity((1, 32, 32))
    y = Measurement(A, noise=Gaussian(0.1))(x, generator=rng(1))
    torch.manual_seed(0)
    network = ArtifactRemoval.for_process(Measurement(A), features=8, depth=2)
    loss = Unsure()
    training = Training(epochs=18, batch_size=4, threads=1)
    f = learn(unit * y[:32], A, losses=[loss], network=network, learning_rate=1e-3, training=training)
    with torch.no_grad():
        gained = psnr(f(unit * y[32:], Measurement(A)) / unit, x[32:]).mean() - psnr(y[32:], x[32:]).mean()
    assert loss.sigma / unit == pytest.approx(0.1, rel=0.15)
    assert gained > 4


def test_its_name_stands_for_it_and_nothing_is_held_out() -> None:
    process = Measurement(Identity((1, 16, 16)))
    short = Training(epochs=1, threads=1)
    network = ArtifactRemoval.for_process(process, features=4, depth=1)
    f = learn(noise(12), process, losses="unsure", network=network, training=short)
    assert f.history is not None and {"Unsure", "Unsure critic"} <= set(f.history.parts)
    with pytest.warns(UserWarning, match="held-out measurements give only their consistency"):
        learn(noise(12), process, losses=[Unsure()], network=network, training=short, hold_out=0.2)
    with_symmetry = [Unsure(), Equivariance(Shifts())]
    assert learn(noise(12), process, losses=with_symmetry, network=network, training=short).history is not None


def test_a_second_training_with_the_same_loss_is_the_first_one_again() -> None:
    """Before, the level began where the first training had left it."""
    y = 0.1 * torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    loss = Unsure()
    levels, weights = list[float](), list[Tensor]()
    for _ in range(2):
        torch.manual_seed(0)
        f = learn(
            y,
            Identity((1, 16, 16)),
            losses=[loss],
            network=ArtifactRemoval(features=4, depth=1),
            training=Training(epochs=1, batch_size=2, threads=1),
        )
        levels.append(loss.sigma)
        weights.append(torch.cat([weight.detach().flatten() for weight in f.parameters()]))
    assert levels[0] == levels[1] and torch.equal(*weights)
