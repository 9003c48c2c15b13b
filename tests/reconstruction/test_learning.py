"""Learning from measurements: what is learnt, that a killed training goes on to the same weights, what is refused."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.reconstruction.making import error, holes, images, inpainting, magnetic, measured, short
from unseen.losses import (
    Equivariance,
    EquivariantAdversarial,
    Loss,
    MeasurementConsistency,
    MultiOperator,
    Seen,
    Supervised,
)
from unseen.physics import (
    Blur,
    Dense,
    FourierMask,
    FunctionOperator,
    Gaussian,
    Identity,
    Mask,
    Measurement,
    Operator,
    Shifts,
    Tomography,
    gaussian_kernel,
)
from unseen.reconstruction import ArtifactRemoval, Reconstructor, Unrolled, learn, pseudo_inverse
from unseen.reconstruction.held_out import MeasurementSet
from unseen.reconstruction.learner import ReconstructionLearner
from unseen.reconstruction.many_measurements import reconstructed
from unseen.reconstruction.tensor_digests import measurement_digest
from unseen.training import Progress, TrainingError

MC = MeasurementConsistency()
pytestmark = pytest.mark.filterwarnings("ignore:MeasurementConsistency teaches f to copy the noise")


def weights(f: Reconstructor) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in f.state_dict().items()}


def same(one: Reconstructor, other: Reconstructor) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def small(process: Measurement, *, seed: int = 0, **settings: object) -> ArtifactRemoval:
    torch.manual_seed(seed)
    return ArtifactRemoval.for_process(process, features=8, depth=2, **settings)


@pytest.mark.slow
def test_equivariance_teaches_what_the_mask_never_shows_and_consistency_alone_does_not() -> None:
    process, x, unseen = inpainting(), images(16), images(16, seed=9)
    y, test = measured(process, x), measured(process, unseen)
    settings = {"training": short(15), "learning_rate": 8e-3}
    with_group = learn(y, process, losses=[MC, Equivariance(Shifts())], network=small(process), **settings)  # type: ignore[arg-type]
    alone = learn(y, process, losses=[MC], network=small(process), **settings)  # type: ignore[arg-type]
    start = error(pseudo_inverse(test, process), unseen)
    assert error(alone(test, process), unseen) > 0.8 * start
    assert error(with_group(test, process), unseen) < 0.1 * start


@pytest.mark.parametrize(
    ("architecture", "make"),
    [
        (ArtifactRemoval, inpainting),
        pytest.param(Unrolled, magnetic, marks=pytest.mark.nightly),
        pytest.param(ArtifactRemoval, magnetic, marks=pytest.mark.nightly),
        pytest.param(Unrolled, inpainting, marks=pytest.mark.nightly),
    ],
)
def test_it_learns_from_the_truth_where_there_is_one(make, architecture: type[Reconstructor]) -> None:  # type: ignore[no-untyped-def]
    process: Measurement = make(sigma=0.02)
    x = images(16)
    if process.A.complex_domain:
        x = torch.polar(x, 3 * images(16, seed=5))
    y = measured(process, x)
    torch.manual_seed(0)
    f = architecture.for_process(process, features=8, depth=2)
    f = learn(y, process, losses=[Supervised()], truth=x, network=f, training=short(15), learning_rate=3e-3, hold_out=0)
    assert f(y, process).dtype == x.dtype
    assert error(f(y, process), x) < 0.5 * error(pseudo_inverse(y, process), x)
    assert f.history is not None and f.history.steps == 15 * 4
    assert f.history.parts["Supervised"][-1] < f.history.parts["Supervised"][0]
    assert not f.training and f.process is process and len(set(f.training_digests)) == 16


class _Killed(RuntimeError):
    pass


def _until(step: int):  # type: ignore[no-untyped-def]
    def progress(state: Progress) -> None:
        if state.step == step:
            raise _Killed

    return progress


def _critic() -> nn.Module:
    torch.manual_seed(7)
    return nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 2, 1))


@pytest.mark.parametrize("killed_at", [8, *(pytest.param(at, marks=pytest.mark.nightly) for at in (1, 7, 13))])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, killed_at: int) -> None:
    """Random moves, noise drawn anew, a critic, and a rate that falls after two epochs (step 8)."""
    process, x = inpainting(sigma=0.05), images(16)
    y = measured(process, x)

    def train(folder: Path | None, **more: object) -> Reconstructor:
        losses = [MC, Equivariance(Shifts()), EquivariantAdversarial(Shifts(), _critic(), weight=1e-2)]
        settings = short(4, checkpoint_every_steps=1)
        return learn(
            y,
            process,
            losses=losses,
            network=small(process),
            training=settings,
            milestones=[2],
            folder=folder,
            hold_out=0,  # with it: test_held_out.py
            **more,  # type: ignore[arg-type]
        )

    whole = train(None)
    with pytest.raises(_Killed):
        train(tmp_path / "run", progress=_until(killed_at))
    resumed = train(tmp_path / "run")
    assert same(whole, resumed)
    assert whole.history is not None and resumed.history is not None
    assert whole.history.parts == resumed.history.parts
    assert "EquivariantAdversarial critic" in whole.history.parts
    again = train(tmp_path / "run")  # finished: read, not trained
    assert same(whole, again)


def test_complex_measurements_with_operators_of_their_own_go_on_too(tmp_path: Path) -> None:
    process = Measurement(FourierMask(holes(n=2)), noise=Gaussian(0.1))
    rows = torch.arange(8) % 2
    y = measured(process.select(rows), images(8) + 0j)
    settings = {"losses": [MC, MultiOperator()], "operators": rows, "training": short(2, checkpoint_every_steps=1)}
    whole = learn(y, process, network=small(process), **settings)  # type: ignore[arg-type]
    with pytest.raises(_Killed):
        learn(y, process, network=small(process), folder=tmp_path, progress=_until(3), **settings)  # type: ignore[arg-type]
    assert same(whole, learn(y, process, network=small(process), folder=tmp_path, **settings))  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns_on_a_cuda_device(precision: str) -> None:
    process = Measurement(Mask(holes(n=3)))
    rows = torch.arange(16) % 3
    x = images(16)
    y = measured(process.select(rows), x)
    f = learn(
        y, process, losses=[Supervised(), MC, MultiOperator()], truth=x, operators=rows, network=small(process),
        training=short(10, device="cuda", precision=precision), learning_rate=3e-3,
    )  # fmt: skip
    own = process.select(rows)
    assert f(y, own).device.type == "cpu" and error(f(y, own), x) < 0.5 * error(own.A.pinv(y), x)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    process = inpainting()
    y = measured(process, images(8))
    losses = [MC, Equivariance(Shifts())]
    before = torch.get_rng_state()
    one = learn(y, process, losses=losses, training=short(1, seed=3))
    other = learn(y, process, losses=losses, training=short(1, seed=3))
    assert torch.equal(before, torch.get_rng_state()), "the caller's random state was touched"
    third = learn(y, process, losses=losses, training=short(1, seed=4))
    assert same(one, other) and not same(one, third)


def test_the_rate_falls_at_its_milestones() -> None:
    process = inpainting()
    rates: list[float] = []
    learnt = MeasurementSet(measured(process, images(4)), None, torch.zeros(4, dtype=torch.int64), process)
    learner = ReconstructionLearner(
        small(process), learnt, [MC], learning_rate=1e-3, milestones=[3, 1], steps_per_epoch=2
    )
    for _ in range(8):
        for step in learner.steps((torch.arange(4),), torch.Generator()):
            rates.append(learner.optimisers["loss"].param_groups[0]["lr"])
            step.loss.backward()
            learner.optimisers["loss"].step()
    assert rates == pytest.approx([1e-3] * 2 + [1e-4] * 4 + [1e-5] * 2)


def test_a_checkpoint_of_another_training_is_refused_by_what_differs(tmp_path: Path) -> None:
    process = inpainting()
    y = measured(process, images(4)) * 0  # the same measurements whatever the mask

    def trained(**changed: object) -> None:
        settings = {"process": process, "losses": [MC], "network": small(process), "training": short(1)}
        learn(y, **(settings | {"folder": tmp_path} | changed))  # type: ignore[arg-type]

    trained()
    trained()  # the same one is found
    other = Measurement(Mask(holes(seed=5)))
    for changed, named in (
        ({"process": other, "network": small(other)}, "A of an image was .*, now .*"),
        ({"losses": [MeasurementConsistency(weight=2)]}, "losses was .*weight=1.*, now .*weight=2.*"),
        ({"milestones": [1]}, r"falls_at was \[\], now \[1\]"),
        ({"consistency": "project"}, "reconstructor was .*none.*, now .*project.*"),
        ({"network": small(process, start="adjoint")}, "reconstructor was .*auto.*, now .*adjoint.*"),
    ):
        with pytest.raises(TrainingError, match=f"belongs to another training: {named}. Use another folder"):
            trained(**changed)


def test_a_checkpoint_of_other_operators_for_the_same_measurements_is_refused(tmp_path: Path) -> None:
    process = Measurement(Mask(holes(n=2)))
    y = measured(process, images(2)) * 0
    for operators, refused in (([0, 1], False), (np.array([0, 1]), False), (torch.tensor([1, 0]), True)):
        with pytest.raises(TrainingError, match="operators was") if refused else nullcontext():
            learn(
                y, process, losses=[MC], network=small(process), training=short(1), folder=tmp_path, operators=operators
            )


def test_a_checkpoint_of_an_earlier_version_resumes(tmp_path: Path) -> None:
    process = inpainting()
    y = measured(process, images(4))

    def trained(**changed: object) -> Reconstructor:
        settings = {"losses": [MC], "network": small(process), "training": short(1), "folder": tmp_path}
        return learn(y, process, **(settings | changed))  # type: ignore[arg-type]

    expected = trained()
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    identity = json.loads(state["fingerprint"]["identity"])
    del identity["reconstructor"]
    state["fingerprint"]["identity"] = json.dumps(identity)
    torch.save(state, tmp_path / "checkpoint.pt")
    assert torch.equal(trained()(y), expected(y))
    with pytest.raises(TrainingError, match="losses was"):
        trained(losses=[MeasurementConsistency(weight=2)])


def test_each_measurement_goes_with_its_own_operator() -> None:
    """f begins as A⁺, so what the first step compares with the right operators' A⁺ y tells which it was given."""
    process = Measurement(Mask(holes(n=3)))
    rows = torch.arange(12) % 3
    own = process.select(rows)
    y = measured(own, images(12)) + 0.1  # also where nothing was measured
    losses = [Supervised(), MultiOperator(weight=0.5)]

    def first(operators: Tensor) -> float:
        f = learn(
            y, process, losses=losses, truth=own.A.pinv(y), operators=operators, network=small(process),
            training=short(1),
        )  # fmt: skip
        assert f.history is not None and f.history.parts["MultiOperator"][0] > 0
        return f.history.parts["Supervised"][0]

    assert first(rows) == pytest.approx(0, abs=1e-12)
    assert first(rows.roll(1)) > 1e-3


def test_an_operator_for_each_measurement_needs_no_index() -> None:
    process = Measurement(Mask(holes(n=6)))
    y = measured(process, images(6))
    f = learn(y, process, losses=[MC], network=small(process), training=short(1))
    assert f.history is not None and f.history.parts["loss"][0] == pytest.approx(0, abs=1e-12)


class _Watching(Operator):
    """The identity, which notes in what precision it is asked to work."""

    seen: ClassVar[set[tuple[bool, torch.dtype]]] = set()

    def __init__(self) -> None:
        super().__init__(domain=(1, 16, 16), range=(1, 16, 16))

    def _forward(self, x: Tensor) -> Tensor:
        self.seen.add((torch.is_autocast_enabled("cpu"), x.dtype))
        return x

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._forward(y)


class _WatchedNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)
        self.seen: set[torch.dtype] = set()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        self.seen.add(y.dtype)
        return y


def test_under_bf16_the_network_alone_is_rounded() -> None:
    process, network = Measurement(_Watching(), noise=Gaussian(0.1)), _WatchedNetwork()
    _Watching.seen.clear()
    y = measured(process, images(8))
    f = learn(
        y,
        process,
        losses=[MC, Equivariance(Shifts())],
        network=network,
        training=short(1, precision="bf16"),
        hold_out=0,
    )
    assert _Watching.seen == {(False, torch.float32)} and network.seen == {torch.bfloat16}
    assert f(y, process).dtype == torch.float32 and network.seen == {torch.bfloat16, torch.float32}


class _NoGradientFirst(Loss):
    """A pass without gradients before the one that learns."""

    needs = frozenset({"y", "f"})

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        with torch.no_grad():
            seen.again(seen.y)
        return seen.reconstruction.square().flatten(1).mean(1)


def test_under_bf16_a_pass_without_gradients_takes_none_away() -> None:
    process = Measurement(Identity((1, 16, 16)))
    network = _WatchedNetwork()
    before = network.layer.weight.detach().clone()
    learn(
        images(4),
        process,
        losses=[_NoGradientFirst()],
        network=network,
        training=short(1, precision="bf16"),
        hold_out=0,
    )
    assert not torch.equal(before, network.layer.weight)


@pytest.mark.slow
@pytest.mark.nightly
def test_bf16_learns_as_well_as_fp32() -> None:
    """Within 0.1 dB after 200 steps of REI's kind of step, on images that were not learnt from."""
    process, x, unseen = inpainting(sigma=0.05), images(40), images(20, seed=9)
    y, test = measured(process, x), measured(process, unseen)
    found = {}
    for precision in ("fp32", "bf16"):
        f = learn(
            y, process, losses=[MC, Equivariance(Shifts())], network=small(process), learning_rate=1e-3,
            training=short(20, precision=precision),
        )  # fmt: skip
        found[precision] = -10 * torch.tensor(error(f(test, process), unseen)).log10()
    assert abs(found["fp32"] - found["bf16"]) < 0.1


def test_the_unit_of_the_images_does_not_matter() -> None:
    process, x = inpainting(), images(8)
    y = measured(process, x)
    found = [
        learn(unit * y, process, losses=[Supervised()], truth=unit * x, network=small(process), training=short(3))
        for unit in (1.0, 1000.0)
    ]
    one, thousand = (f(unit * y, process) / unit for f, unit in zip(found, (1.0, 1000.0), strict=True))
    assert error(one, y) > 1e-6 and torch.allclose(one, thousand, rtol=1e-3, atol=1e-3)


def test_validation_sees_the_reconstructor_after_each_epoch_and_changes_nothing() -> None:
    process, x = inpainting(), images(8)
    y = measured(process, x)
    losses = [MC, Equivariance(Shifts())]

    def validate(f: Reconstructor, epochs: int) -> dict[str, float]:
        assert not f.training
        return {"error": error(f(y, process), x), "epochs": epochs}

    one = learn(y, process, losses=losses, network=small(process), training=short(2), validate=validate)
    other = learn(y, process, losses=losses, network=small(process), training=short(2))
    assert one.history is not None and one.history.validation["epochs"] == [1, 2]
    assert one.history.validation["error"][-1] == pytest.approx(error(one(y, process), x), rel=1e-5)
    assert same(one, other)


def test_a_trained_reconstructor_learns_on_without_losing_its_units() -> None:
    process = inpainting()
    y = measured(process, images(8))
    f = learn(y, process, losses=[MC], network=small(process), training=short(1))
    scale = f.get_buffer("scale").clone()
    assert scale != 1
    learn(5 * y, process, losses=[MC], network=f, training=short(1))
    assert f.get_buffer("scale") == scale


GOOD = {"losses": [MC], "training": short(1)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"measurements": torch.zeros(4, 1, 8, 8)}, r"Measurements by Mask.* are \(n, 1, 16, 16\).*got \(4, 1, 8, 8\)"),
        ({"measurements": torch.zeros(0, 1, 16, 16)}, r"n at least 1, but got \(0, 1, 16, 16\)"),
        ({"measurements": torch.zeros(4, 1, 16, 16, dtype=torch.int64)}, "real floating-point numbers.*int64"),
        ({"measurements": torch.zeros(4, 1, 16, 16, dtype=torch.complex64)}, "real floating-point.*complex64"),
        ({"measurements": torch.full((4, 1, 16, 16), torch.nan)}, "finite, but 1024 of 1024 numbers are NaN"),
        ({"truth": torch.zeros(4, 1, 16, 17)}, r"Images of Mask.*got \(4, 1, 16, 17\)"),
        ({"truth": torch.zeros(3, 1, 16, 16)}, "4 measurements, but 3 images"),
        ({"losses": [Supervised()]}, "Supervised needs the truth"),
        ({"losses": []}, "at least one Loss"),
        ({"learning_rate": 0.0}, "above 0, but got 0"),
        ({"milestones": [0]}, "at least 1"),
        ({"operators": torch.zeros(4, dtype=torch.int64)}, "A has only one operator"),
        ({"process": Measurement(Mask(holes(n=3)))}, r"A has 3 operators and there are 4 measurements"),
        (
            {"process": Measurement(Mask(holes(n=3))), "operators": torch.tensor([0, 1, 2, 3])},
            "4 whole numbers from 0 to 2.*from 0 to 3",
        ),
        (
            {"process": Measurement(Mask(holes(n=3))), "operators": torch.zeros(3, dtype=torch.int64)},
            "4 whole numbers from 0 to 2",
        ),
        ({"network": ArtifactRemoval(channels=3)}, r"made for real ones of 3 channel\(s\).*for_process"),
        ({"network": ArtifactRemoval(complex_pictures=True)}, "made for complex ones"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_trained(change: dict[str, object], sentence: str) -> None:
    arguments = GOOD | {"measurements": torch.zeros(4, 1, 16, 16), "process": inpainting()} | change
    with pytest.raises(ValueError, match=sentence):
        learn(**arguments)  # type: ignore[arg-type]


def test_complex_measurements_are_asked_for_where_the_operator_gives_them() -> None:
    with pytest.raises(ValueError, match=r"are complex numbers, but got torch\.float32"):
        learn(torch.zeros(4, 1, 16, 16), magnetic(), losses=[MC], training=short(1))


def test_arrays_do_as_well_as_tensors() -> None:
    process, x = inpainting(), images(4)
    y = measured(process, x)
    of_tensors, of_arrays = (
        learn(given, process, losses=[Supervised()], truth=truth, network=small(process), training=short(1))
        for given, truth in ((y, x), (y.double().numpy(), x.numpy()))
    )
    assert same(of_tensors, of_arrays)
    with pytest.raises(ValueError, match="are numbers, but got <U1"):
        learn(np.array(["a"]), process, losses=[MC])


@pytest.mark.parametrize(
    ("A", "sigma", "start", "warned"),
    [
        (Blur(16, gaussian_kernel(1.0)), 0.05, "auto", True),
        (Blur(16, gaussian_kernel(1.0)), 0.05, "adjoint", False),
        (Blur(16, gaussian_kernel(1.0)), 1e-4, "auto", False),
        (Identity((1, 16, 16)), 1.0, "auto", False),  # noise, but none that A⁺ adds
        (Tomography(16, angles=8), 0.1, "auto", False),
        (Mask(holes()), 0.1, "auto", False),
    ],
)
def test_it_warns_of_noise_that_hides_the_images_that_a_network_begins_with(
    A: Operator, sigma: float, start: str, warned: bool
) -> None:
    process = Measurement(A, Gaussian(sigma))
    y = measured(process, images(4))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learn(y, process, losses="sure", network=small(process, start=start), training=short(1))
    said = [str(one.message) for one in caught if "Begin with the adjoint" in str(one.message)]
    assert [one.partition(" has ")[0] for one in said] == ["Noise"] * warned


def test_several_losses_of_one_kind_have_names_of_their_own() -> None:
    process = inpainting()
    losses: Sequence[Loss] = [MC, MeasurementConsistency(weight=0.5)]
    f = learn(measured(process, images(4)), process, losses=losses, network=small(process), training=short(1))
    assert f.history is not None
    assert set(f.history.parts) == {"loss", "MeasurementConsistency 1", "MeasurementConsistency 2"}


def test_it_warns_once_of_noise_that_an_ill_conditioned_matrix_enlarges() -> None:
    generator = torch.Generator().manual_seed(0)
    rotation, _ = torch.linalg.qr(torch.randn(64, 64, generator=generator, dtype=torch.float64))
    x = images(6, size=8)

    def warned(least: float, noise: Gaussian | None, **settings: str) -> list[str]:
        A = Dense(torch.logspace(0, math.log10(least), 64, dtype=torch.float64)[:, None] * rotation, size=(8, 8))
        assert A.condition() == pytest.approx(1 / least)
        process = Measurement(A, noise)
        network = ArtifactRemoval.for_process(process, features=8, depth=2, **settings)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            learn(measured(process, x), process, losses="mc", network=network, training=short(1))
        return [str(one.message) for one in caught if "condition number" in str(one.message)]

    (said,) = warned(1e-3, Gaussian(0.01))
    assert "condition number of A is 1e+03, above 100" in said and "start='adjoint'" in said
    assert warned(1e-3, None) == [] and warned(0.1, Gaussian(0.01)) == []
    assert warned(1e-3, Gaussian(0.01), start="adjoint") == []


@pytest.mark.parametrize("architecture", [ArtifactRemoval, Unrolled])
def test_a_trained_reconstructor_takes_the_norm_of_another_operator(architecture: type[Reconstructor]) -> None:
    """From the adjoint, the norm of the operator learnt under gave images of another scale."""
    process, x = inpainting(), images(4)
    A, y = process.A, process(x)

    def trained() -> Reconstructor:
        torch.manual_seed(0)
        f = architecture.for_process(process, start="adjoint", features=4, depth=1)
        return learn(y, process, losses="mc", network=f, training=short(1))

    f = trained()
    assert torch.equal(f(2 * y, 2 * A), f(y))
    tuned, other = (
        learn(unit * y, unit * A, losses="mc", network=trained(), training=short(1, seed=1)) for unit in (1.0, 2.0)
    )
    assert torch.equal(other(2 * y), tuned(y)) and torch.equal(other(y, A), tuned(y))


def test_the_norm_of_another_operator_is_computed_once() -> None:
    """It was computed in each call, which took ten times as long as two steps."""
    calls = 0

    def forward(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return x + x.roll(1, dims=-1)

    x = images(2)
    learnt, other = (FunctionOperator(forward, (1, 16, 16)) for _ in range(2))
    network = Unrolled(start="adjoint", iterations=2, features=4, depth=1)
    f = learn(learnt(x), learnt, losses="mc", network=network, training=short(1))
    counts = []
    for A in (learnt, other, other):
        before = calls
        f(x, A)
        counts.append(calls - before)
    assert counts[0] == counts[2] < counts[1]


@pytest.mark.parametrize("architecture", [ArtifactRemoval, Unrolled])
def test_an_image_does_not_depend_on_the_batch_where_each_has_its_operator(architecture: type[Reconstructor]) -> None:
    """One measurement that is left over has one operator, whose norm is not that of those learnt under."""
    rng = torch.Generator().manual_seed(0)
    masks = (torch.rand(9, 16, 16, generator=rng) > 0.6).float()
    masks[8] *= masks[8].cumsum(dim=0) < 3
    A = FourierMask(masks[:, None], coils=torch.randn(2, 16, 16, dtype=torch.complex64, generator=rng), real=True)
    y = A(images(9))
    network = architecture.for_process(A, start="adjoint", features=4, depth=1)
    f = learn(y, A, losses="mc", network=network, training=short(1))
    assert abs(A.select(torch.tensor([8])).norm() / A.norm() - 1) > 0.01
    nine = torch.arange(9)
    torch.testing.assert_close(*(reconstructed(f, y, operators=nine, batch_size=size) for size in (8, 9)))


def test_an_interrupted_fine_tuning_states_its_measurements() -> None:
    """Its weights have learnt from them, so an evaluation must leave them out."""
    process, x = inpainting(), images(8)
    f = learn(process(x[:4]), process, losses="mc", network=ArtifactRemoval(features=4, depth=1), training=short(1))

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(process(x[4:]), process, losses="mc", network=f, training=short(1), progress=stop)
    assert f.training_digests == tuple(map(measurement_digest, process(x)))


@pytest.mark.parametrize("architecture", [ArtifactRemoval, Unrolled])
@pytest.mark.parametrize(("unit", "warned"), [(1.0, False), (0.1, False), (255.0, True), (1 / 255, True), (0.0, False)])
def test_measurements_in_other_units_than_those_of_a_trained_network_are_warned_of(
    architecture: type[Reconstructor], unit: float, warned: bool
) -> None:
    process = inpainting()
    y = process(images(4))
    f = learn(y, process, losses="mc", network=architecture.for_process(process, features=4, depth=1), epochs=1)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        reconstructed(f, unit * y)
        learn(unit * y, process, losses="mc", network=f, epochs=1)
    found = [str(one.message) for one in shown if "times as large" in str(one.message)]
    assert len(found) == 2 * warned
    assert all(f"begins with are {unit:.3g} times as large as those that it was trained on" in one for one in found)


def test_a_folder_may_be_any_path(tmp_path: Path) -> None:
    class Place:
        def __fspath__(self) -> str:
            return str(tmp_path)

    process = inpainting()
    learn(process(images(2)), process, network=small(process), losses="mc", training=short(1), folder=Place())  # type: ignore[arg-type]
    assert any(tmp_path.iterdir())
