"""Equivariant splitting: equal to splitting for equivariant networks, and able to see the null space."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from tests.seeded import rng
from unseen.data import phantoms
from unseen.evaluation import psnr
from unseen.losses import EquivariantSplitting, Seen, Splitting
from unseen.losses.equivariant_splitting import MovedOperator
from unseen.physics import Flips, FourierMask, Gaussian, Group, Mask, Measurement, Operator, Rotations, Shifts
from unseen.reconstruction import learn
from unseen.testing import OPERATOR_LAWS
from unseen.training import Training

HIDDEN = 3
A = Mask(torch.arange(8).expand(1, 8, 8) != HIDDEN)  # one column is never measured


MASK = Mask(torch.rand(1, 6, 6, generator=rng(1)) > 0.4)
FREQUENCIES = FourierMask(torch.rand(6, 6, generator=rng()) > 0.5)


@pytest.mark.parametrize(
    ("still", "group"),
    [
        (MASK, Shifts()),
        (FREQUENCIES, Rotations(multiples_of=90) * Flips()),
        pytest.param(MASK, Rotations(multiples_of=90) * Flips(), marks=pytest.mark.nightly),
        pytest.param(FREQUENCIES, Shifts(), marks=pytest.mark.nightly),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "law", [law if law != "compiled" else pytest.param(law, marks=pytest.mark.nightly) for law in OPERATOR_LAWS]
)
def test_moved_operators_keep_every_law(still: Operator, group: Group, law: str) -> None:
    """All operators are called alike within compiled graphs: tests/physics/test_operator_contract.py."""
    OPERATOR_LAWS[law](MovedOperator(still, group, group.sample(3, generator=rng(2))))


def test_it_is_splitting_for_an_equivariant_network() -> None:
    """A⁺ is one: (A T_g)⁺ y = T_g⁻¹ A⁺ y."""
    process = Measurement(A, noise=Gaussian(0.1))
    y = process(torch.rand(4, 1, 8, 8, generator=rng()), generator=rng(1))
    seen = Seen(y, process, lambda y, process: 0.9 * process.A.pinv(y) + 0.1)
    for group in (Shifts(), Flips(), Rotations(multiples_of=90)):
        found = EquivariantSplitting(group, kept=0.5)(seen, generator=rng(3))
        assert torch.allclose(found, Splitting(kept=0.5)(seen, generator=rng(3)), atol=1e-6)


def test_it_sees_errors_in_the_null_space_and_splitting_does_not() -> None:
    """f is right but for the column that A hides, where it writes `level`; images are 1 throughout."""
    y = A(torch.ones(32, 1, 8, 8))

    def written(level: float) -> Seen:
        image = torch.ones(1, 1, 8, 8)
        image[..., HIDDEN] = level
        return Seen(y, Measurement(A), lambda y, process: image.expand(len(y), -1, -1, -1))

    values: dict[tuple[str, float], Tensor] = {
        (name, level): loss(written(level), generator=rng()).mean()
        for name, loss in {"plain": Splitting(), "moved": EquivariantSplitting(Shifts())}.items()
        for level in (0.0, 1.0)
    }
    assert values["plain", 0.0] == values["plain", 1.0] == 0
    assert values["moved", 1.0] == 0 and values["moved", 0.0] > 0.05


def test_the_network_is_told_the_moved_operator() -> None:
    x = torch.rand(6, 1, 8, 8, generator=rng())
    told = []

    def f(y: Tensor, process: Measurement) -> Tensor:
        told.append((y, process.A))
        return process.A.pinv(y)

    EquivariantSplitting(Shifts())(Seen(A(x), Measurement(A), f), generator=rng(1))
    ((given, moved),) = told
    assert isinstance(moved, MovedOperator) and moved.batch == 6
    back = Shifts().inverse(x, moved.g)  # T_g⁻¹ x, measured by A T_g
    assert torch.equal(moved(back), given)
    assert torch.equal(moved.select(torch.tensor([2]))(back[2:3]), given[2:3])


def test_it_is_learnt_with_by_name() -> None:
    process = Measurement(A, noise=Gaussian(0.1))
    y = process(torch.rand(4, 1, 8, 8, generator=rng()), generator=rng(1))
    settings = {"group": "shifts", "network": "unrolled", "training": Training(epochs=1, batch_size=4, threads=1)}
    f = learn(y, process, losses="es", **settings)  # type: ignore[arg-type]
    assert f.history is not None and f.history.parts["EquivariantSplitting"][0] > 0


@pytest.mark.nightly  # that errors in the null space count, and by which name: the tests above
def test_it_learns_to_fill_the_holes_of_one_mask_by_name() -> None:
    """Trained on 16 measurements of phantoms by one mask of 70 %, judged on 8 others."""
    x = torch.stack([torch.from_numpy(film.pixels)[None] for film in phantoms.normals(24, seed=0, size=64)])
    x = avg_pool2d(x, 2)
    process = Measurement(Mask(torch.rand(1, 32, 32, generator=rng()) < 0.7))
    y = process(x)
    f = learn(
        y[:16], process, losses="es", group="shifts", network="unrolled", consistency="project",
        training=Training(epochs=12, batch_size=4, threads=1),
    )  # fmt: skip
    assert f.history is not None and "EquivariantSplitting" in f.history.parts
    gain = psnr(f(y[16:]), x[16:]).mean() - psnr(process.A.pinv(y[16:]), x[16:]).mean()
    assert gain > 8  # dB


def test_mistakes_are_reported() -> None:
    with pytest.raises(ValueError, match="moves whole pixels, but Rotations"):
        EquivariantSplitting(Rotations())
    with pytest.raises(TypeError, match="takes a group"):
        EquivariantSplitting(0.5)  # type: ignore[arg-type]
    assert repr(EquivariantSplitting(Flips())) == f"EquivariantSplitting({Flips()}, kept=0.6, weight=1)"
