"""The risks of counts against the true risk: to first and second order in the gain, and the exact ones.

The exact identities are also checked without any chance: on two entries the expectation is summed over all counts, and
integrated over the read-out. Power of the tests by chance: see `paired`.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.losses.paired import LARGEST_Z, NETWORKS, Paired, image, linear, paired, smooth
from tests.seeded import rng
from unseen.losses import MeasurementConsistency, Seen, Sure, Thinning, hudson_risk, mixed_sure
from unseen.losses.count_thinning import thinned
from unseen.losses.loss import observed, observed_count
from unseen.losses.sums import squares
from unseen.losses.sure_poisson import skewed_probe
from unseen.physics import BeerLambert, Mask, Measurement, PoissonGaussian

SIZE, BATCH, BATCHES = 16, 250, 16
INPAINTING = Mask(torch.rand(SIZE, SIZE, generator=rng(5)) > 0.3)

Network = Callable[[Tensor], Tensor]
Draw = Callable[[int], tuple[Tensor, Tensor, Tensor]]


def through_sure(network: Network, noise: PoissonGaussian, loss: Sure) -> Draw:
    """`loss` on inpainting, without a truth; its own risk, with."""
    process, x = Measurement(INPAINTING, noise=noise), image(SIZE)

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y = process(x.expand(BATCH, -1, -1, -1), generator=rng(seed))
        seen = Seen(y, process, lambda y, process: network(process.A.pinv(y)))
        estimate = loss(seen, generator=rng(10_000 + seed))
        m = observed_count(process, y)
        energy = (INPAINTING(noise.gain * y + noise.sigma**2)).flatten(1).sum(1) / m
        consistency = MeasurementConsistency()(seen, generator=None)
        return estimate, squares(seen.remeasured - INPAINTING(x)) / m, estimate - consistency + energy

    return one


LEVELS = [(0.02, 0.0), (0.1, 0.0), (0.1, 0.1), (0.05, 0.2)]


@pytest.mark.parametrize(
    "network, gain, sigma",
    [
        ("smooth", 0.1, 0.1),
        *(pytest.param("smooth", *level, marks=pytest.mark.nightly) for level in LEVELS if level != (0.1, 0.1)),
        pytest.param("linear", 0.1, 0.1, marks=pytest.mark.nightly),
        *(pytest.param("linear", *level, marks=pytest.mark.nightly) for level in LEVELS if level != (0.1, 0.1)),
    ],
)
def test_to_second_order_the_risk_is_right_within_three_per_cent(network: str, gain: float, sigma: float) -> None:
    seen = paired(through_sure(NETWORKS[network], PoissonGaussian(gain, sigma), Sure(order=2)), BATCHES)
    seen.assert_precise()
    assert seen.standard_error < 0.006 * seen.risk
    assert abs(seen.bias) < 0.03 * seen.risk, seen


def test_the_curvature_term_is_worth_more_than_the_test_allows() -> None:
    seen = paired(through_sure(smooth, PoissonGaussian(0.1), Sure(order=1, tau=1e-3)), BATCHES)
    assert seen.bias > 0.1 * seen.risk, seen


@pytest.mark.parametrize("order", [pytest.param(1, marks=pytest.mark.nightly), 2])
def test_to_either_order_the_risk_of_a_linear_network_is_unbiased_at_every_gain(order: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # gain 0.5 is outside the regime of the second order
        draw = through_sure(linear, PoissonGaussian(0.5, 0.1), Sure(order=order))
        paired(draw, 2 * BATCHES).assert_unbiased()


def square(x: Tensor) -> Tensor:
    return linear(x) + 0.4 * linear(x) ** 2


def test_to_second_order_the_risk_of_a_quadratic_network_is_unbiased_at_every_gain() -> None:
    x, noise = image(SIZE), PoissonGaussian(0.5, 0.2)

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y = noise.sample(x.expand(BATCH, -1, -1, -1), generator=rng(seed))
        estimate = mixed_sure(square, y, noise, generator=rng(10_000 + seed))
        return estimate, squares(square(y) - x), (2 * (y - x) * square(y)).flatten(1).sum(1)

    paired(one, 2 * BATCHES).assert_unbiased()


def terms(y: Tensor, noise: PoissonGaussian, seed: int, probe: Tensor | None = None) -> dict[str, Tensor]:
    """Return each term of the second-order risk of `smooth`, written out for this test alone: (batch,)."""
    gain, sigma, tau = noise.gain, noise.sigma, noise.gain / 2
    c = skewed_probe(y, generator=rng(seed)) if probe is None else probe
    ahead, behind, here = smooth(y + tau * c), smooth(y - tau * c), smooth(y)
    second = c * (ahead + behind - 2 * here) / tau**2
    parts = {
        "squares": (here - y) ** 2,
        "counts": -gain * y,
        "read-out": torch.full_like(y, -(sigma**2)),
        "slope of counts": gain * y * c * (ahead - behind) / tau,
        "slope of read-out": sigma**2 * c * (ahead - behind) / tau,
        "curvature of counts": -(gain**2) * y * second,
        "curvature of both": -2 * sigma**2 * gain * second,
    }
    return {name: part.flatten(1).sum(1) for name, part in parts.items()}


NOISY = PoissonGaussian(0.1, 0.2)


@functools.cache
def of_seed(seed: int) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """y, the estimate, the true loss and the estimate's terms, of one batch: drawn once for all tests below."""
    x = image(SIZE)
    y = NOISY.sample(x.expand(BATCH, -1, -1, -1), generator=rng(seed))
    estimate = mixed_sure(smooth, y, NOISY, generator=rng(10_000 + seed))
    return y, estimate, squares(smooth(y) - x), terms(y, NOISY, 10_000 + seed)


def second_order(change: Callable[[dict[str, Tensor], Tensor, int], Tensor]) -> Paired:
    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y, estimate, loss, parts = of_seed(seed)
        torch.testing.assert_close(estimate, torch.stack(list(parts.values())).sum(0))
        return estimate + change(parts, y, seed), loss, parts["slope of counts"]

    return paired(one, BATCHES)


def test_it_is_the_formula_written_out() -> None:
    seen = second_order(lambda parts, y, seed: 0 * parts["counts"])
    assert abs(seen.bias) < 0.03 * seen.risk, seen


@pytest.mark.parametrize(
    "term",
    ["counts", "read-out", "slope of counts", "slope of read-out", "curvature of counts", "curvature of both"],
)
def test_the_same_test_refuses_it_without_a_term(term: str) -> None:
    seen = second_order(lambda parts, y, seed: -parts[term])
    assert abs(seen.bias) > 0.03 * seen.risk + 3.5 * seen.standard_error, seen


def test_the_same_test_refuses_the_curvature_with_the_other_sign_and_with_even_probes() -> None:
    curvature = ("curvature of counts", "curvature of both")
    for_sign = second_order(lambda parts, y, seed: -2 * sum(parts[name] for name in curvature))

    def even(parts: dict[str, Tensor], y: Tensor, seed: int) -> Tensor:
        signs = torch.randint(0, 2, y.shape, generator=rng(seed)).to(y) * 2 - 1
        other = terms(y, NOISY, seed, probe=signs)
        return torch.stack(list(other.values())).sum(0) - torch.stack(list(parts.values())).sum(0)

    for seen in (for_sign, second_order(even)):
        assert abs(seen.bias) > 0.03 * seen.risk + 3.5 * seen.standard_error, seen


def test_a_probe_is_skewed() -> None:
    c = skewed_probe(torch.zeros(1, 1_000_000, dtype=torch.float64), generator=rng(0))
    for power, moment in ((1, 0.0), (2, 1.0), (3, 1.0)):
        assert abs(float((c**power).mean()) - moment) < 4 * float((c**power).std()) / 1000
    assert len(c.unique()) == 2


# --- exact, at a gain of a half ---

SMALL = 4


def hudson(network: Network, sigma: float, off: Callable[[Tensor], Tensor] | None = None) -> Paired:
    noise, x = PoissonGaussian(0.5, sigma), image(SMALL)
    target = Mask(torch.rand(SMALL, SMALL, generator=rng(3)) > 0.3)

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y = noise.sample(x.expand(2 * BATCH, -1, -1, -1), generator=rng(seed))
        estimate = hudson_risk(lambda y: target(network(y)), y, noise, target)
        loss = squares(target(network(y) - x))
        consistency = squares(target(network(y) - y))
        energy = target(noise.gain * y + sigma**2).flatten(1).sum(1)
        return estimate + (0 if off is None else off(target(y))), loss, estimate - consistency + energy

    return paired(one, 2 * BATCHES)


@pytest.mark.parametrize("sigma", [0.2, pytest.param(0.0, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("network", ["smooth", pytest.param("linear", marks=pytest.mark.nightly)])
def test_hudsons_risk_is_unbiased(network: str, sigma: float) -> None:
    hudson(NETWORKS[network], sigma).assert_unbiased()


def test_the_same_test_refuses_the_second_order_at_that_gain() -> None:
    target = Mask(torch.rand(SMALL, SMALL, generator=rng(3)) > 0.3)
    noise = PoissonGaussian(0.5)
    steep: Network = lambda y: target(0.3 * torch.nn.functional.softplus(20 * (linear(y) - 0.6)))  # noqa: E731

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y = noise.sample(image(SMALL).expand(2 * BATCH, -1, -1, -1), generator=rng(seed))
        exact = hudson_risk(steep, y, noise, target)
        return mixed_sure(steep, y, noise, target, tau=1e-3, generator=rng(seed + 1)), exact, exact

    assert abs(paired(one, 2 * BATCHES).z) > LARGEST_Z


def expected(noise: PoissonGaussian, u: tuple[float, float], value: Callable[[Tensor], Tensor]) -> float:
    """E value(y): the sum over the counts of two entries, and Gauss and Hermite's integral over the read-out."""
    counts = np.arange(26 if noise.gain >= 0.5 else 50)  # the rest has a probability below 1e-15
    log_factorial = np.cumsum(np.log(np.maximum(counts, 1)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(16) if noise.sigma else (np.zeros(1), np.ones(1))
    grids, masses = [], []
    for mean in u:
        rate = mean / noise.gain
        probability = np.exp(counts * np.log(rate) - rate - log_factorial)
        grids.append((noise.gain * counts[:, None] + noise.sigma * nodes).ravel())
        masses.append((probability[:, None] * weights / weights.sum()).ravel())
    y = torch.tensor(list(itertools.product(*grids)), dtype=torch.float64)[:, None, None]  # (outcomes, 1, 1, 2)
    return float(value(y).detach() @ torch.tensor(np.outer(*masses).ravel()))


def bent(y: Tensor) -> Tensor:
    """Return two entries mixed, then bent, strongly."""
    mixed = y @ torch.tensor([[1.0, 0.3], [-0.2, 0.8]], dtype=y.dtype)
    return torch.nn.functional.softplus(3 * (mixed - 0.6)) / 2 + 0.1 * torch.sin(2 * mixed)


@pytest.mark.parametrize(
    "gain, sigma", [(0.5, 0.3), *(pytest.param(gain, 0.0, marks=pytest.mark.nightly) for gain in (0.1, 0.5))]
)
def test_hudsons_risk_summed_over_every_outcome(gain: float, sigma: float) -> None:
    noise, u = PoissonGaussian(gain, sigma), (0.4, 0.9)
    truth = torch.tensor(u, dtype=torch.float64).reshape(1, 1, 1, 2)
    risk = expected(noise, u, lambda y: squares(bent(y) - truth))
    assert expected(noise, u, lambda y: hudson_risk(bent, y, noise)) == pytest.approx(risk, rel=1e-8)

    def without(part: str) -> float:
        def value(y: Tensor) -> Tensor:
            with torch.enable_grad():
                below, slope = [], []
                for i in range(2):
                    less = y.clone()
                    less[..., i] -= gain
                    less.requires_grad_()
                    out = bent(less)[..., i]
                    below.append(out.detach())
                    slope.append(torch.autograd.grad(out.sum(), less)[0][..., i])
            change = y * (bent(y) - torch.stack(below, dim=-1))
            parts = {
                "counts": -gain * y,
                "read-out": torch.full_like(y, -(sigma**2)),
                "a count less": 2 * change,
                "slope": 2 * sigma**2 * torch.stack(slope, dim=-1),
            }
            return hudson_risk(bent, y, noise) - parts[part].flatten(1).sum(1)

        return expected(noise, u, value)

    for part in ("counts", "a count less", *(("read-out", "slope") if sigma else ())):
        assert abs(without(part) - risk) > 0.05 * risk, part


@functools.cache
def thinned_draws(network: str, gain: float) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Batches of estimate, true loss, copied noise and the judging counts' mean."""
    share, x, drawn = 0.2, image(SIZE), []
    process = Measurement(INPAINTING, noise=PoissonGaussian(gain))
    f = lambda y, process: NETWORKS[network](process.A.pinv(y))  # noqa: E731
    with torch.no_grad():
        for seed in range(2 * BATCHES):
            y = process(x.expand(BATCH, -1, -1, -1), generator=rng(seed))
            estimate = Thinning(share)(Seen(y, process, f), generator=rng(10_000 + seed))
            kept, judging = thinned(y, PoissonGaussian(gain), share=share, generator=rng(10_000 + seed))
            m, found = observed_count(process, y), INPAINTING(f(kept, process))
            copied = (2 * INPAINTING(kept - x) * found).flatten(1).sum(1) / m
            counts = observed(process, judging).flatten(1).sum(1) / m
            drawn.append((estimate, squares(found - INPAINTING(x)) / m, copied, counts))
    return drawn


def thinning(network: str, gain: float, *, weight: float = 0.0) -> Paired:
    """Pair the estimate with the risk; with a `weight`, a wrong estimate: the judging counts are added again."""

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        estimate, loss, copied, counts = thinned_draws(network, gain)[seed]
        return estimate + weight * counts, loss, copied

    return paired(one, 2 * BATCHES)


@pytest.mark.parametrize(
    "network, gain",
    [
        ("smooth", 0.5),
        pytest.param("linear", 0.1, marks=pytest.mark.nightly),
        *(
            pytest.param(*case, marks=pytest.mark.nightly)
            for case in (("smooth", 0.02), ("smooth", 0.1), ("linear", 0.02), ("linear", 0.5))
        ),
    ],
)
def test_thinning_is_unbiased_for_the_risk_at_the_thinned_measurement(network: str, gain: float) -> None:
    thinning(network, gain).assert_unbiased()


@pytest.mark.parametrize("weight", [0.5 / 0.2, 0.5 / 0.2 - 0.5 / 0.8, 0.5 / 0.2 - 0.5])
def test_the_same_test_refuses_thinning_whose_counts_weigh_less(weight: float) -> None:
    assert abs(thinning("smooth", 0.5, weight=weight).z) > LARGEST_Z


def test_thinned_counts_are_independent_poisson_counts_and_average_to_y() -> None:
    noise, u = PoissonGaussian(0.5), 0.8
    y = noise.sample(torch.full((1, 200_000), u, dtype=torch.float64), generator=rng(0))
    first, second = thinned(y, noise, share=0.2, generator=rng(1))
    torch.testing.assert_close(0.8 * first + 0.2 * second, y)
    for part, gain in ((first, 0.5 / 0.8), (second, 0.5 / 0.2)):
        assert float(part.mean()) == pytest.approx(u, rel=0.02)
        assert float(part.var()) == pytest.approx(gain * u, rel=0.02)
        torch.testing.assert_close(part / gain, (part / gain).round())
    covariance = float(((first - u) * (second - u)).mean())
    assert abs(covariance) < 4 * (first.var() * second.var() / y.numel()) ** 0.5


# --- low-dose tomography in small: counts in the thousands, a link, a network that sees the linearised ---


@pytest.mark.parametrize("order", [pytest.param(None, marks=pytest.mark.nightly), 2])
def test_counts_in_the_thousands_through_beer_and_lamberts_law(order: int | None) -> None:
    x = image(SIZE)
    process = Measurement(INPAINTING, link=BeerLambert(1e4), noise=PoissonGaussian(1.0, 30.0))
    clean = process.mean(x)

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y = process(x.expand(BATCH, -1, -1, -1), generator=rng(seed))
        seen = Seen(y, process, lambda y, process: smooth(process.A.pinv(process.linearise(y))))
        m = observed_count(process, y)
        loss = squares(INPAINTING(seen.remeasured - clean)) / m
        estimate = Sure(tau=1.0, order=order)(seen, generator=rng(10_000 + seed))
        energy = INPAINTING(y + 900).flatten(1).sum(1) / m
        return estimate, loss, estimate - MeasurementConsistency()(seen, generator=None) + energy

    seen = paired(one, BATCHES)
    assert abs(seen.z) < LARGEST_Z, seen
    assert seen.standard_error < 0.05 * seen.divergence
