"""x₀, the picture that a network begins from: a linear inverse of the measurement."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from unseen.physics.measurement import Measurement

Start = Literal["auto", "pinv", "fbp", "adjoint"]


def starting_picture(y: Tensor, process: Measurement, start: Start) -> Tensor:
    """A⁺p, FBP(p) or A*p, with p = link⁻¹(y): (batch, *A.domain).

    Args:
        y: (batch, *A.range).
        process: how it was measured.
        start: "auto" takes FBP where the operator has one, and A⁺ elsewhere.

    Raises:
        ValueError: y has another shape, or "fbp" was asked of an operator that has none.
    """
    A, p = process.A, process.linearise(y)
    fbp = getattr(A, "fbp", None)
    if start == "adjoint":
        return A.adjoint(p)
    if start == "fbp" and fbp is None:
        raise ValueError(
            f"filtered backprojection is for tomography, and {A} has none. Take the pseudo-inverse (start='pinv')."
        )
    if fbp is not None and start in ("auto", "fbp"):
        picture: Tensor = fbp(p)
        return picture
    return A.pinv(p)
