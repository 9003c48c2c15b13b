"""Learning stops itself: what judges, which weights come back, and that no truth is needed."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tests.reconstruction.making import holes, images, inpainting, magnetic, measured, short
from unseen.evaluation.psnr_ssim import psnr
from unseen.losses import (
    BackprojectedConsistency,
    BackprojectedRisk,
    Equivariance,
    EquivariantAdversarial,
    MeasurementConsistency,
    MultiOperator,
    RobustEquivariance,
    Splitting,
    Sure,
)
from unseen.losses.loss import Loss, Seen, observed, observed_count
from unseen.losses.sums import squares
from unseen.physics import Flips, Gaussian, Mask, Measurement, Poisson, PoissonGaussian, Shifts
from unseen.reconstruction import ArtifactRemoval, Reconstructor, learn, load
from unseen.reconstruction.held_out import RISK, HeldOut, MeasurementSet, held_rows, judges, names_of, twins
from unseen.reconstruction.many_measurements import applied, reconstructed
from unseen.reconstruction.measurements import MeasurementError
from unseen.training import History

REI = [Sure(), RobustEquivariance(Shifts())]


def small(process: Measurement, *, features: int = 8) -> ArtifactRemoval:
    torch.manual_seed(0)
    return ArtifactRemoval.for_process(process, features=features, depth=2)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_stops_near_the_best_epoch_where_its_noise_is_learnt_by_heart(seed: int) -> None:
    process, x, tested = inpainting(sigma=0.25), images(20), images(20, seed=9)
    y, test = measured(process, x), measured(process, tested, seed=5)
    curve: list[float] = []

    def validate(f: Reconstructor, epochs: int) -> dict[str, float]:
        curve.append(float(psnr(f(test, process), tested).mean()))
        return {}

    f = learn(
        y, process, losses=REI, network=small(process, features=16), training=short(30, seed=seed), learning_rate=3e-3,
        validate=validate,
    )  # fmt: skip
    reached = float(psnr(f(test, process).detach(), tested).mean())
    assert max(curve) - curve[-1] > 0.5, "else there is nothing to stop for"
    assert max(curve) - reached < (0.2 if seed == 0 else 0.5), "two images judge, so that some draws choose less well"
    assert f.history is not None and f.history.best_epoch() == 1 + min(
        range(30), key=lambda epoch: f.history.validation[RISK][epoch]
    )
    assert reached == pytest.approx(curve[f.history.best_epoch() - 1], abs=1e-3)  # type: ignore[operator]


def test_the_last_epoch_comes_back_where_nothing_is_held_out() -> None:
    process = inpainting(sigma=0.2)
    y = measured(process, images(12))
    last = learn(y, process, losses=REI, network=small(process), training=short(3), hold_out=0)
    assert last.history is not None and last.history.validation == {} and last.history.steps == 9
    stopped = learn(y, process, losses=REI, network=small(process), training=short(3))
    assert stopped.history is not None and len(stopped.history.validation[RISK]) == 3
    assert stopped.history.steps == 3 * (11 // 4), "one of twelve is held out"
    assert len(stopped.training_digests) == 12, "what chose the weights has been learnt from, too"


def test_consistency_and_equivariance_are_judged_by_their_risks() -> None:
    noisy, clean = inpainting(sigma=0.1), inpainting()
    group = Flips()
    losses = {
        "MC": MeasurementConsistency(weight=2),
        "EQ": Equivariance(group, transforms=2, weight=3),
        "B": BackprojectedConsistency(weight=0.5),
        "A": EquivariantAdversarial(group, torch.nn.Conv2d(1, 1, 3)),
        "S": Splitting(),
    }
    found = judges(losses, noisy)
    assert [type(loss).__name__ for loss in found.values()] == [
        "Sure", "RobustEquivariance", "Sure", "Splitting",
    ]  # fmt: skip
    assert [loss.weight for loss in found.values()] == [2, 3, 0.5, 1]
    assert "transforms=2" in repr(found["EQ"])
    alone = judges({"MC": MeasurementConsistency(weight=2), "EQ": Equivariance(group)}, clean)
    assert [type(loss).__name__ for loss in alone.values()] == ["MeasurementConsistency", "RobustEquivariance"]
    assert [loss.weight for loss in alone.values()] == [2, 1]
    for consistency in (MeasurementConsistency(weight=2), BackprojectedConsistency(weight=2)):
        blind = judges({"MC": consistency, "A": EquivariantAdversarial(group, torch.nn.Conv2d(1, 1, 3))}, clean)
        assert [type(loss).__name__ for loss in blind.values()] == ["Splitting"]


def test_a_subjects_measurements_are_held_out_together() -> None:
    names = [f"patient {i // 3}" for i in range(30)]
    held = held_rows(30, 0.2, names, seed=4)
    assert 6 <= int(held.sum()) <= 8
    for name in set(names):
        assert len({bool(held[i]) for i in range(30) if names[i] == name}) == 1
    assert not torch.equal(held, held_rows(30, 0.2, names, seed=5)), "another seed holds out others"
    with pytest.raises(ValueError, match="one for each of the 12 measurements, but got 30"):
        process = inpainting(sigma=0.1)
        learn(measured(process, images(12)), process, losses=REI, subjects=names, training=short(1))


def test_subjects_of_a_tensor_or_an_array_are_those_of_a_list() -> None:
    """Elements of a tensor differ as objects, so every measurement would be a subject of its own, and none held out."""
    numbers = [i // 3 for i in range(30)]
    expected = held_rows(30, 0.2, numbers, seed=4)
    assert bool(expected.any())
    for given in (torch.tensor(numbers), list(torch.tensor(numbers)), np.array(numbers)):
        assert torch.equal(held_rows(30, 0.2, given, seed=4), expected)
    with pytest.raises(TypeError, match="texts or numbers, one for each measurement, but got a list"):
        held_rows(2, 0.5, [["a"], ["b"]], seed=0)  # type: ignore[list-item]
    with pytest.raises(TypeError, match="texts or numbers, one for each measurement, but got a Tensor"):
        held_rows(2, 0.5, torch.zeros(2, 3), seed=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [4, 12])
@pytest.mark.parametrize("each_its_mask", [False, True])
def test_each_measurement_keeps_its_own_noise_level(n: int, each_its_mask: bool) -> None:
    """Batches are drawn in another order, so levels by their place in a batch would be those of other measurements."""
    levels, kept = torch.linspace(0.1, 0.9, n, dtype=torch.float64), torch.ones(n, 1, 16, 16)
    A, seen = Mask(kept if each_its_mask else kept[0]), list[tuple[float, float]]()

    class Recording(MeasurementConsistency):
        def __call__(self, batch: Seen, *, generator: torch.Generator | None) -> Tensor:
            noise = batch.process.noise
            assert isinstance(noise, Gaussian)
            seen.extend(zip(batch.y[:, 0, 0, 0].tolist(), noise.sigma.expand(len(batch.y)).tolist(), strict=True))
            return super().__call__(batch, generator=generator)

        def judge(self, process: Measurement) -> Loss:
            return self

    process = Measurement(A, noise=Gaussian(levels))
    y = levels.float().reshape(n, 1, 1, 1).expand(n, 1, 16, 16).contiguous()
    with pytest.warns(UserWarning, match="copy the noise"):
        learn(y, process, losses=[Recording()], network=small(process), training=short(2), hold_out=0.25)
    assert {round(value, 6) for value, _ in seen} == {round(float(level), 6) for level in levels}
    assert all(value == pytest.approx(level, abs=1e-6) for value, level in seen)
    with pytest.raises(ValueError, match=rf"The noise has {n} levels.*of which there are {n - 1}"):
        learn(y[1:], Measurement(Mask(kept[0]), noise=Gaussian(levels)), losses="sure", training=short(1))


def test_operators_with_a_noise_level_of_their_own_go_with_their_measurements() -> None:
    levels, kept = torch.tensor([0.1, 0.9], dtype=torch.float64), torch.ones(2, 1, 16, 16)
    process, rows = Measurement(Mask(kept), noise=Gaussian(levels)), [1, 0, 1, 1, 0]
    y = levels.float()[rows].reshape(5, 1, 1, 1).expand(5, 1, 16, 16).contiguous()
    seen = list[tuple[float, float]]()

    def recorded(part: Tensor, of: Measurement) -> Tensor:
        assert isinstance(of.noise, Gaussian)
        seen.extend(zip(part[:, 0, 0, 0].tolist(), of.noise.sigma.expand(len(part)).tolist(), strict=True))
        return part

    applied(recorded, process, y.numpy(), operators=np.array(rows), batch_size=2)
    assert len(seen) == 5 and all(value == pytest.approx(level, abs=1e-6) for value, level in seen)
    with pytest.raises(MeasurementError, match=r"5 whole numbers from 0 to 1.*<U1"):
        applied(recorded, process, y.numpy(), operators=np.array(list("cacba")))
    f = learn(y, process, losses="sure", operators=rows, network=small(process), training=short(1))
    assert reconstructed(f, y.numpy(), operators=np.array(rows)).shape == y.shape


def test_multi_operator_takes_the_noise_level_of_each_operator_in_training_and_validation() -> None:
    """`f` may use the level, and an operator's level is not that of the operator which it replaces."""
    levels, kept = torch.tensor([0.1, 0.9], dtype=torch.float64), torch.ones(2, 1, 16, 16)
    kept[0, :, :8], kept[1, :, 8:] = 0, 0
    process, rows = Measurement(Mask(kept), noise=Gaussian(levels)), [0, 1] * 6
    handed = list[tuple[float, float]]()

    class Recording(ArtifactRemoval):
        def reconstruct(self, y: Tensor, process: Measurement) -> Tensor:
            assert isinstance(process.noise, Gaussian) and isinstance(process.A, Mask)
            upper = process.A.mask[:, 0, 0, 0].tolist()  # the second mask keeps the upper half
            handed.extend(zip(upper, process.noise.sigma.expand(len(y)).tolist(), strict=True))
            return super().reconstruct(y, process)

    y = process.select(torch.tensor(rows))(images(12), generator=torch.Generator().manual_seed(2))
    f = Recording.for_process(process, features=4, depth=1)
    learn(y, process, losses=[Sure(), MultiOperator()], operators=rows, network=f, training=short(2), hold_out=0.25)
    assert {(bool(upper), round(level, 6)) for upper, level in handed} == {(False, 0.1), (True, 0.9)}


def test_noise_levels_of_measurements_need_their_order_and_number() -> None:
    process = Measurement(Mask(holes()), noise=Gaussian(torch.linspace(0.1, 0.9, 4)))
    y = measured(process, images(4))
    with pytest.raises(MeasurementError, match="shuffle=False"):
        learn(DataLoader(list(y), batch_size=2, shuffle=True), process, losses="sure", training=short(1))
    f = learn(y, process, losses="sure", network=small(process), training=short(1))
    with pytest.raises(MeasurementError, match="4 noise levels, one for each training measurement"):
        reconstructed(f, y[:3].numpy())
    f.process = Measurement(process.A, noise=Gaussian(0.1))
    assert reconstructed(f, y[:3].numpy()).shape == (3, *y.shape[1:])


def test_noise_levels_of_the_training_are_not_those_of_other_measurements() -> None:
    """Another file of equally many measurements once got the levels of the training, in order, without a message."""
    process = Measurement(Mask(holes()), noise=Gaussian(torch.linspace(0.1, 0.9, 4)))
    y, others = measured(process, images(4)), measured(process, images(4, seed=5), seed=6)
    f = learn(y, process, losses="sure", network=small(process), training=short(1), consistency="project")
    assert reconstructed(f, y.double().numpy()).shape == f(y).shape == y.shape
    for given in (others, y.flip(0)):
        with pytest.raises(
            MeasurementError, match=r"4 noise levels, one for each training measurement.*f\(y, process\)"
        ):
            reconstructed(f, given.numpy())
        with pytest.raises(MeasurementError, match="4 noise levels, one for each training measurement"):
            f(given)
    with pytest.raises(MeasurementError, match="4 noise levels, one for each training measurement"):
        f(y[0])
    assert f(others, Measurement(process.A, noise=Gaussian(torch.linspace(0.9, 0.1, 4)))).shape == y.shape


def test_noise_levels_that_the_user_gives_are_those_of_the_users_measurements(tmp_path: Path) -> None:
    """Validation during the training, and a loaded model with a process of its own, once refused their measurements."""
    process = Measurement(Mask(holes()), noise=Gaussian(torch.linspace(0.1, 0.9, 4)))
    y, other = measured(process, images(4)), Measurement(process.A, noise=Gaussian(torch.tensor([0.1, 0.2, 0.3])))
    others = measured(other, images(3, seed=5), seed=6)
    f = learn(
        y, process, losses="sure", network=small(process), training=short(2),
        validate=lambda f, epoch: {"mean": float(f(y).mean())},
    )  # fmt: skip
    f.save(tmp_path / "f")
    with pytest.raises(MeasurementError, match="4 noise levels, one for each training measurement"):
        load(tmp_path / "f")(others)
    assert load(tmp_path / "f")(y).shape == y.shape
    assert torch.equal(torch.func.jvp(load(tmp_path / "f"), (y,), (y,))[0], load(tmp_path / "f")(y))
    given = load(tmp_path / "f", process=other)
    assert torch.equal(given(others), reconstructed(given, others.numpy()))
    with pytest.raises(MeasurementError, match="3 noise levels, one for each measurement, but got 2 measurements"):
        given(others[:2])
    learn(others, other, losses="sure", network=f, training=short(1), validate=lambda f, _: {"mean": f(others).mean()})
    assert f(others).shape == others.shape
    more = measured(other, images(3, seed=7), seed=8)
    learn(more, other, losses="sure", network=f, training=short(1), validate=lambda f, _: {"mean": f(more).mean()})


@pytest.mark.parametrize("noise", [Gaussian(0.1), Poisson(0.05)])
def test_few_measurements_are_split_in_two(noise: Gaussian | Poisson) -> None:
    process = Measurement(Mask(holes()), noise=noise)
    y = measured(process, images(1))
    f = learn(y, process, losses=REI, network=small(process), training=short(3))
    assert f.history is not None and len(f.history.validation[RISK]) == 3 and f.process is process
    assert {"held-out RobustEquivariance", "held-out twin"} <= f.history.validation.keys()


def test_the_misfit_to_a_twin_has_the_weight_of_what_it_stands_for() -> None:
    process = Measurement(Mask(holes()), noise=Gaussian(0.1))
    y = measured(process, images(1))
    losses = [BackprojectedRisk(weight=0.25), RobustEquivariance(Flips(), weight=3)]
    f = learn(y, process, losses=losses, network=small(process), training=short(1))
    assert f.history is not None
    value = {name: curve[0] for name, curve in f.history.validation.items()}
    parts = 0.25 * value["held-out twin"] + 3 * value["held-out RobustEquivariance"]
    assert value[RISK] == pytest.approx(parts, rel=1e-6)


def test_counts_with_read_out_cannot_be_split_so_that_one_is_held_out() -> None:
    process = Measurement(Mask(holes()), noise=PoissonGaussian(0.05, 0.05))
    y = measured(process, images(3))
    f = learn(y, process, losses=REI, network=small(process), training=short(2))
    assert f.history is not None and f.history.steps == 2 and len(f.history.validation[RISK]) == 2
    with pytest.warns(UserWarning, match="too few, or of one subject.*hold_out=0"):
        f = learn(y[:1], process, losses=REI, network=small(process), training=short(1))
    assert f.history is not None and f.history.validation == {}


def test_without_noise_the_objective_on_held_out_measurements_chooses_if_asked() -> None:
    process = inpainting()
    y = measured(process, images(10))
    losses = [MeasurementConsistency(weight=2), Equivariance(Shifts())]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f = learn(y, process, losses=losses, network=small(process), training=short(2))
        assert f.history is not None and f.history.validation == {}
        weights: list[dict[str, Tensor]] = []

        def keep(f: Reconstructor, epoch: int) -> dict[str, float]:
            del epoch
            weights.append({name: one.clone() for name, one in f.state_dict().items()})
            held = torch.from_numpy(np.flatnonzero(held_rows(10, 0.2, None, seed=0).numpy()))
            return {"consistency": float(squares(process.A(f(y[held], process)) - y[held]).mean())}

        g = learn(
            y, process, losses=losses, network=small(process), training=short(6), hold_out=0.2, validate=keep,
            schedule=lambda step: 1.0 if step < 6 else -1.0,  # then it climbs
        )  # fmt: skip
    assert g.history is not None
    best = g.history.best_epoch()
    assert best is not None and best < 6, "an epoch before the climb is better than the last"
    assert all(torch.equal(one, weights[best - 1][name]) for name, one in g.state_dict().items())
    assert not all(torch.equal(one, weights[-1][name]) for name, one in g.state_dict().items())
    judged = g.history.validation
    parts = [
        2 * a + b
        for a, b in zip(judged["held-out MeasurementConsistency"], judged["held-out Equivariance"], strict=True)
    ]
    assert judged[RISK] == pytest.approx(parts)
    ratio = np.array(judged["consistency"]) / np.array(judged["held-out MeasurementConsistency"])
    assert ratio == pytest.approx(np.full(6, ratio[0]), rel=1e-4), "the exact consistency, in units of the training"


def test_without_noise_and_with_consistency_alone_it_warns_draws_the_curve_and_chooses_nothing() -> None:
    process = inpainting()
    y = measured(process, images(10))
    losses = [MeasurementConsistency()]
    with pytest.warns(UserWarning, match="no unbiased risk.*held-out consistency"):
        g = learn(y, process, losses=losses, network=small(process), training=short(2), hold_out=0.2)
    assert g.history is not None and len(g.history.validation["held-out consistency"]) == 2
    assert g.history.best_epoch() is None
    nine = learn(
        y[~held_rows(10, 0.2, None, seed=0)], process, losses=losses, network=small(process), training=short(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(g.state_dict().values(), nine.state_dict().values(), strict=True))


class _Killed(RuntimeError):
    pass


@pytest.mark.parametrize(
    "killed_at", [pytest.param(2, marks=pytest.mark.nightly), pytest.param(6, marks=pytest.mark.nightly), 7]
)
def test_a_killed_training_keeps_the_same_weights(tmp_path: Path, killed_at: int) -> None:
    process = inpainting(sigma=0.2)
    y = measured(process, images(12))

    def train(folder: Path | None, until: int = 99) -> Reconstructor:
        def progress(state: object) -> None:
            if state.step == until:  # type: ignore[attr-defined]
                raise _Killed

        settings = short(4, checkpoint_every_steps=1)
        losses = [Sure(), RobustEquivariance(Shifts())]
        return learn(
            y, process, losses=losses, network=small(process), training=settings, folder=folder, progress=progress,
            learning_rate=2e-2,
        )  # fmt: skip

    whole = train(None)
    with pytest.raises(_Killed):
        train(tmp_path, killed_at)
    resumed, again = train(tmp_path), train(tmp_path)
    assert whole.history is not None and resumed.history is not None
    assert whole.history.validation == resumed.history.validation
    for other in (resumed, again):
        assert all(
            torch.equal(a, b) for a, b in zip(whole.state_dict().values(), other.state_dict().values(), strict=True)
        )


@pytest.mark.parametrize("kind", ["Gaussian", "complex", "Poisson"])
def test_a_twins_misfit_is_unbiased_for_the_risk(kind: str) -> None:
    """|z| < 4 over 2,000 draws of noise and split, for a network that copies much of the noise."""
    process = magnetic(sigma=0.3) if kind == "complex" else inpainting(sigma=0.3)
    if kind == "Poisson":
        process = Measurement(process.A, noise=Poisson(0.1))
    n = 2000
    x = images(1).expand(n, -1, -1, -1)
    x = x + 0j if kind == "complex" else x
    y = measured(process, x)
    two = twins(y, process.noise, share=0.3, seed=1)
    assert two is not None

    class Fixed(ArtifactRemoval):
        def reconstruct(self, y: Tensor, process: Measurement) -> Tensor:
            return 0.8 * process.A.pinv(y)

    f = Fixed.for_process(process)
    rows = torch.zeros(n, dtype=torch.int64)
    judge = HeldOut(MeasurementSet(two.y, None, rows, process), {}, 0, twin=(two.twin, two.its_noise))
    estimate = judge.judged(f)[RISK]
    true = (squares(observed(process, process.A(f(two.y, process) - x))) / observed_count(process, y)).double()
    each = []
    for i in range(0, n, 200):
        part = slice(i, i + 200)
        measurements = MeasurementSet(two.y[part], None, rows[part], process)
        some = HeldOut(measurements, {}, 0, twin=(two.twin[part], two.its_noise))
        each.append(some.judged(f)[RISK] - float(true[part].mean()))
    error = float(torch.tensor(each).std()) / math.sqrt(len(each))
    assert error < 0.05 * float(true.mean())
    assert abs(estimate - float(true.mean())) < 4 * error


@pytest.mark.nightly
def test_a_history_is_plotted_with_the_epoch_that_was_kept(tmp_path: Path) -> None:
    process = inpainting(sigma=0.1)
    f = learn(measured(process, images(12)), process, losses=REI, network=small(process), training=short(3))
    assert isinstance(f.history, History)
    f.history.plot(tmp_path / "curve.svg")
    drawn = (tmp_path / "curve.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<?xml") and len(drawn) > 5000
    assert names_of(REI) == ["Sure", "RobustEquivariance"]


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    process = inpainting(sigma=0.1)
    with pytest.raises(ValueError, match="hold_out is the share"):
        learn(measured(process, images(4)), process, losses=REI, hold_out=share, training=short(1))
