"""Circular blur by a short column times a short row: products with two small banded matrices, block by block.

An FFT of an image costs more than this where the kernel is short, and rounds zero to values below it. Here a sum of
non-negative numbers stays non-negative.
"""

import torch
from torch import Tensor

BLOCK = 16  # rows or columns of the result of one product
TAPS = 33  # longest kernel that is faster so than by FFT, on one core
SIDE = 128  # shortest side of an image that is


def suits(kernel: tuple[int, int], image: tuple[int, int]) -> bool:
    """Return True where the products are faster than an FFT on a CPU.

    >>> suits((17, 17), (256, 256)), suits((17, 17), (64, 256)), suits((65, 5), (256, 256))
    (True, False, False)
    """
    return max(kernel) <= TAPS and min(image) >= SIDE


def band(kernel: Tensor) -> Tensor:
    """Return the matrix that convolves a block: (BLOCK, BLOCK + taps − 1), row i holds the flipped kernel from i on.

    Args:
        kernel: (taps,).

    >>> band(torch.tensor([1.0, 2.0]))[0, :3].tolist()
    [2.0, 1.0, 0.0]
    """
    matrix = kernel.new_zeros(BLOCK, BLOCK + len(kernel) - 1)
    for row in range(BLOCK):
        matrix[row, row : row + len(kernel)] = kernel.flip(0)
    return matrix


def filter_circularly(x: Tensor, down: Tensor, right: Tensor, *, before: tuple[int, int], result: Tensor) -> None:
    """Convolve an image circularly along its columns and its rows.

    Args:
        x: (height, width), each at least TAPS + BLOCK.
        down: `band` of the kernel along columns.
        right: `band` of the kernel along rows.
        before: pixels before the first one, above and to the left, that the first window covers.
        result: (height, width), contiguous; it is written into.
    """
    height, width = x.shape
    above, left = before
    blocks = -(-height // BLOCK)
    around = torch.cat([x[height - above :], x, x[: blocks * BLOCK + down.shape[1] - BLOCK - height - above]])
    windows = around.as_strided((blocks, down.shape[1], width), (BLOCK * width, width, 1))
    filtered = torch.matmul(down, windows).view(blocks * BLOCK, width)[:height]
    blocks = -(-width // BLOCK)
    after = blocks * BLOCK + right.shape[1] - BLOCK - width - left
    around = torch.cat([filtered[:, width - left :], filtered, filtered[:, :after]], dim=1)
    windows = around.as_strided((blocks, height, right.shape[1]), (BLOCK, around.shape[1], 1))
    whole = result if width % BLOCK == 0 else x.new_empty(height, blocks * BLOCK)
    torch.matmul(windows, right.T, out=whole.view(height, blocks, BLOCK).movedim(0, 1))
    if whole is not result:
        result.copy_(whole[:, :width])
