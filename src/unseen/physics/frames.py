"""Sequences of images: the frames of a dynamic scan, or the slices of a volume, each measured by an operator."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.operator import Mask, Operator
from unseen.physics.tensor_products import describe


class Frames(Operator):
    """(x₁, …, x_T) ↦ (A₁ x₁, …, A_T x_T): frame t of a sequence, or slice t of a volume, is measured by A_t.

    A sequence is an image whose channels are its frames, one after the other: (batch, T · channels, height, width), and
    so are its measurements. A network with T channels sees all frames at once, every group moves them alike, and
    `FrameShifts` moves them along the sequence. So a dynamic scan (two dimensions and time), and a volume measured
    slice by slice (stacked parallel CT, two-dimensional MRI), are learnt as single images are.

    Args:
        A: measures one frame, (channels, height, width). Where it has an operator for each of T samples, A_t is the
            t-th; for each of n · T samples, sequence i has those from i · T on.
        frames: T, at least 1; None: as many as A has operators.

    Raises:
        TypeError: A is no operator, such as a list of them.
        ValueError: frames is below 1, missing, or does not divide the number of A's operators; or what A takes or
            gives is no image.

    Example:
        >>> import torch
        >>> from unseen.physics import FourierMask
        >>> lines = torch.arange(8) % 4 == torch.arange(4)[:, None]  # frame t measures every fourth line, from line t
        >>> A = Frames(FourierMask(lines[:, None, None].expand(4, 1, 8, 8), real=True))
        >>> A.domain, A(torch.ones(2, 4, 8, 8)).shape
        ((4, 8, 8), torch.Size([2, 4, 8, 8]))

    Source: dynamic imaging by equivariance, Chen, Davies, Ehrhardt, Schönlieb, Sherry & Tachella, Imaging with
    equivariant deep learning, IEEE Signal Processing Magazine 40(1) (2023) 134–147, arXiv 2209.01725.
    """

    A: Operator
    frames: int

    def __init__(self, A: Operator, frames: int | None = None) -> None:
        if not isinstance(A, Operator):
            raise TypeError(
                f"Frames takes one operator, but got a {type(A).__name__}. Operators of each frame are one "
                "operator with an A for each of T samples, such as a FourierMask of T masks."
            )
        if len(A.domain) != 3 or len(A.range) < 2:
            raise ValueError(
                f"Frames takes an operator on images (channels, height, width), but got one from {describe(A.domain)} "
                f"to {describe(A.range)}."
            )
        number = A.batch if frames is None else frames
        if number is None or number < 1:
            raise ValueError(f"frames is a number of at least 1 where one operator serves all, but got {frames}.")
        if A.batch is not None and A.batch % number:
            raise ValueError(f"{A.batch} operators are no whole number of sequences of {number} frames.")
        super().__init__(
            domain=(number * A.domain[0], *A.domain[1:]),
            range=(number * A.range[0], *A.range[1:]),
            batch=None if A.batch in (None, number) else A.batch // number,
        )
        self._set(
            A=A,
            frames=number,
            complex_domain=A.complex_domain,
            complex_range=A.complex_range,
            real_or_complex=A.real_or_complex,
            pinv_by_steps=A.pinv_by_steps,
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self._joined(self._of_each(len(x))(self._apart(x, self.A.domain)))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._joined(self._of_each(len(y)).adjoint(self._apart(y, self.A.range)))

    def _pinv(self, y: Tensor) -> Tensor:
        return self._joined(self._of_each(len(y)).pinv(self._apart(y, self.A.range)))

    def norm(self) -> float:
        """Return the largest norm of the frames' operators."""
        return self.A.norm()

    def observed(self) -> Mask | None:
        mask = self.A.observed()
        if mask is None:
            return None
        each = mask.mask.expand(self.A.batch or self.frames, *self.A.range)
        return Mask(self._joined(each), axes=len(self.range))

    def select(self, samples: Tensor) -> Operator:
        if self.batch is None:
            return self
        rows = samples[:, None] * self.frames + torch.arange(self.frames)
        return Frames(self.A.select(rows.flatten()), self.frames)

    def _of_each(self, n: int) -> Operator:
        """Return A for the frames of n sequences."""
        if self.A.batch is None or self.batch is not None:
            return self.A
        return self.A.select(torch.arange(self.frames).repeat(n))

    def _apart(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        return tensor.reshape(-1, *shape)

    def _joined(self, frames: Tensor) -> Tensor:
        return frames.reshape(-1, self.frames * frames.shape[1], *frames.shape[2:])
