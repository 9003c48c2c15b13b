"""Single-pixel camera: one detector behind patterns of ±1, or behind the two patterns of 0 and 1 of each."""

import math
from typing import get_args

import torch
from torch import Tensor

from unseen.physics.argument_checks import both_sides, check_channels, check_measurements
from unseen.physics.dense import Dense
from unseen.physics.hadamard import HadamardPatterns
from unseen.physics.operator import Operator
from unseen.physics.single_pixel_patterns import DEFAULT_PATTERNS, Patterns


class SinglePixelCamera(Operator):
    """y_i = ⟨p_i, x⟩ / √n for i = 1 … m, with patterns p_i of ±1 and n = height · width pixels.

    y is (batch, channels, m): every channel is seen through the same patterns. Duarte et al., IEEE Signal Process. Mag.
    25 (2008).

    Args:
        size: of the image, one number or (height, width); powers of two but for "bernoulli".
        m: how many patterns, 1 to n.
        channels: of the image.
        patterns: "hadamard": Walsh–Hadamard patterns from coarse to fine, in the order of how many blocks each is made
            of (cake-cutting, Yu, Sensors 19, 2019). "scrambled": m of them at random, their signs flipped at random
            pixel by pixel. "bernoulli": each sign by itself, +1 or −1 with equal chance. The first two are orthogonal
            and fast (adjoint and pseudo-inverse are one); "bernoulli" keeps m · n numbers.
        seed: of what is random; the same arguments give the same patterns.
        split: a mirror array shows light or none, so each pattern is measured as two of 0 and 1, (1 + p_i)/2 and
            (1 − p_i)/2. y is (batch, channels, 2m), first the m of the former, and is never negative where x is not,
            so that Poisson noise may follow. The difference of the two is the measurement without `split`.

    Raises:
        ValueError: size, m or channels is out of range, or the patterns are none of these.

    Example:
        >>> A = SinglePixelCamera(8, 16)
        >>> A, A(torch.ones(1, 1, 8, 8))[0, 0, :3].round().int().tolist()
        (SinglePixelCamera((1, 8, 8) -> (1, 16)), [8, 0, 0])
    """

    patterns: str
    split: bool
    _through: Operator  # the patterns of ±1

    def __init__(
        self,
        size: int | tuple[int, int],
        m: int,
        *,
        channels: int = 1,
        patterns: Patterns = DEFAULT_PATTERNS,
        seed: int = 0,
        split: bool = False,
    ) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_measurements(m, height * width)
        if patterns not in get_args(Patterns):
            raise ValueError(f"patterns are {', '.join(get_args(Patterns))}, but got {patterns!r}.")
        super().__init__(domain=(channels, height, width), range=(channels, 2 * m if split else m))
        generator = torch.Generator().manual_seed(seed)
        through: Operator
        if patterns == "hadamard":
            blocks = torch.outer(torch.arange(1, height + 1), torch.arange(1, width + 1))
            coarsest = blocks.flatten().argsort(stable=True)[:m]
            through = HadamardPatterns(coarsest, signs=torch.ones(height, width).double(), channels=channels)
        elif patterns == "scrambled":
            some = torch.randperm(height * width, generator=generator)[:m]
            through = HadamardPatterns(some, signs=_signs((height, width), generator), channels=channels)
        else:
            matrix = _signs((m, height * width), generator) / math.sqrt(height * width)
            through = Dense(matrix, size=(height, width), channels=channels)
        self._set(patterns=patterns, split=split, _through=through)

    def _forward(self, x: Tensor) -> Tensor:
        y = self._through(x)
        if not self.split:
            return y
        total = (x * self._amplitude).flatten(2).sum(dim=2, keepdim=True)  # (batch, channels, 1)
        return torch.cat([total + y, total - y], dim=2) / 2

    def _adjoint(self, y: Tensor) -> Tensor:
        if not self.split:
            return self._through.adjoint(y)
        lit, dark = y.chunk(2, dim=2)
        total = (y * self._amplitude).sum(dim=2)[:, :, None, None]
        return (self._through.adjoint(lit - dark) + total) / 2

    def _pinv(self, y: Tensor) -> Tensor:
        return super()._pinv(y) if self.split else self._through.pinv(y)

    def norm(self) -> float:
        return super().norm() if self.split else self._through.norm()

    @property
    def _amplitude(self) -> float:
        """Entry of a pattern for a pixel that it shows, 1 / √n."""
        return 1 / math.sqrt(math.prod(self.domain[1:]))


def _signs(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """+1 or −1 with equal chance, float64."""
    return torch.randint(0, 2, shape, generator=generator).double() * 2 - 1
