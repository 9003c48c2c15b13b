"""Properties of `sure` beside unbiasedness: gradient, precision, running averages, conventions and errors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.seeded import rng
from unseen.losses import running_averages_frozen, sure, sure_literal
from unseen.physics import Gaussian, Mask, PoissonGaussian


def noisy(batch: int = 3, size: int = 8, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(batch, 1, size, size, generator=rng(1), dtype=dtype)


def tiny(dtype: torch.dtype = torch.float64, *, normalised: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    middle: list[nn.Module] = [nn.BatchNorm2d(4)] if normalised else []
    layers = [nn.Conv2d(1, 4, 3, padding=1), *middle, nn.Softplus(), nn.Conv2d(4, 1, 3, padding=1)]
    return nn.Sequential(*layers).to(dtype)


MASK = Mask(torch.rand(8, 8, generator=rng(4)) > 0.5)


@pytest.mark.parametrize("target", [MASK, None])
@pytest.mark.parametrize("reuse", [True, False])
def test_the_gradient_runs_through_both_passes(target: Mask | None, reuse: bool) -> None:
    net, y = tiny(), noisy()
    weights = torch.nn.utils.parameters_to_vector(net.parameters()).detach()

    def value() -> Tensor:
        prediction = net(y) if reuse else None
        return sure(net, y, Gaussian(0.8), target, tau=0.1, generator=rng(2), prediction=prediction).sum()

    gradient = torch.nn.utils.parameters_to_vector(torch.autograd.grad(value(), list(net.parameters())))
    for seed in range(5):
        step, epsilon = torch.randn(len(weights), generator=rng(seed), dtype=torch.float64), 1e-6
        sides = []
        for sign in (1, -1):
            torch.nn.utils.vector_to_parameters(weights + sign * epsilon * step, net.parameters())
            sides.append(float(value().detach()))
        torch.nn.utils.vector_to_parameters(weights.clone(), net.parameters())
        assert float(gradient @ step) == pytest.approx((sides[0] - sides[1]) / (2 * epsilon), rel=1e-6)


def test_a_prediction_known_already_changes_nothing_and_saves_a_pass() -> None:
    net, y, calls = tiny(), noisy(), []

    def h(batch: Tensor) -> Tensor:
        calls.append(len(batch))
        return net(batch)

    fresh = sure(h, y, Gaussian(0.5), MASK, generator=rng(2))
    assert len(calls) == 2
    assert torch.equal(fresh, sure(h, y, Gaussian(0.5), MASK, generator=rng(2), prediction=net(y)))
    assert len(calls) == 3


def test_nothing_but_the_masked_pixels_is_perturbed() -> None:
    y, seen = noisy(), []

    def h(batch: Tensor) -> Tensor:
        seen.append(batch)
        return batch

    sure(h, y, Gaussian(0.5), MASK, generator=rng(2))
    outside = ~MASK.mask.expand_as(y)
    assert torch.equal(seen[1][outside], y[outside])
    assert (seen[1][~outside] != y[~outside]).all()


def test_without_noise_it_is_the_squared_error() -> None:
    net, y = tiny(), noisy()
    expected = ((net(y) - MASK(y)) ** 2).sum((1, 2, 3))
    torch.testing.assert_close(sure(net, y, Gaussian(0.0), MASK, generator=rng()), expected)
    mse = sure_literal(net, y, Gaussian(0.0), MASK, form="mse", generator=rng())
    norm = sure_literal(net, y, Gaussian(0.0), MASK, form="norm", generator=rng())
    torch.testing.assert_close(mse, expected / 64)
    torch.testing.assert_close(norm, expected.sqrt())


def test_off_the_mask_a_network_is_held_to_zero_unless_it_ends_in_the_mask() -> None:
    y, keep = noisy(), MASK.mask
    for h, extra in ((lambda t: t + 3 * ~keep, 9.0), (lambda t: MASK(t + 3 * ~keep), 0.0)):
        got = sure(h, y * keep, Gaussian(0.0), MASK, generator=rng())
        assert got.tolist() == pytest.approx([extra * int((~keep).sum())] * 3)


def test_a_network_that_gives_nothing_is_known_in_closed_form() -> None:
    y = noisy()
    energy, m = (MASK(y) ** 2).sum((1, 2, 3)), MASK.counts()
    torch.testing.assert_close(sure(torch.zeros_like, y, Gaussian(0.5), MASK), energy - 0.25 * m)
    literal = sure_literal(torch.zeros_like, y, Gaussian(0.5), MASK, form="mse")
    torch.testing.assert_close(literal, energy / 64 - 0.25)


def test_the_literal_form_is_the_equation_written_out() -> None:
    net, y, sigma, tau = tiny(), noisy(), 0.6, 1e-2
    b = torch.randn(y.shape, generator=rng(2), dtype=torch.float64)
    M = MASK.mask.double()
    prediction = net(y)
    mean_square = ((M * y - prediction) ** 2).mean((1, 2, 3))
    last = 2 * sigma**2 / M.sum() * (b * (net(y + tau * b * M) - prediction)).sum((1, 2, 3))
    got = sure_literal(net, y, Gaussian(sigma), MASK, form="mse", tau=tau, generator=rng(2))
    torch.testing.assert_close(got, mean_square - sigma**2 + last)
    got = sure_literal(net, y, Gaussian(sigma), MASK, form="norm", tau=tau, generator=rng(2))
    torch.testing.assert_close(got, (64 * mean_square).sqrt() - sigma**2 + last)


def test_a_sigma_and_a_mask_for_each_sample() -> None:
    net, y = tiny(), noisy()
    sigma, masks = torch.tensor([0.1, 0.5, 2.0]), torch.rand(3, 1, 8, 8, generator=rng(6)) > 0.5
    together = sure(net, y, Gaussian(sigma), Mask(masks), tau=1e-2, generator=rng(2))
    b = torch.randn(y.shape, generator=rng(2), dtype=torch.float64) * masks
    for i in range(3):
        change = (b * (net(y + 1e-2 * b) - net(y)))[i].sum() / 1e-2
        square = (net(y)[i] - (masks * y)[i]).square().sum()
        s = float(sigma[i].double())
        torch.testing.assert_close(together[i], square - s**2 * int(masks[i].sum()) + 2 * s**2 * change)


def test_the_step_is_half_a_standard_deviation_of_each_samples_noise() -> None:
    net, y = tiny(), noisy()
    sigma = torch.tensor([0.1, 0.5, 2.0])
    steps = sigma.double() / 2
    by_default = sure(net, y, Gaussian(sigma), MASK, generator=rng(2))
    assert torch.equal(by_default, sure(net, y, Gaussian(sigma), MASK, tau=steps, generator=rng(2)))
    other = sure(net, y, Gaussian(sigma), MASK, tau=2 * steps, generator=rng(2))
    assert not torch.equal(by_default, other)


@pytest.mark.parametrize("which", ["h itself", "named"])
@pytest.mark.parametrize("form", ["sure", "mse"])
def test_running_averages_are_those_of_y_alone(which: str, form: str) -> None:
    net, y = tiny(normalised=True).train(), noisy(8)
    alone = tiny(normalised=True).train()
    alone(y)
    modules = () if which == "h itself" else (net,)
    h = net if which == "h itself" else (lambda t: net(t))
    if form == "sure":
        sure(h, y, Gaussian(2.0), MASK, tau=1.0, generator=rng(), modules=modules)
    else:
        sure_literal(h, y, Gaussian(2.0), MASK, form="mse", tau=1.0, generator=rng(), modules=modules)
    for name, value in alone[1].state_dict().items():
        assert torch.equal(net[1].state_dict()[name], value), name
    assert net[1].track_running_stats and net[1].num_batches_tracked == 1


def test_the_perturbed_pass_normalises_by_its_own_batch() -> None:
    net, y = tiny(normalised=True).train(), noisy(8)
    free = tiny(normalised=True).train()
    with running_averages_frozen(net):
        inside = net(y)
    assert torch.equal(inside, free(y))
    assert net[1].num_batches_tracked == 0
    net.eval()
    expected = net(y)
    with running_averages_frozen(net):
        assert torch.equal(net(y), expected)


def test_running_averages_thaw_after_an_error_and_for_shared_layers() -> None:
    net = tiny(normalised=True).train()
    with pytest.raises(RuntimeError, match="planned"), running_averages_frozen(net, net[1], net):
        raise RuntimeError("planned")
    assert net[1].track_running_stats
    stateless = nn.BatchNorm2d(2, track_running_stats=False)
    with running_averages_frozen(stateless):
        stateless(torch.randn(2, 2, 3, 3))
    assert not stateless.track_running_stats


def test_the_gradient_through_frozen_layers_is_the_usual_one() -> None:
    net, y = tiny(normalised=True).train(), noisy(8)
    with running_averages_frozen(net):
        inside = net(y)
    (gradient,) = torch.autograd.grad(inside.square().sum(), net[0].weight)
    (expected,) = torch.autograd.grad(net(y).square().sum(), net[0].weight)
    torch.testing.assert_close(gradient, expected)


def test_sums_are_in_single_precision_under_autocast() -> None:
    net, y = tiny(torch.float32), noisy(2, 8, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(y).dtype == torch.bfloat16
        value = sure(net, y, Gaussian(0.5), MASK, generator=rng())
    assert value.dtype == torch.float32
    reference = sure(net, y, Gaussian(0.5), MASK, generator=rng())
    torch.testing.assert_close(value, reference, rtol=0.2, atol=3.0)


def test_the_same_seed_gives_the_same_value() -> None:
    net, y = tiny(), noisy()
    first = sure(net, y, Gaussian(0.5), MASK, generator=rng(3))
    assert torch.equal(first, sure(net, y, Gaussian(0.5), MASK, generator=rng(3)))
    assert not torch.equal(first, sure(net, y, Gaussian(0.5), MASK, generator=rng(4)))


@settings(max_examples=50, deadline=None)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_y_is_a_batch_of_any_measurements_that_fit_the_mask(shape: list[int]) -> None:
    y = torch.zeros(shape)
    if len(shape) == 1:
        with pytest.raises(
            ValueError, match=r"y is \(batch, \.\.\.\), real or complex floating point, but got torch.float32"
        ):
            sure(nn.Identity(), y, Gaussian(1.0))
        return
    assert sure(nn.Identity(), y, Gaussian(1.0), generator=rng()).shape == (shape[0],)
    if len(shape) == 4:
        mask = Mask(torch.ones(shape[1], shape[2] + 1, shape[3]))
        with pytest.raises(ValueError, match=r"Mask takes .* but got \(" + ", ".join(map(str, shape))):
            sure(nn.Identity(), y, Gaussian(1.0), mask)


def test_complex_y_is_its_two_real_components() -> None:
    """Re⟨·, ·⟩, m twice the entries, sigma for each component: as if the parts lay side by side."""
    y = torch.view_as_complex(torch.randn(3, 1, 8, 8, 2, generator=rng(1), dtype=torch.float64))
    net = tiny()

    def of_parts(parts: Tensor) -> Tensor:  # (batch, 1, 8, 8, 2); the parts are mixed
        real, imaginary = parts.unbind(-1)
        return torch.stack([net(real) - imaginary, net(imaginary) + 0.5 * real], dim=-1)

    def complex_h(batch: Tensor) -> Tensor:
        return MASK(torch.view_as_complex(of_parts(torch.view_as_real(batch))))

    def flat_h(batch: Tensor) -> Tensor:
        return of_parts(batch.reshape(-1, 1, 8, 8, 2)).flatten(3) * keep

    keep = MASK.mask.repeat_interleave(2, dim=-1)
    flat = Mask(keep)
    expected = sure(flat_h, torch.view_as_real(y).flatten(3), Gaussian(0.7), flat, generator=rng(2))
    torch.testing.assert_close(sure(complex_h, y, Gaussian(0.7), MASK, generator=rng(2)), expected)
    sigmas = Gaussian(torch.tensor([0.1, 0.5, 2.0]))
    expected = sure(flat_h, torch.view_as_real(y).flatten(3), sigmas, flat, generator=rng(2))
    torch.testing.assert_close(sure(complex_h, y, sigmas, MASK, generator=rng(2)), expected)
    with pytest.raises(ValueError, match=r"h must keep the type of y, torch.complex128, but h\(y\) is torch.float64"):
        sure(torch.abs, y, Gaussian(0.7))


def test_what_sure_cannot_use_is_refused_with_a_sentence() -> None:
    net, y = tiny(), noisy()
    with pytest.raises(TypeError, match="Gaussian noise, but got PoissonGaussian"):
        sure(net, y, PoissonGaussian(1.0))
    with pytest.raises(TypeError, match="target of SURE is a Mask, or None for all of y, but got Tensor"):
        sure(net, y, Gaussian(1.0), MASK.mask)  # type: ignore[arg-type]
    for tau in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="tau is a step above 0"):
            sure(net, y, Gaussian(1.0), tau=tau)
    with pytest.raises(
        ValueError, match=r"h must keep the shape of y, \(3, 1, 8, 8\), but h\(y\) has shape \(3, 1, 4, 4\)"
    ):
        sure(nn.AvgPool2d(2), y, Gaussian(1.0))
    with pytest.raises(ValueError, match=r"h\(y\) has shape \(2, 1, 8, 8\)"):
        sure(net, y, Gaussian(1.0), prediction=torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match='form is "mse" or "norm", but got \'sum\''):
        sure_literal(net, y, Gaussian(1.0), form="sum")  # type: ignore[arg-type]
