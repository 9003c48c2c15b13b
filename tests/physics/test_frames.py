"""Sequences and volumes: each frame by its own operator, and what shifts in time make learnable."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen.losses import Equivariance, MeasurementConsistency
from unseen.physics import (
    CompressedSensing,
    FourierMask,
    Frames,
    FrameShifts,
    Gaussian,
    Identity,
    Mask,
    Measurement,
    Shifts,
    Tomography,
    identify,
    stack,
)
from unseen.reconstruction import ArtifactRemoval, learn, load
from unseen.training import Training

FRAMES, SIZE = 4, 8


def interleaved() -> Tensor:
    """Frame t measures every fourth row, from row t on: (frames, 1, size, size)."""
    rows = torch.arange(SIZE) % FRAMES == torch.arange(FRAMES)[:, None]
    return rows[:, None, :, None].expand(FRAMES, 1, SIZE, SIZE)


def moving(n: int, *, seed: int = 0) -> Tensor:
    """Return a bright square that goes round in `FRAMES` steps: (n, frames, size, size)."""
    draws = torch.randint(0, SIZE, (n, 2), generator=rng(seed)).tolist()
    x = torch.zeros(n, FRAMES, SIZE, SIZE)
    for image, (down, right) in zip(x, draws, strict=True):
        for t in range(FRAMES):
            image[t, :3, :3] = 1
            image[t] = image[t].roll((down, right + t * SIZE // FRAMES), dims=(0, 1))
    return x


def test_frame_by_frame_it_is_what_each_operator_measures() -> None:
    A, x = Frames(FourierMask(interleaved(), real=True)), torch.randn(3, FRAMES, SIZE, SIZE, generator=rng())
    for t in range(FRAMES):
        one = FourierMask(interleaved()[t], real=True)
        torch.testing.assert_close(A(x)[:, t : t + 1], one(x[:, t : t + 1]))
        torch.testing.assert_close(A.pinv(A(x))[:, t : t + 1], one.pinv(one(x[:, t : t + 1])))


def test_a_volume_is_measured_slice_by_slice() -> None:
    slice_by_slice, x = Tomography(16, 6), torch.rand(2, 3, 16, 16, generator=rng())
    A = Frames(slice_by_slice, 3)
    for z in range(3):
        torch.testing.assert_close(A(x)[:, z : z + 1], slice_by_slice(x[:, z : z + 1]))


def test_sequences_of_their_own_masks_are_selected_whole() -> None:
    masks = torch.rand(2 * FRAMES, 1, SIZE, SIZE, generator=rng()) < 0.5
    A = Frames(Mask(masks), FRAMES)
    assert A.batch == 2
    x, second = torch.ones(3, FRAMES, SIZE, SIZE), masks[FRAMES:, 0].float()
    chosen = A.select(torch.tensor([1, 0, 1]))
    assert torch.equal(chosen(x)[0], second) and torch.equal(chosen(x)[2], second)
    assert torch.equal(chosen(x)[1], masks[:FRAMES, 0].float())


def test_what_is_observed_is_counted_frame_by_frame() -> None:
    observed = Frames(Mask(interleaved())).observed()
    assert observed is not None and observed.counts().tolist() == [FRAMES * SIZE * SIZE // FRAMES]
    assert Frames(Identity((1, 4, 4)), 2).observed() is None


def test_what_is_no_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="8 operators are no whole number of sequences of 3 frames"):
        Frames(Mask(torch.rand(8, 1, 4, 4) < 0.5), 3)
    for frames in (None, 0, -1):
        with pytest.raises(ValueError, match=f"number of at least 1 where one operator serves all, but got {frames}"):
            Frames(Identity((1, 4, 4)), frames)
    with pytest.raises(TypeError, match="Frames takes one operator, but got a list"):
        Frames([Identity((1, 4, 4))])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Frames takes an operator on images"):
        Frames(stack(CompressedSensing(4, 3), CompressedSensing(4, 2)).T, 2)
    with pytest.raises(ValueError, match="3 channels are no whole number of frames of 2"):
        FrameShifts(channels=2).T(torch.ones(1, 3, 4, 4), torch.zeros(1, 1))
    with pytest.raises(ValueError, match="at least 1 channel"):
        FrameShifts(channels=0)


def test_shifts_in_time_show_every_frame_what_the_others_see() -> None:
    """Four frames see all rows between them, each a quarter: in time, one image may be seen by every frame's mask."""
    A = Frames(Mask(interleaved()))
    assert identify(A, FrameShifts()).verdict == "can"
    static = Frames(Mask(interleaved()[0]), FRAMES)  # all frames see the same rows
    assert identify(static, FrameShifts()).verdict == "no"


def test_a_reconstructor_of_sequences_is_learnt_saved_and_loaded(tmp_path: Path) -> None:
    process = Measurement(Frames(Mask(interleaved())), noise=Gaussian(0.1))
    y = process(moving(12), generator=rng(1))
    short = Training(epochs=1, batch_size=4, threads=1)
    network = ArtifactRemoval.for_process(process, features=4, depth=1)
    f = learn(y, process, losses="rei", group=FrameShifts() * Shifts(), network=network, training=short)
    f.save(tmp_path / "sequence")
    with torch.no_grad():
        torch.testing.assert_close(load(tmp_path / "sequence")(y), f(y))


@pytest.mark.nightly
def test_a_sequence_is_learnt_from_two_fifths_of_each_frame() -> None:
    """One seed; the error of A⁺y falls to about a tenth by shifts in place and time (0.094 when this was written)."""
    process = Measurement(Frames(Mask(torch.rand(FRAMES, 1, SIZE, SIZE, generator=rng(5)) < 0.4)))
    x = moving(160)
    y = process(x)
    torch.manual_seed(0)
    f = learn(
        y[:128],
        process,
        losses=[MeasurementConsistency(), Equivariance(FrameShifts() * Shifts())],
        network=ArtifactRemoval.for_process(process, features=16, depth=2),
        learning_rate=2e-3,
        training=Training(epochs=15, batch_size=8, threads=1),
    )
    with torch.no_grad():
        error = (f(y[128:]) - x[128:]).square().mean() / (process.A.pinv(y[128:]) - x[128:]).square().mean()
    assert error < 0.3
