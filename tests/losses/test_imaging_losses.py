"""The losses of learning from measurements: each equation written out once more, and what each refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.losses.paired import image
from tests.seeded import rng
from unseen.losses import (
    Equivariance,
    EquivariantAdversarial,
    EquivariantSplitting,
    Loss,
    MeasurementConsistency,
    MultiOperator,
    Recorrupted,
    RobustEquivariance,
    ScaleEquivariance,
    Seen,
    Splitting,
    Supervised,
    Sure,
    Thinning,
)
from unseen.losses.loss import measured_anew
from unseen.physics import (
    BeerLambert,
    Flips,
    FourierMask,
    Gaussian,
    Group,
    Identity,
    Mask,
    Measurement,
    Poisson,
    PoissonGaussian,
    Scalings,
    Shifts,
)

SIZE = 8
KEEP = torch.rand(SIZE, SIZE, generator=rng(4)) > 0.4
M = KEEP.double()


def net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.Softplus(), nn.Conv2d(4, 1, 3, padding=1)]
    return nn.Sequential(*layers).double()


def inpainting(batch: int = 3, **parts: object) -> tuple[Seen, nn.Sequential, Tensor]:
    process = Measurement(Mask(KEEP), **parts)  # type: ignore[arg-type]
    x = image(SIZE) + 0.1 * torch.randn(batch, 1, SIZE, SIZE, generator=rng(1), dtype=torch.float64)
    network = net()
    y = process(x, generator=rng(2))
    return Seen(y, process, lambda y, process: network(process.A.pinv(process.linearise(y))), x=x), network, x


def total(tensor: Tensor) -> Tensor:
    return tensor.square().sum((1, 2, 3))


def test_measurement_consistency_counts_what_was_observed() -> None:
    seen, network, _ = inpainting(noise=Gaussian(0.3))  # y is noisy off the mask too, where nobody looks
    expected = total(M * (network(M * seen.y) - seen.y)) / KEEP.sum()
    torch.testing.assert_close(MeasurementConsistency()(seen, generator=None), expected)


def test_measurement_consistency_through_a_link_and_in_complex_numbers() -> None:
    seen, network, _ = inpainting(link=BeerLambert(100.0))
    found = network(M * (torch.tensor(100.0).log() - seen.y.clamp(min=1).log()))  # y is 0 where nothing is measured
    expected = total(M * (100 * torch.exp(-M * found) - seen.y)) / KEEP.sum()
    torch.testing.assert_close(MeasurementConsistency()(seen, generator=None), expected)

    process = Measurement(FourierMask(KEEP))
    y = torch.view_as_complex(torch.randn(2, 1, SIZE, SIZE, 2, generator=rng(0), dtype=torch.float64)) * KEEP
    value = MeasurementConsistency()(Seen(y, process, lambda y, process: 0.5 * process.A.pinv(y)), generator=None)
    torch.testing.assert_close(value, (0.5 * y).abs().square().sum((1, 2, 3)) / (2 * KEEP.sum()))
    blind = Seen(torch.zeros(2, 1, SIZE, SIZE), Measurement(Mask(torch.zeros(SIZE, SIZE))), lambda y, process: y)
    assert MeasurementConsistency()(blind, generator=None).tolist() == [0, 0]


class Recorded(Group):
    """A group that hands out what it drew, so that a test may follow."""

    def __init__(self, group: Group) -> None:
        self.group, self.drawn = group, []  # type: ignore[var-annotated]
        self.exact, self.parameters = group.exact, group.parameters  # type: ignore[misc]

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        self.drawn.append(self.group.sample(n, generator=generator))
        return self.drawn[-1]

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        return self.group.T(x, g)

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        return self.group.inverse(x, g)


def test_equivariance_is_the_mean_over_the_drawn_transformations() -> None:
    seen, network, _ = inpainting()
    group = Recorded(Shifts())
    value = Equivariance(group, transforms=3)(seen, generator=rng(5))
    assert len(group.drawn) == 3 and all(len(g) == 3 for g in group.drawn)
    found = network(M * seen.y)
    each = [total(group.T(found, g) - network(M * group.T(found, g))) / SIZE**2 for g in group.drawn]
    torch.testing.assert_close(value, torch.stack(each).mean(0))


def gradient(value: Tensor, network: nn.Module) -> Tensor:
    parts = torch.autograd.grad(value.sum(), list(network.parameters()), retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


def test_equivariances_gradient_runs_through_the_moved_image_and_scale_equivariances_does_not() -> None:
    seen, network, _ = inpainting()
    group = Recorded(Scalings())
    for loss, stopped in ((Equivariance(group), False), (ScaleEquivariance(group), True)):
        value = loss(seen, generator=rng(5))
        moved = group.T(network(M * seen.y), group.drawn[-1])
        moved = moved.detach() if stopped else moved
        by_hand = total(moved - network(M * moved)) / SIZE**2
        torch.testing.assert_close(value, by_hand)
        torch.testing.assert_close(gradient(value, network), gradient(by_hand, network))


@pytest.mark.parametrize("kind", [RobustEquivariance, ScaleEquivariance])
def test_noise_is_drawn_anew(kind: type[Equivariance]) -> None:
    seen, network, _ = inpainting(noise=Gaussian(0.3))
    group = Recorded(Flips())
    state = rng(5)
    value = kind(group)(seen, generator=rng(5))
    group.group.sample(3, generator=state)
    moved = group.T(network(M * seen.y), group.drawn[-1])
    noisy = seen.process(moved, generator=state)
    torch.testing.assert_close(value, total(moved - network(M * noisy)) / SIZE**2)
    assert not torch.allclose(value, Equivariance(Flips())(seen, generator=rng(5)))


def test_without_noise_robust_equivariance_is_equivariance() -> None:
    seen, _, _ = inpainting()
    values = [kind(Shifts(), transforms=2)(seen, generator=rng(5)) for kind in (Equivariance, RobustEquivariance)]
    assert torch.equal(*values)


def test_new_counts_are_drawn_around_what_is_not_negative_and_pass_their_means_gradient() -> None:
    process = Measurement(2 * Identity((1, 4, 4)), noise=Poisson(0.5))
    x = torch.linspace(-1, 1, 16, dtype=torch.float64).reshape(1, 1, 4, 4).requires_grad_()
    y = measured_anew(process, x, generator=rng(0))
    torch.testing.assert_close(y, process.noise.sample((2 * x.detach()).clamp(min=0), generator=rng(0)))  # type: ignore[union-attr]
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(slope, 2 * (x > 0).double())


def test_complex_images_count_two_numbers_a_pixel() -> None:
    process = Measurement(FourierMask(KEEP))
    x = torch.complex(image(SIZE), image(SIZE, 2)[:, 1:])
    f = lambda y, process: 2 * process.A.pinv(y)  # noqa: E731
    seen = Seen(process(x, generator=None), process, f, x=x)
    found = f(seen.y, process)
    expected = (found - x).abs().square().sum((1, 2, 3)) / (2 * SIZE**2)
    torch.testing.assert_close(Supervised()(seen, generator=None), expected)
    group = Recorded(Flips())
    value = Equivariance(group)(seen, generator=rng(1))
    moved = group.T(found, group.drawn[0])
    rest = (moved - f(process.A(moved), process)).abs().square().sum((1, 2, 3)) / (2 * SIZE**2)
    torch.testing.assert_close(value, rest)


def test_supervised_is_the_mean_square() -> None:
    seen, network, x = inpainting()
    torch.testing.assert_close(Supervised()(seen, generator=None), total(network(M * seen.y) - x) / SIZE**2)


def test_multi_operator_measures_the_reconstruction_by_another_operator() -> None:
    masks = torch.rand(4, 1, SIZE, SIZE, generator=rng(6)) > 0.4
    pool, mine, network = Mask(masks), torch.tensor([0, 3, 3]), net()
    process = Measurement(pool.select(mine))
    y = process(image(SIZE).expand(3, -1, -1, -1), generator=None)
    handed = []

    def f(y: Tensor, process: Measurement) -> Tensor:
        handed.append(process.A)
        return network(process.A.pinv(y))

    value = MultiOperator()(Seen(y, process, f, pool=pool), generator=rng(7))
    s = torch.randint(4, (3,), generator=rng(7))
    found = network(masks[mine] * y)
    torch.testing.assert_close(value, total(network(masks[s] * found) - found) / SIZE**2)
    assert torch.equal(handed[1].mask, masks[s])  # f is told which operator it is


def test_multi_operator_gives_f_the_noise_level_of_the_other_operator() -> None:
    levels = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    whole = Measurement(Mask(torch.rand(4, 1, SIZE, SIZE, generator=rng(6)) > 0.4), noise=Gaussian(levels))
    mine, handed = torch.tensor([0, 3, 3]), []
    process = whole.select(mine)

    def f(y: Tensor, process: Measurement) -> Tensor:
        assert isinstance(process.noise, Gaussian)
        handed.append(process.noise.sigma)
        return y

    y = process(image(SIZE).expand(3, -1, -1, -1), generator=rng(1))
    s = torch.randint(4, (3,), generator=rng(7))
    assert s.tolist() != mine.tolist()
    MultiOperator()(Seen(y, process, f, pool=whole), generator=rng(7))
    assert torch.equal(handed[0], levels[mine]) and torch.equal(handed[1], levels[s])
    MultiOperator()(Seen(y, process, f, pool=whole.A), generator=rng(7))
    assert torch.equal(handed[3], levels[mine])  # operators alone have no levels


@pytest.mark.parametrize("parts", [{}, {"link": BeerLambert(100.0)}])
def test_splitting_judges_by_the_observed_entries_that_f_was_not_given(parts: dict[str, BeerLambert]) -> None:
    seen, network, _ = inpainting(**parts)
    kept = (torch.rand(3, 1, SIZE, SIZE, generator=rng(8)) < 0.6).double()
    given = M * kept * seen.process.linearise(seen.y)
    rest = M * (1 - kept)
    expected = total(rest * (seen.process.mean(network(given)) - seen.y)) / rest.sum((1, 2, 3))
    torch.testing.assert_close(Splitting()(seen, generator=rng(8)), expected)


def test_splitting_keeps_a_location_of_all_coils_or_none() -> None:
    coils = torch.complex(image(SIZE, 3)[0], image(SIZE, 3)[0])
    process = Measurement(FourierMask(KEEP, coils=coils))
    handed = []

    def f(y: Tensor, process: Measurement) -> Tensor:
        handed.append(y)
        return process.A.adjoint(y)

    y = torch.view_as_complex(torch.randn(2, 3, SIZE, SIZE, 2, generator=rng(0), dtype=torch.float64)) * KEEP
    value = Splitting(0.5)(Seen(y, process, f), generator=rng(8))
    given = (handed[0] != 0) | (y == 0)
    assert value.shape == (2,) and bool((given.all(dim=1) == given.any(dim=1)).all())
    assert not torch.equal(given[0], given[1])


def critic(channels: int = 1) -> nn.Sequential:
    torch.manual_seed(1)
    layers = [nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.Softplus(), nn.Conv2d(4, 1, 3)]
    return nn.Sequential(*layers).double()


def test_the_adversary_takes_moved_images_for_fakes() -> None:
    seen, network, _ = inpainting()
    group, judge = Recorded(Flips()), critic().eval()
    loss = EquivariantAdversarial(group, judge)
    found = network(M * seen.y)
    value = loss(seen, generator=rng(5))
    torch.testing.assert_close(value, (judge(group.T(found, group.drawn[0])) - 1).square().mean((1, 2, 3)))
    by_critic = loss.critic_loss(seen, generator=rng(5))
    real, fake = judge(found), judge(group.T(found, group.drawn[1]))
    torch.testing.assert_close(by_critic, ((real - 1).square() + fake.square()).mean((1, 2, 3)) / 2)


def test_each_side_of_the_game_moves_its_own_weights_alone() -> None:
    seen, network, _ = inpainting()
    judge = critic().train()
    loss = EquivariantAdversarial(Flips(), judge)
    loss(seen, generator=rng(5)).sum().backward(retain_graph=True)
    assert all(p.grad is None for p in judge.parameters()) and judge[1].num_batches_tracked == 0
    assert all(p.grad is not None for p in network.parameters())
    network.zero_grad()
    loss.critic_loss(seen, generator=rng(5)).sum().backward()
    assert all(p.grad is not None for p in judge.parameters()) and all(p.grad is None for p in network.parameters())


def test_the_critic_sees_complex_images_as_twice_the_channels() -> None:
    process = Measurement(FourierMask(KEEP))
    y = torch.view_as_complex(torch.randn(2, 1, SIZE, SIZE, 2, generator=rng(0), dtype=torch.float64)) * KEEP
    loss = EquivariantAdversarial(Flips(), critic(2))
    assert loss(Seen(y, process, lambda y, process: process.A.pinv(y)), generator=rng(0)).shape == (2,)


@pytest.mark.parametrize("loss", [Recorrupted(), Splitting(), EquivariantSplitting(Flips())], ids=repr)
def test_running_averages_follow_the_only_pass_of_a_loss_that_never_asks_for_the_pass_over_y(loss: Loss) -> None:
    process = Measurement(Mask(torch.ones(1, SIZE, SIZE)), noise=Gaussian(0.5))
    network = nn.BatchNorm2d(1).double().train()
    given: list[Tensor] = []

    def f(y: Tensor, process: Measurement) -> Tensor:
        given.append(y)
        result: Tensor = network(y)
        return result

    seen = Seen(process(3 + image(SIZE).expand(6, -1, -1, -1)), process, f, modules=(network,))
    loss(seen, generator=rng(3))
    alone = nn.BatchNorm2d(1).double().train()
    alone(given[0])
    assert network.num_batches_tracked == 1
    assert torch.equal(network.running_mean, alone.running_mean)
    loss(seen, generator=rng(4))
    assert network.num_batches_tracked == 1  # a second loss leaves no trace


def test_running_averages_are_those_of_the_pass_over_y_alone() -> None:
    process = Measurement(Mask(KEEP), noise=Gaussian(0.5))
    y = process(image(SIZE).expand(6, -1, -1, -1), generator=rng(2))
    network, alone = nn.BatchNorm2d(1).double().train(), nn.BatchNorm2d(1).double().train()
    alone(y)
    seen = Seen(
        y, process, lambda y, process: network(y), modules=(network,), x=y, pool=Mask(KEEP.expand(2, 1, -1, -1))
    )
    losses = (Sure(), RobustEquivariance(Flips()), ScaleEquivariance(), MultiOperator(), Splitting(), Recorrupted())
    for loss in losses:
        loss(seen, generator=rng(3))
    assert network.num_batches_tracked == 1
    assert torch.equal(network.running_mean, alone.running_mean)
    assert torch.equal(network.running_var, alone.running_var)


def test_the_network_runs_once_on_y_whatever_number_of_losses_look() -> None:
    calls = []
    process = Measurement(Mask(KEEP), noise=Gaussian(0.5))
    y = process(image(SIZE), generator=rng(2))

    def f(y: Tensor, process: Measurement) -> Tensor:
        calls.append(y)
        return y

    seen = Seen(y, process, f)
    for loss in (MeasurementConsistency(), Sure(), RobustEquivariance(Flips())):
        loss(seen, generator=rng(3))
    assert len(calls) == 3  # y; perturbed by Sure; measured anew by RobustEquivariance


@pytest.mark.parametrize(
    "loss, noise, told",
    [(Thinning(0.2), Poisson(0.5), 0.5 / 0.8), (Recorrupted(0.2), Gaussian(0.5), 0.5 / 0.8**0.5)],
)
def test_f_is_told_the_noise_of_the_measurement_that_it_is_given(
    loss: Thinning | Recorrupted, noise: Poisson | Gaussian, told: float
) -> None:
    seen, _, _ = inpainting(noise=noise)
    handed = []

    def f(y: Tensor, process: Measurement) -> Tensor:
        handed.append(process.noise)
        return y

    loss(Seen(seen.y, seen.process, f), generator=rng(0))
    assert [float(given.gain if isinstance(given, PoissonGaussian) else given.sigma) for given in handed] == [told]
