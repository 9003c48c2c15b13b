"""A mask: some pixels are measured, the others read nought (inpainting; the lungs as a target)."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.operator import Operator, describe


class Mask(Operator):
    """A x = mask ⊙ x, with a mask of noughts and ones.

    An orthogonal projection: A A = A = A*, so it is its own adjoint and its own pseudo-inverse. `sure` takes it as its
    target.

    Args:
        mask: bool, or numbers that are 0 or 1. (channels, height, width) or (1, channels, height, width): one mask for
            every picture; (batch, channels, height, width) with batch > 1: picture i has mask i. (height, width)
            counts as one channel.
        channels: spread a mask of one channel over this many.
        axes: of one sample, where it is no picture: 2 for measurements (channels, m), and the mask is (channels, m) or
            (batch, channels, m).

    Raises:
        ValueError: another number of axes, a value that is neither 0 nor 1, or `channels` for a mask that already has
            several.

    Example:
        >>> import torch
        >>> A = Mask(torch.tensor([[True, False], [True, True]]))
        >>> A(torch.full((1, 1, 2, 2), 5.0)).flatten().tolist(), A.counts().tolist()
        ([5.0, 0.0, 5.0, 5.0], [3])
    """

    real_or_complex = True
    _mask: Tensor  # (1 or batch, *domain), bool

    def __init__(self, mask: Tensor, *, channels: int | None = None, axes: int = 3) -> None:
        if axes != 3 and mask.ndim not in (axes, axes + 1):
            raise ValueError(
                f"A mask over {axes} axes has {axes}, or a batch before, but got {describe(tuple(mask.shape))}."
            )
        if axes == 3 and mask.ndim not in (2, 3, 4):
            raise ValueError(
                "A mask is (height, width), (channels, height, width) or (batch, channels, height, width), "
                f"but got {describe(tuple(mask.shape))}."
            )
        if mask.dtype != torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
            raise ValueError(
                f"A mask holds 0 and 1 only, but got values from {mask.min():.3g} to {mask.max():.3g}. "
                "Threshold it first, as in mask > 0.5."
            )
        whole = mask.detach().bool().clone().reshape((1,) * (axes + 1 - mask.ndim) + tuple(mask.shape))
        if channels is not None:
            if whole.shape[1] not in (1, channels):
                raise ValueError(
                    f"channels={channels} was asked for, but the mask {describe(tuple(mask.shape))} already has "
                    f"{whole.shape[1]}."
                )
            whole = whole.expand(-1, channels, *whole.shape[2:])
        shape = tuple(whole.shape[1:])
        super().__init__(domain=shape, range=shape, batch=len(whole) if len(whole) != 1 else None)
        self._set(_mask=whole)

    @property
    def mask(self) -> Tensor:
        """A copy of the mask: (1 or batch, *domain), bool."""
        return self._mask.clone()

    def counts(self) -> Tensor:
        """m, how many entries are measured: (1,) or, with a mask per picture, (batch,), int64."""
        return self._mask.flatten(1).sum(dim=1)

    def observed(self) -> Mask:
        return self

    def select(self, samples: Tensor) -> Mask:
        return self if self.batch is None else Mask(self._mask[samples], axes=len(self.domain))

    def _forward(self, x: Tensor) -> Tensor:
        return x * self._on("_mask", x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def norm(self) -> float:
        return float(self._mask.any())
