"""Magnetic resonance imaging: some frequencies of an image are measured, by one coil or by several."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unseen.physics.argument_checks import check_rtol
from unseen.physics.coil_inverse import inverses_of_rows, solve_normal_equations
from unseen.physics.coils import CoilImages
from unseen.physics.conjugate_gradients import StoppingRule, default_tolerance
from unseen.physics.kspace_order import centre_kspace, uncentre_kspace, warn_of_misplaced_centre
from unseen.physics.linear_function import Map, linear
from unseen.physics.operator import Mask, Operator
from unseen.physics.pseudo_inverse import adjoint_of_least_squares
from unseen.physics.tensor_products import describe

LARGEST_INVERSE = 2**25  # complex entries of all rows' inverses together: 512 MB
BLOCK = 2**17  # complex entries that are transformed at a time on a CPU: what its cache holds


class FourierMask(Operator):
    """y = mask ⊙ F x;  with coils  y_c = mask ⊙ F (s_c ⊙ x).

    F is the unitary two-dimensional Fourier transform, by default in FFT order, as torch has it: the zero frequency is
    at [0, 0] of y and of the mask, and the image's origin is its pixel [0, 0]. With `centred=True`, as in scanners'
    files, the zero frequency is at [height // 2, width // 2] of y and of the mask, and the image's origin is its pixel
    [height // 2, width // 2]. The images are the same in both; `centre_kspace` and `uncentre_kspace` convert y.

    Measurements are complex, (batch, coils, height, width), zero where the mask is. Images are complex,
    (batch, 1, height, width), or real with `real=True`: then a frequency and its mirror image tell the same, and the
    least squares use both: F A*A F* = S = (mask + mirrored mask) / 2 on the spectra of real images.

    The pseudo-inverse without coils is exact and costs one transform. With coils (Pruessmann et al., Magn. Reson. Med.
    46, 2001) it is ill-conditioned, and singular values below rtol · max √(Σ_c |s_c|²) count as zero. Where one mask
    of whole lines and one set of coils serve every image, A*A falls apart into the image's rows: their
    pseudo-inverses are computed at the first call (5 s and 268 MB at 256², 0.5 s and 34 MB at 128²), and every further
    call is exact and costs little more than an adjoint. Other masks, and coils of each image's own, take conjugate
    gradients, two transforms a coil and step, which stop by the same rtol (see `conjugate_gradients`): they fit such
    singular values as little, but do not leave them out to the last digit.

    Args:
        mask: bool, or numbers that are 0 or 1: (height, width) or (1, height, width) for every image, or
            (batch, 1, height, width) with batch > 1: image i has mask i. A NumPy array too, as are the coils.
        coils: sensitivity maps s, complex, (coils, height, width), or (batch, coils, height, width) for maps of each
            image's own; None: one coil that sees all alike.
        real: images are real.
        centred: mask and measurements are in centred order; otherwise in FFT order.
        rtol: of the pseudo-inverse with coils. 1e-2, since at ×4 with smooth coils smaller singular values turn 1 % of
            noise into more than the image; 0 for what is exact but for rounding.

    Raises:
        ValueError: mask or coils have another shape or another number of channels, or values that are no mask, or
            not finite; rtol is no share.

    Warns:
        UserWarning: the mask samples its low frequencies where the other order has them.

    Example:
        >>> import torch
        >>> mask = torch.zeros(4, 4)
        >>> mask[0, 0] = 1
        >>> A = FourierMask(mask, real=True)
        >>> y = A(torch.ones(1, 1, 4, 4))
        >>> y.dtype, y[0, 0, 0, 0].item(), A.pinv(y).sum().item()
        (torch.complex64, (4+0j), 16.0)
    """

    complex_range = True
    _spreads_nan = True  # a transform spreads NaN to every frequency, and 0 · NaN is NaN
    real: bool
    centred: bool
    rtol: float
    _slope: float  # rtol · max √(Σ_c |s_c|²)
    _mask: Tensor  # (1 or batch, 1, height, width), bool, in FFT order, as all that follows
    _sampled: Tensor  # of _mask's shape, or one line of it, float64: mask / √n, for transforms without a scale
    _sampled_inverse: Tensor  # likewise with what a frequency counts in the pseudo-inverse of real images
    _coils: CoilImages | None
    _maps: Tensor  # (1 or batch, coils, height, width), complex
    _along: int | None  # the axis in which lines are counted, where the masks are made of whole lines

    def __init__(
        self,
        mask: Tensor | NDArray[Any],  # Any: numbers of whatever kind, as of the coils
        *,
        coils: Tensor | NDArray[Any] | None = None,
        real: bool = False,
        centred: bool = False,
        rtol: float = 1e-2,
    ) -> None:
        check_rtol(rtol)
        frequencies = Mask(mask)
        if frequencies.domain[0] != 1:
            raise ValueError(
                "A mask of frequencies has one channel, (height, width) or (batch, 1, height, width), but got "
                f"{describe(tuple(mask.shape))}. Every coil measures the same frequencies."
            )
        images = None if coils is None else CoilImages(coils, real=real)
        if images is not None and images.domain != frequencies.domain:
            raise ValueError(
                f"Mask and coils cover one grid, but are {describe(frequencies.domain[1:])} and "
                f"{describe(images.domain[1:])}."
            )
        each = frequencies.batch if images is None else (images.batch or frequencies.batch)
        if frequencies.batch not in (None, each):
            raise ValueError(f"Masks for {frequencies.batch} images do not go with coils for {each}.")
        whole = frequencies.mask
        warn_of_misplaced_centre(whole, centred=centred, stacklevel=3)  # 3: the class is made by a metaclass
        if centred:
            whole = torch.fft.ifftshift(whole, dim=(-2, -1))
        super().__init__(
            domain=frequencies.domain,
            range=(1 if images is None else images.range[0], *frequencies.domain[1:]),
            batch=each,
        )
        scale = 1 / math.sqrt(whole[0].numel())
        along = _axis_of_lines(whole)
        self._set(
            real=real,
            centred=centred,
            rtol=rtol,
            _slope=rtol * _most_sensitive(images),
            complex_domain=not real,
            _mask=whole,
            _sampled=_one_line(whole.double() * scale, along),
            _sampled_inverse=_one_line(torch.where(whole, scale / _heard(whole).clamp(min=0.5), 0), along),
            _coils=images,
            _maps=torch.ones(1, 1, 1, 1, dtype=torch.complex64) if images is None else images.maps,
            _along=along,
        )

    @property
    def mask(self) -> Tensor:
        """A copy of the mask: (1 or batch, 1, height, width), bool, in the operator's order."""
        return torch.fft.fftshift(self._mask, dim=(-2, -1)) if self.centred else self._mask.clone()

    @property
    def coils(self) -> Tensor | None:
        """A copy of the sensitivity maps: (1 or batch, coils, height, width), complex; None: a single coil."""
        return None if self._coils is None else self._coils.maps

    def observed(self) -> Mask:
        return Mask(self.mask, channels=self.range[0])

    def select(self, samples: Tensor) -> FourierMask:
        if self.batch is None:
            return self
        mask = self.mask[samples] if len(self._mask) > 1 else self.mask
        coils = None if self._coils is None else self._coils.select(samples).maps
        return FourierMask(mask, coils=coils, real=self.real, centred=self.centred, rtol=self.rtol)

    def norm(self) -> float:
        if self._coils is not None:
            return super().norm()
        return float((_heard(self._mask) if self.real else self._mask.double()).max().sqrt())

    def _forward(self, x: Tensor) -> Tensor:
        y = self._differentiable(_wide(x, complex_too=not self.real), self._measured, self._back_projected)
        return centre_kspace(y) if self.centred else y

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._differentiable(self._in_fft_order(y), self._back_projected, self._measured)

    def _pinv(self, y: Tensor) -> Tensor:
        y = self._in_fft_order(y)
        if self._coils is not None and self._rows_are_inverted:
            return linear(y, self._solved_by_rows, self._adjoint_of_solved_by_rows)
        if self._coils is not None:
            return linear(
                y,
                self._solved_by_steps,
                self._adjoint_of_solved_by_steps,
                per_sample=self.batch is not None,
            )
        sampled = "_sampled_inverse" if self.real else "_sampled"
        back, forth = partial(self._back_projected, sampled=sampled), partial(self._measured, sampled=sampled)
        return self._differentiable(y, back, forth)

    def _in_fft_order(self, y: Tensor) -> Tensor:
        y = _wide(y, complex_too=True)
        return uncentre_kspace(y) if self.centred else y

    def _differentiable(self, tensor: Tensor, act: Map, adjoint: Map) -> Tensor:
        """act(tensor): a single block is torch's to differentiate, several are not, since they are written in place."""
        if self._in_one_block(tensor):
            return act(tensor)
        return linear(tensor, act, adjoint, per_sample=self.batch is not None)

    def _measured(self, x: Tensor, *, sampled: str = "_sampled") -> Tensor:
        dtype = torch.promote_types(x.dtype, torch.complex64)
        weights = self._on(sampled, x, dtype=dtype)
        if self._in_one_block(x):
            spectra: Tensor = torch.fft.fft2(x if self._coils is None else x * self._on("_maps", x, dtype=dtype))
            return spectra.mul_(weights)
        maps = self._on("_maps", x, dtype=dtype)
        y = torch.empty(len(x), *self.range, dtype=dtype, device=x.device)
        for batch, coils in self._blocks(x):
            coil_images = x[batch] * _of(maps, batch)[:, coils]
            torch.mul(torch.fft.fft2(coil_images), _of(weights, batch), out=y[batch, coils])
        return y

    def _back_projected(self, y: Tensor, *, sampled: str = "_sampled") -> Tensor:
        weights, maps = self._on(sampled, y), self._on("_maps", y)
        if self._in_one_block(y):
            x: Tensor = torch.fft.ifft2(y * weights, norm="forward")
            if self._coils is not None:
                x = (x * maps.conj()).sum(dim=1, keepdim=True)
        else:
            x = torch.zeros(len(y), *self.domain, dtype=y.dtype, device=y.device)
            for batch, coils in self._blocks(y):
                coil_images = torch.fft.ifft2(y[batch, coils] * _of(weights, batch), norm="forward")
                x[batch] += (coil_images * _of(maps, batch)[:, coils].conj()).sum(dim=1, keepdim=True)
        return x.real.contiguous() if self.real else x

    @property
    def _rows_are_inverted(self) -> bool:
        """Return True if A*A splits into rows, the same for every image, whose inverses fit in memory."""
        _, height, width = self.domain
        if self._along is None or len(self._mask) > 1 or len(self._maps) > 1:
            return False
        return height * width * (width if self._along == -1 else height) <= LARGEST_INVERSE

    @property
    def _row_inverses(self) -> Tensor:
        """(rows, n, n), in double precision; `_on` keeps it once it is computed."""
        along = -1 if self._along is None else self._along
        return inverses_of_rows(self._mask, maps=self._maps, along=along, real=self.real, least=self._slope**2)

    def _solved_by_rows(self, y: Tensor) -> Tensor:
        """(A*A)⁺ A* y in double precision, since A*A squares what rounding does."""
        b = torch.cat([self._back_projected(y[i : i + 1].to(torch.complex128)) for i in range(len(y))])
        return self._of_rows(b).to(y.real.dtype if self.real else y.dtype)

    def _adjoint_of_solved_by_rows(self, x: Tensor) -> Tensor:
        solved = self._of_rows(x.to(torch.promote_types(x.dtype, torch.float64)))
        measured = torch.promote_types(x.dtype, torch.complex64)
        return torch.cat([self._measured(solved[i : i + 1]).to(measured) for i in range(len(x))])

    def _of_rows(self, x: Tensor) -> Tensor:
        """(A*A)⁺ x: (batch, 1, height, width)."""
        rows = x[:, 0] if self._along == -1 else x[:, 0].mT  # (batch, rows, n)
        solved = (self._on("_row_inverses", x) @ rows.permute(1, 2, 0)).permute(2, 0, 1)
        return (solved if self._along == -1 else solved.mT)[:, None]

    def _solved_by_steps(self, y: Tensor) -> Tensor:
        frequencies, maps = self._on("_mask", y), self._on("_maps", y)
        stop = StoppingRule(default_tolerance(y.dtype), slope=self._slope)
        at_once = max(1, BLOCK // self._mask[0].numel()) if y.device.type == "cpu" else len(y)
        b, solved = self._back_projected(y), []
        for batch in _slices(len(y), at_once):
            some, some_maps = _of(frequencies, batch), _of(maps, batch)
            energy = torch.view_as_real(y[batch] * some).square().sum(dim=(1, 2, 3, 4))
            solved.append(
                solve_normal_equations(
                    b[batch], energy=energy, frequencies=some, maps=some_maps, along=self._along, stop=stop
                )
            )
        return torch.cat(solved)

    def _adjoint_of_solved_by_steps(self, x: Tensor) -> Tensor:
        return self._in_fft_order(adjoint_of_least_squares(self, x, slope=self._slope))

    def _in_one_block(self, batch: Tensor) -> bool:
        """Without coils always: blocks would save a copy's way to memory and back, and cost one of their own."""
        few = len(batch) * self.range[0] * self._mask[0].numel() <= BLOCK
        return self._coils is None or few or batch.device.type != "cpu"

    def _blocks(self, batch: Tensor) -> Iterator[tuple[slice, slice]]:
        """Yield the images and coils of a batch, block by block, so that a block's transforms stay in the CPU's
        cache.
        """
        coils, at_once = self.range[0], max(1, BLOCK // self._mask[0].numel())
        for images in _slices(len(batch), max(1, at_once // coils)):
            for some_coils in _slices(coils, at_once):
                yield images, some_coils


def _slices(length: int, at_once: int) -> Iterator[slice]:
    for start in range(0, length, at_once):
        yield slice(start, start + at_once)


def _of(constant: Tensor, images: slice) -> Tensor:
    """Return the rows of a constant (1 or batch, ...) that belong to these images."""
    return constant if len(constant) == 1 else constant[images]


def _most_sensitive(images: CoilImages | None) -> float:
    """max √(Σ_c |s_c|²), which ‖A‖ does not exceed."""
    return 1.0 if images is None else float(images.maps.abs().square().sum(dim=1).max().sqrt())


def _heard(mask: Tensor) -> Tensor:
    """S = (mask + mirrored mask) / 2: how much of a real image's frequency the mask sees. float64."""
    mirrored = mask.flip(-2, -1).roll((1, 1), dims=(-2, -1))
    return 0.5 * (mask.double() + mirrored.double())


def _axis_of_lines(mask: Tensor) -> int | None:
    """Return the axis across the lines of the mask: -1 for whole columns, -2 for whole rows; None: neither."""
    if bool((mask == mask[..., :1, :]).all()):
        return -1
    return -2 if bool((mask == mask[..., :1]).all()) else None


def _one_line(weights: Tensor, along: int | None) -> Tensor:
    """Return the weights of one line where all lines have the same: a product with them reads less memory."""
    if along is None:
        return weights
    return (weights[..., :1, :] if along == -1 else weights[..., :1]).clone()


def _wide(tensor: Tensor, *, complex_too: bool) -> Tensor:
    """Return the tensor at least in single precision: there is no shorter Fourier transform."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.complex64 if complex_too else torch.float32))
