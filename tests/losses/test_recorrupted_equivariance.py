"""`RecorruptedEquivariance`: two passes a step, an unbiased risk, and REQ of the same reconstruction."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.losses.paired import FAINT_NETWORKS, image, paired
from tests.seeded import rng
from unseen.losses import Recorrupted, RecorruptedEquivariance, Seen
from unseen.losses.loss import Units, observed, observed_count
from unseen.losses.recorruption import recorrupted
from unseen.losses.sums import mean_square, squares
from unseen.physics import Flips, Gaussian, Mask, Measurement, PoissonGaussian

SIZE, BATCH, BATCHES = 16, 250, 12
SIGMA, SHARE = 0.1, 0.1
KEPT = torch.rand(1, SIZE, SIZE, generator=rng(5)) > 0.3
PROCESS = Measurement(Mask(KEPT), noise=Gaussian(SIGMA))


class Recording:
    """Network on the pseudo-inverse that keeps what it was given and what it made of that."""

    def __init__(self, network: str = "smooth") -> None:
        self.network = FAINT_NETWORKS[network]
        self.given: list[tuple[Tensor, Measurement]] = []
        self.found: list[Tensor] = []

    def __call__(self, y: Tensor, process: Measurement) -> Tensor:
        self.given.append((y, process))
        self.found.append(self.network(process.A.pinv(y)))
        return self.found[-1]


def seen_by(f: Recording, seed: int, **more: Units) -> Seen:
    x = image(SIZE).expand(BATCH, -1, -1, -1)
    return Seen(PROCESS(x, generator=rng(seed)), PROCESS, f, **more)


def draw(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Estimates without the equivariance, losses of the shared pass, and what y₁'s noise is taken off for."""
    f = Recording()
    seen = seen_by(f, seed)
    estimate = RecorruptedEquivariance(Flips(), share=SHARE, alpha=0)(seen, generator=rng(10_000 + seed))
    shown = observed(PROCESS, PROCESS.mean(f.found[0]))
    m = observed_count(PROCESS, seen.y)
    loss = squares(shown - PROCESS.mean(image(SIZE))) / m
    consistency = squares(observed(PROCESS, f.given[0][0]) - shown) / m
    return estimate, loss, loss - consistency + SIGMA**2 / (1 - SHARE)


def test_the_risk_of_the_shared_pass_is_unbiased() -> None:
    paired(draw, BATCHES).assert_unbiased()


@pytest.mark.parametrize("off", [SIGMA**2, SIGMA**2 / SHARE / 10], ids=["the noise's energy", "a tenth of y₂'s"])
def test_the_same_test_refuses_a_risk_with_another_energy_of_the_noise(off: float) -> None:
    def wrong(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        estimate, loss, divergence = draw(seed)
        return estimate + off, loss, divergence

    assert abs(paired(wrong, BATCHES).z) > 3.5


def test_the_network_runs_twice_and_first_on_noisier_measurements() -> None:
    f = Recording()
    RecorruptedEquivariance(Flips(), share=0.2)(seen_by(f, 0), generator=rng(1))
    assert len(f.given) == 2
    assert f.given[0][1].noise.sigma == pytest.approx(SIGMA / 0.8**0.5)
    assert f.given[1][1].noise.sigma == SIGMA


def test_it_is_the_risk_of_recorrupted_and_alpha_times_the_equivariance_of_the_same_image() -> None:
    f = Recording()
    seen = seen_by(f, 0)
    value = RecorruptedEquivariance(Flips(), alpha=3)(seen, generator=rng(1))
    risk = Recorrupted()(seen_by(Recording(), 0), generator=rng(1))
    generator = rng(1)
    first, _ = recorrupted(seen.y, Gaussian(SIGMA), share=SHARE, generator=generator)
    assert torch.equal(f.given[0][0], first)
    group = Flips()
    moved = group.T(f.found[0], group.sample(BATCH, generator=generator))
    torch.testing.assert_close(value, risk + 3 * mean_square(moved - f.found[1]))


def test_in_own_scale_each_term_is_divided_by_its_own_unit() -> None:
    units = Units(image=2.0, measurement=6.0)
    loss = RecorruptedEquivariance(Flips(), alpha=3)
    seen = seen_by(Recording(), 0, units=units)
    found = loss.in_own_scale(loss(seen, generator=rng(1)), units)
    risk = RecorruptedEquivariance(Flips(), alpha=0)(seen_by(Recording(), 0), generator=rng(1))
    both = loss(seen_by(Recording(), 0), generator=rng(1))
    torch.testing.assert_close(found, risk / 36 + (both - risk) / 4)


def test_running_averages_follow_the_pass_over_the_noisier_measurements() -> None:
    y = PROCESS(image(SIZE).expand(6, -1, -1, -1), generator=rng(2))
    network, alone = nn.BatchNorm2d(1).double().train(), nn.BatchNorm2d(1).double().train()
    seen = Seen(y, PROCESS, lambda y, process: network(y), modules=(network,))
    RecorruptedEquivariance(Flips())(seen, generator=rng(3))
    alone(recorrupted(y, Gaussian(SIGMA), share=SHARE, generator=rng(3))[0])
    assert network.num_batches_tracked == 1
    assert torch.equal(network.running_mean, alone.running_mean)
    seen.reconstruction.sum()
    RecorruptedEquivariance(Flips())(seen, generator=rng(3))
    assert network.num_batches_tracked == 2  # the pass over y, and none after it


def test_noise_that_is_not_gaussian_is_refused() -> None:
    y = torch.ones(1, 1, SIZE, SIZE)
    counts = Measurement(Mask(KEPT), noise=PoissonGaussian(0.1))
    with pytest.raises(TypeError, match="RecorruptedEquivariance is for Gaussian noise"):
        RecorruptedEquivariance(Flips())(Seen(y, counts, lambda y, process: y), generator=rng(0))


@pytest.mark.parametrize("settings", [{"share": 0.0}, {"share": 1.0}, {"alpha": -1.0}, {"alpha": float("inf")}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1|at least 0"):
        RecorruptedEquivariance(Flips(), **settings)
