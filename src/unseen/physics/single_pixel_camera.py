"""The single-pixel camera, and the Walsh–Hadamard transform that gives its patterns."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from unseen.physics.argument_checks import both_sides, check_channels, check_measurements
from unseen.physics.dense import Dense
from unseen.physics.operator import Operator


class HadamardPatterns(Operator):
    """y_i = ⟨p_i, x⟩ / √n, with patterns p_i = signs ⊙ (rows i of the Walsh–Hadamard transform), n = height · width.

    The transform of an image is walsh(height) · x · walsh(width): two small products instead of m · n operations. The
    patterns are orthonormal after division by √n, so the adjoint is the pseudo-inverse.

    Args:
        rows: (m,), int64, of the transform in reading order, none twice.
        signs: (height, width) of ±1, float64, powers of two.
        channels: measured alike, each by itself.

    Raises:
        ValueError: height or width is no power of two.

    Example:
        >>> A = HadamardPatterns(torch.tensor([0]), signs=torch.ones(2, 2).double(), channels=1)
        >>> round(A(torch.ones(1, 1, 2, 2)).item(), 5)
        2.0
    """

    _rows: Tensor
    _down: Tensor
    _right: Tensor
    _signs: Tensor

    def __init__(self, rows: Tensor, *, signs: Tensor, channels: int) -> None:
        height, width = signs.shape
        super().__init__(domain=(channels, height, width), range=(channels, len(rows)))
        self._set(
            _rows=rows,
            _down=walsh_matrix(height) / math.sqrt(height),
            _right=walsh_matrix(width) / math.sqrt(width),
            _signs=signs,
        )

    def _forward(self, x: Tensor) -> Tensor:
        spectrum = self._on("_down", x) @ (x * self._on("_signs", x)) @ self._on("_right", x)
        return spectrum.flatten(2).index_select(2, self._on("_rows", x, dtype=torch.int64))

    def _adjoint(self, y: Tensor) -> Tensor:
        nothing = y.new_zeros(*y.shape[:2], self._signs.numel())
        spectrum = nothing.index_copy(2, self._on("_rows", y, dtype=torch.int64), y).reshape(len(y), *self.domain)
        return self._on("_down", y) @ spectrum @ self._on("_right", y) * self._on("_signs", y)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._adjoint(y)

    def norm(self) -> float:
        return 1.0


def walsh_matrix(n: int) -> Tensor:
    """The Hadamard matrix of order n, rows in Walsh's order: row i changes sign i times.

    Args:
        n: a power of two.

    Returns:
        (n, n) of ±1, float64; symmetric, and √n times orthogonal.

    Raises:
        ValueError: n is no power of two.

    Example:
        >>> walsh_matrix(4).int().tolist()
        [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]]
    """
    if n < 1 or n & (n - 1):
        raise ValueError(f"Hadamard patterns have powers of two as height and width, but got {n}.")
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < n:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    changes = (matrix[:, 1:] != matrix[:, :-1]).sum(dim=1)
    return matrix[changes.argsort()]


Patterns = Literal["hadamard", "scrambled", "bernoulli"]


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

    Raises:
        ValueError: size, m or channels is out of range, or the patterns are none of these.

    Example:
        >>> A = SinglePixelCamera(8, 16)
        >>> A, A(torch.ones(1, 1, 8, 8))[0, 0, :3].round().int().tolist()
        (SinglePixelCamera((1, 8, 8) -> (1, 16)), [8, 0, 0])
    """

    patterns: str
    _through: Operator

    def __init__(
        self,
        size: int | tuple[int, int],
        m: int,
        *,
        channels: int = 1,
        patterns: Patterns = "hadamard",
        seed: int = 0,
    ) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_measurements(m, height * width)
        if patterns not in get_args(Patterns):
            raise ValueError(f"patterns are {', '.join(get_args(Patterns))}, but got {patterns!r}.")
        super().__init__(domain=(channels, height, width), range=(channels, m))
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
        self._set(patterns=patterns, _through=through)

    def _forward(self, x: Tensor) -> Tensor:
        return self._through(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._through.adjoint(y)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._through.pinv(y)

    def norm(self) -> float:
        return self._through.norm()


def _signs(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """+1 or −1 with equal chance, float64."""
    return torch.randint(0, 2, shape, generator=generator).double() * 2 - 1
