"""Circular shifts in time: a sequence's frames are moved, and the last ones come back as the first."""

import torch
from torch import Tensor

from unseen.physics.group import Group, one_by_one, uniform
from unseen.physics.tensor_products import Shape


class FrameShifts(Group):
    """(T_g x)_t = x_(t − s), with s = g times the number of frames T, to the nearest whole frame, and t modulo T.

    For sequences as `Frames` measures them: the frames of a periodic movement, such as a beating heart's, or slices
    through something that may lie higher or lower. An element is a share of T, so it does not depend on T.

    Args:
        channels: of one frame.

    Raises:
        ValueError: channels is below 1; when called, an image's channels are no whole number of frames.

    Example:
        >>> import torch
        >>> x = torch.arange(4.0).reshape(1, 4, 1, 1)
        >>> FrameShifts().T(x, torch.tensor([[0.25]])).flatten().tolist()
        [3.0, 0.0, 1.0, 2.0]
    """

    def __init__(self, *, channels: int = 1) -> None:
        if channels < 1:
            raise ValueError(f"A frame has at least 1 channel, but got {channels}.")
        self.channels = int(channels)

    def __repr__(self) -> str:
        return f"FrameShifts(channels={self.channels})"

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        return uniform(n, 1, generator=generator)

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        return self._roll(x, g, 1)

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        return self._roll(x, g, -1)

    def elements(self, shape: Shape) -> Tensor:
        frames = self._frames(shape[0])
        return torch.arange(frames, dtype=torch.float64)[:, None] / frames

    def _roll(self, x: Tensor, g: Tensor, sign: int) -> Tensor:
        self._check(x, g)
        frames = self._frames(x.shape[1])
        return one_by_one(
            x, g, lambda image, element: image.roll(sign * round(element[0] * frames) * self.channels, dims=0)
        )

    def _frames(self, channels: int) -> int:
        if channels % self.channels:
            raise ValueError(f"{channels} channels are no whole number of frames of {self.channels}.")
        return channels // self.channels
