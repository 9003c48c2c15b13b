"""`SinglePixelCamera` and `CompressedSensing`: SciPy's Hadamard matrix, the patterns' order, the matrix' moments."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from unseen import physics
from unseen.physics.hadamard import walsh_matrix


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def patterns(A: physics.SinglePixelCamera) -> Tensor:
    """(m, height, width): what each measurement weights the pixels by, times √n."""
    _, height, width = A.domain
    units = torch.eye(A.range[1], dtype=torch.float64)[:, None]
    return A.adjoint(units)[:, 0] * (height * width) ** 0.5


@pytest.mark.parametrize("n", [1, 2, 8, 64])
def test_walshs_rows_are_scipys_hadamard_rows_by_their_changes_of_sign(n: int) -> None:
    matrix = walsh_matrix(n).numpy()
    assert [int((np.diff(row) != 0).sum()) for row in matrix] == list(range(n))
    assert {tuple(row) for row in matrix} == {tuple(row) for row in scipy.linalg.hadamard(n).astype(float)}
    assert np.array_equal(matrix, matrix.T)


def test_all_hadamard_patterns_are_the_two_dimensional_transform() -> None:
    A, x = physics.SinglePixelCamera((4, 8), 32), noise(2, 1, 4, 8)
    transform = np.kron(walsh_matrix(4).numpy(), walsh_matrix(8).numpy())
    expected = np.sort(np.abs(transform @ x[:, 0].flatten(1).numpy().T), axis=0) / 32**0.5
    np.testing.assert_allclose(np.sort(np.abs(A(x)[:, 0].numpy().T), axis=0), expected, atol=1e-12)
    torch.testing.assert_close(A.adjoint(A(x)), x)


@pytest.mark.parametrize("kind", ["hadamard", "scrambled", "bernoulli"])
def test_patterns_are_signs(kind: str) -> None:
    seen = patterns(physics.SinglePixelCamera(16, 60, patterns=kind))  # type: ignore[arg-type]
    torch.testing.assert_close(seen.abs(), torch.ones_like(seen))
    if kind != "bernoulli":
        torch.testing.assert_close(seen.flatten(1) @ seen.flatten(1).T, 256 * torch.eye(60, dtype=torch.float64))
    if kind != "hadamard":  # 15,360 signs, half of them +1: standard error of the mean 1 / √15360
        assert abs(float(seen.mean())) < 4 / 15360**0.5


def test_hadamard_patterns_go_from_coarse_to_fine() -> None:
    seen = patterns(physics.SinglePixelCamera(8, 64)).round()
    blocks = [(1 + int((p[1:, 0] != p[:-1, 0]).sum())) * (1 + int((p[0, 1:] != p[0, :-1]).sum())) for p in seen]
    assert blocks == sorted(blocks)
    assert blocks[:3] == [1, 2, 2]


@pytest.mark.parametrize("kind", ["scrambled", "bernoulli"])
def test_the_seed_makes_the_patterns(kind: str) -> None:
    x = noise(1, 1, 8, 8)
    made = [physics.SinglePixelCamera(8, 20, patterns=kind, seed=seed)(x) for seed in (0, 0, 1)]  # type: ignore[arg-type]
    assert torch.equal(made[0], made[1])
    assert not torch.allclose(made[0], made[2])


def test_the_compressing_matrix_is_gaussian_with_variance_one_over_m() -> None:
    matrix = physics.CompressedSensing(32, 256, seed=3).matrix  # 262,144 entries
    assert float(matrix.square().mean()) * 256 == pytest.approx(1, abs=4 * (2 / 262144) ** 0.5)
    assert abs(float(matrix.mean())) * 16 < 4 / 262144**0.5
    assert float((matrix * 16).pow(4).mean()) == pytest.approx(3, abs=4 * (96 / 262144) ** 0.5)
    x = noise(1, 1, 32, 32)
    torch.testing.assert_close(physics.CompressedSensing(32, 256, seed=3)(x)[0, 0], matrix @ x.flatten())


def test_as_many_measurements_as_pixels_tell_all() -> None:
    for A in (physics.CompressedSensing(8, 64, seed=2), physics.SinglePixelCamera(8, 64, patterns="scrambled")):
        x = noise(2, 1, 8, 8)
        torch.testing.assert_close(A.pinv(A(x)), x, rtol=0, atol=1e-7)


def test_bad_patterns_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to the 64 pixels of the image, but got 65"):
        physics.SinglePixelCamera(8, 65)
    with pytest.raises(ValueError, match="from 1 to the 64 pixels of the image, but got 0"):
        physics.CompressedSensing(8, 0)
    with pytest.raises(ValueError, match="powers of two as height and width, but got 6"):
        physics.SinglePixelCamera(6, 4)
    with pytest.raises(ValueError, match="patterns are hadamard, scrambled, bernoulli, but got 'walsh'"):
        physics.SinglePixelCamera(8, 4, patterns="walsh")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"size is one whole number above 0, or \(height, width\), but got 0"):
        physics.CompressedSensing(0, 4)


@pytest.mark.parametrize("kind", ["hadamard", "scrambled", "bernoulli"])
def test_split_patterns_are_zeros_and_ones_and_their_difference_is_the_measurement(kind: str) -> None:
    whole = physics.SinglePixelCamera(8, 20, patterns=kind)  # type: ignore[arg-type]
    A = physics.SinglePixelCamera(8, 20, patterns=kind, split=True)  # type: ignore[arg-type]
    seen = patterns(A)
    assert set(np.unique(seen.round(decimals=4).abs().numpy())) == {0, 1}
    x = noise(2, 1, 8, 8).abs()
    y = A(x)
    assert float(y.min()) >= -1e-6
    torch.testing.assert_close(y[..., :20] - y[..., 20:], whole(x), atol=1e-5, rtol=0)
    counts = physics.Measurement(A, noise=physics.Poisson(0.01))(x, generator=torch.Generator().manual_seed(0))
    assert counts.shape == (2, 1, 40)
    if kind == "hadamard":  # its first pattern is the sum, which the others then do not need
        torch.testing.assert_close(A.pinv(y), whole.pinv(whole(x)), atol=1e-4, rtol=0)


def test_split_patterns_in_half_precision_do_not_overflow() -> None:
    A = physics.SinglePixelCamera(128, 4, split=True)
    y = A(torch.full((1, 1, 128, 128), 100.0, dtype=torch.float16))
    assert y.dtype == torch.float16 and float(y.max()) == pytest.approx(12_800, rel=0.01)
    assert torch.isfinite(A.adjoint(torch.full((1, 1, 8), 100.0, dtype=torch.float16))).all()
