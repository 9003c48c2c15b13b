"""The verdicts of `identify` are those of the theory, for the operators and groups of its table."""

from __future__ import annotations

import time

import pytest
import torch

from tests.seeded import rng
from unseen.physics import (
    Blur,
    Downsampling,
    Flips,
    FourierMask,
    Mask,
    Operator,
    Rotations,
    Scalings,
    Shifts,
    Tomography,
    cartesian_sampling,
    gaussian_kernel,
    identify,
)

INTERPOLATION = "through interpolation only"
QUARTERS = Rotations(multiples_of=90)


def inpainting(size: int) -> Operator:
    return Mask(torch.rand(1, size, size, generator=rng()) >= 0.3)


def scanner(size: int, *, real: bool = False) -> Operator:
    return FourierMask(cartesian_sampling(size, 4, generator=rng()), real=real)


def tomograph(size: int) -> Operator:
    return Tomography(size, 50 if size >= 128 else 24)


def blur(size: int, sigma: float = 2.0) -> Operator:
    return Blur(size, gaussian_kernel(sigma))


def fewer(size: int) -> Operator:
    return Downsampling(size, 2)


BILINEAR = Rotations(interpolation="bilinear")
TABLE = {
    "MRI, shifts": (scanner, Shifts(), "no"),
    "CT, shifts": (tomograph, Shifts(), INTERPOLATION),
    "MRI, rotations": (scanner, Rotations(), "can"),
    "MRI, bilinear rotations": (scanner, BILINEAR, "can"),
    "CT, rotations": (tomograph, Rotations(), "can"),
    "CT, bilinear rotations": (tomograph, BILINEAR, "can"),
    "inpainting, shifts": (inpainting, Shifts(), "can"),
    "CT, quarter turns": (tomograph, QUARTERS, "no"),
    "CT, flips": (tomograph, Flips(), "no"),
    "CT, quarter turns and flips": (tomograph, QUARTERS * Flips(), "no"),
    "MRI, flips": (scanner, Flips(), "no"),
    "real MRI, flips": (lambda size: scanner(size, real=True), Flips(), "no"),
    "inpainting, flip": (inpainting, Flips(vertical=False), "no"),
    "inpainting, flips": (inpainting, Flips(), "no"),
    "inpainting, quarter turns": (inpainting, QUARTERS, "no"),
    "blur, shifts": (blur, Shifts(), "no"),
    "blur, rotations": (blur, Rotations(), "no"),
    "blur, bilinear rotations": (blur, BILINEAR, "no"),
    "blur, quarter turns": (blur, QUARTERS, "no"),
    "blur, scalings": (blur, Scalings(), "can"),
    "mild blur, rotations": (lambda size: blur(size, 1.0), Rotations(), "no"),
    "mild blur, scalings": (lambda size: blur(size, 1.0), Scalings(), "can"),
    "downsampling, shifts": (fewer, Shifts(), "no"),
    "downsampling, rotations": (fewer, Rotations(), "no"),
    "downsampling, bilinear rotations": (fewer, BILINEAR, "no"),
    "downsampling, quarter turns": (fewer, QUARTERS, "no"),
    "downsampling, scalings": (fewer, Scalings(), "can"),
}


# One row of `make test` for each operator and each verdict, at 32 pixels a side, where whole matrices are written out,
# or at 40 or 64, matrix-free; a row for each operator and verdict, and every row at 64 and 128 pixels: `make nightly`.
QUICK = {
    "MRI, shifts",
    "MRI, bilinear rotations",
    "inpainting, shifts",
    "inpainting, quarter turns",
    "downsampling, scalings",
}
MATRIX_FREE = {"CT, shifts": 64, "MRI, bilinear rotations": 40, "inpainting, quarter turns": 40}
REPRESENTATIVE = {
    "MRI, shifts",
    "CT, shifts",
    "MRI, bilinear rotations",
    "CT, rotations",
    "inpainting, shifts",
    "CT, flips",
    "inpainting, flips",
    "inpainting, quarter turns",
    "real MRI, flips",
    "blur, shifts",
    "blur, bilinear rotations",
    "blur, scalings",
    "downsampling, rotations",
    "downsampling, scalings",
}


@pytest.mark.parametrize(
    ("row", "size"),
    [
        *(
            pytest.param(row, MATRIX_FREE.get(row, 32), marks=[] if row in QUICK else pytest.mark.nightly)
            for row in sorted(REPRESENTATIVE)
        ),
        *(pytest.param(row, 64, marks=pytest.mark.nightly) for row in TABLE if MATRIX_FREE.get(row) != 64),
    ],
)
def test_the_verdicts_are_those_of_the_theory(row: str, size: int) -> None:
    make, group, verdict = TABLE[row]
    found = identify(make(size), group)
    assert found.verdict == verdict, f"{row}\n{found}"


@pytest.mark.nightly
@pytest.mark.parametrize("row", TABLE)
def test_every_verdict_at_128_pixels_takes_half_a_minute_at_most(row: str) -> None:
    make, group, verdict = TABLE[row]
    A = make(128)
    begun = time.process_time()
    found = identify(A, group)
    took = time.process_time() - begun
    assert found.verdict == verdict, f"{row}\n{found}"
    assert took < 30, f"{row}: {took:.0f} s of processor time"


def test_what_is_never_seen_of_a_mask_is_counted() -> None:
    A = inpainting(64)
    missing = ~A.mask[0, 0]  # type: ignore[attr-defined]
    one_flip = identify(A, Flips(vertical=False))
    assert one_flip.never_seen * one_flip.hidden == pytest.approx(
        float((missing & missing.flip(-1)).double().mean()), abs=0.01
    )
    turned = torch.stack([missing.rot90(k) for k in range(4)]).all(dim=0)
    four = identify(A, QUARTERS)
    assert four.never_seen * four.hidden == pytest.approx(float(turned.double().mean()), abs=0.005)
