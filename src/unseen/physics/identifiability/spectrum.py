"""Eigenvalues of a Gram matrix: all of them for small images; for large ones by Lanczos' method, matrix-free.

From an image x, k steps of Lanczos give nodes θ and weights w such that Σ w f(θ) is the mean of f over the
eigenvalues, each as often as x has a share in its space (Golub & Meurant, Matrices, Moments and Quadrature, 2010; with
random x a mean over all eigenvalues: Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38, 2017). They also give the part
of x that lies in the space of small eigenvalues (Parlett, The Symmetric Eigenvalue Problem, 1998, chapter 13).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.identifiability.linear_map import LinearMap

Gram = Callable[[Tensor], Tensor]

DENSE, WORK = 1024, 8192  # largest number of unknowns of a whole matrix, and of images that are moved for it
AT_ONCE = 256  # columns of the matrix that are computed at a time
TOGETHER = 2  # images that are split at a time; limits the memory of the steps
SETTLED = 0.1  # relative error below which the least eigenvalue is known
NORM_STEPS = 25
NEGLIGIBLE = 1e-9  # weight of a node below which it is from rounding


@dataclass(frozen=True)
class Split:
    """Parts of images in the space of the small eigenvalues of a Gram matrix.

    Args:
        low: (batch, *domain), part of each image in the space of eigenvalues of at most `level`.
        share: (batch,), ‖low‖² / ‖x‖².
        least: least eigenvalue found.
        greatest: greatest eigenvalue found.
    """

    low: Tensor
    share: Tensor
    least: float
    greatest: float


class Spectrum:
    """Spectrum of a symmetric (Hermitian) matrix without negative eigenvalues, given by its product with images.

    Args:
        gram: the product, (batch, *domain) → (batch, *domain).
        like: map whose images have the shape, type and device.
        steps: steps of Lanczos' method, if the images are too large for a whole matrix: the first number, and the
            largest number, if the first does not resolve whether an eigenvalue is below the level.
        looks: number of images that are moved for each product.
    """

    def __init__(self, gram: Gram, like: LinearMap, *, steps: tuple[int, int], looks: int = 1) -> None:
        self.gram, self.steps = gram, steps
        self.values: Tensor | None = None  # all eigenvalues, ascending, where the whole matrix is known
        n = math.prod(like.domain)
        if n <= DENSE and n * looks <= WORK:
            unit = torch.eye(n, dtype=like.dtype, device=like.device)
            matrix = torch.cat(
                [gram(part.reshape(-1, *like.domain)).flatten(1) for part in torch.split(unit, AT_ONCE)]
            ).mT
            self.values, self.vectors = _eigenpairs((matrix + matrix.mH) / 2)

    def greatest(self, start: Tensor) -> float:
        """Return the greatest eigenvalue, by a few steps from `start` unless all are known."""
        if self.values is not None:
            return float(self.values[-1])
        return _lanczos(self.gram, start, (NORM_STEPS, NORM_STEPS), (0.0,))[0].greatest

    def split(self, x: Tensor, level: float) -> Split:
        """Split images x, (batch, *domain), at `level`."""
        return self.splits(x, (level,))[0]

    def splits(self, x: Tensor, levels: Sequence[float]) -> list[Split]:
        """Return the same at several levels, ascending."""
        if self.values is None:
            parts = [_lanczos(self.gram, part, self.steps, levels) for part in torch.split(x, TOGETHER)]
            return [_joined(of_level) for of_level in zip(*parts, strict=True)]
        least, greatest = max(0.0, float(self.values[0])), float(self.values[-1])
        found = []
        for level in levels:
            vectors = self.vectors[:, self.values <= level]
            low = (x.flatten(1) @ vectors.conj() @ vectors.mT).reshape(x.shape)
            found.append(Split(low, energy(low) / energy(x), least, greatest))
        return found


def _eigenpairs(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return ascending eigenvalues and their vectors; a diagonal matrix, as of a mask, is only sorted."""
    diagonal = matrix.diagonal()
    if torch.equal(matrix, torch.diag(diagonal)):
        values, order = diagonal.real.sort(stable=True)
        return values, torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)[:, order]
    values, vectors = torch.linalg.eigh(matrix)
    return values, vectors


def _joined(parts: Sequence[Split]) -> Split:
    return Split(
        torch.cat([part.low for part in parts]),
        torch.cat([part.share for part in parts]),
        min(part.least for part in parts),
        max(part.greatest for part in parts),
    )


def energy(x: Tensor) -> Tensor:
    """Return the sum of squares of each image: (batch,)."""
    return x.abs().square().flatten(1).sum(dim=1)


def _lanczos(gram: Gram, x: Tensor, steps: tuple[int, int], levels: Sequence[float]) -> list[Split]:
    """Run Lanczos' method from each image of a batch.

    It needs no reorthogonalisation here (Musco, Musco & Sidford, Stability of the Lanczos method for matrix function
    approximation, SODA 2018). k steps resolve eigenvalues that differ by about (π / 2k)² of the greatest. After the
    first number of steps it continues until the least node is below the first level, or is known to be above it.
    """
    flat = x.flatten(1)
    length = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
    previous, current = torch.zeros_like(flat), flat / length.clamp(min=torch.finfo(length.dtype).tiny)
    basis: list[Tensor] = []  # of (batch, n)
    diagonal: list[Tensor] = []  # of (batch,)
    beside: list[Tensor] = []
    scale = torch.zeros_like(length[:, 0])
    for step in range(1, steps[1] + 1):
        basis.append(current)
        image = gram(current.reshape(x.shape)).flatten(1)
        diagonal.append((current.conj() * image).sum(dim=1).real)
        image = image - diagonal[-1][:, None] * current - (beside[-1][:, None] * previous if beside else 0)
        rest = torch.linalg.vector_norm(image, dim=1)
        scale = torch.maximum(scale, torch.maximum(diagonal[-1].abs(), rest))
        rest = torch.where(rest > 1e3 * torch.finfo(rest.dtype).eps * scale, rest, 0)  # else the space is exhausted
        if not bool(rest.any()):
            break
        beside.append(rest)
        previous, current = current, torch.where(rest[:, None] > 0, image / rest[:, None], 0)
        if step == steps[1] or (step % steps[0] == 0 and _resolved(*_eigen(diagonal, beside), levels[0])):
            break
    nodes, vectors, _ = _eigen(diagonal, beside)
    met = nodes[vectors[:, 0].square() > NEGLIGIBLE]
    least, greatest = (float(met.min().clamp(min=0)), float(met.max())) if len(met) else (0.0, 0.0)
    splits = []
    for level in levels:
        first = torch.where(nodes <= level, vectors[:, 0], 0)
        coefficients = (length * (vectors @ first[:, :, None])[:, :, 0]).to(flat.dtype)
        low = torch.zeros_like(flat)
        for weight, vector in zip(coefficients.T, basis, strict=True):
            low += weight[:, None] * vector
        splits.append(Split(low.reshape(x.shape), first.square().sum(dim=1), least, greatest))
    return splits


def _eigen(diagonal: list[Tensor], beside: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return nodes (batch, k) and vectors (batch, k, k) of the tridiagonal matrices, and the residual of each node."""
    k = len(diagonal)
    matrix = torch.diag_embed(torch.stack(diagonal, dim=1))
    if k > 1:
        off = torch.stack(beside[: k - 1], dim=1)
        matrix = matrix + torch.diag_embed(off, 1) + torch.diag_embed(off, -1)
    nodes, vectors = torch.linalg.eigh(matrix)
    last = beside[k - 1] if len(beside) == k else torch.zeros_like(diagonal[0])
    return nodes, vectors, last[:, None] * vectors[:, -1].abs()


def _resolved(nodes: Tensor, vectors: Tensor, residuals: Tensor, level: float) -> bool:
    """Return whether, for every image, the least node with a weight is below the level or is known to be above it."""
    counts = vectors[:, 0].square() > NEGLIGIBLE
    at = torch.where(counts, nodes, math.inf).argmin(dim=1, keepdim=True)
    least, residual = nodes.gather(1, at), residuals.gather(1, at)
    return bool(((least <= level) | (residual <= SETTLED * least)).all())
