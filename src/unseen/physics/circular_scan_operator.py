"""Circular scan: the base of the operators of parallel, fan and cone beam."""

import copy
import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import partial
from numbers import Real
from typing import Self, TypeGuard

import numpy as np
import torch
from torch import Tensor

from unseen.physics.action import largest_singular_value
from unseen.physics.compilation import uncompiled
from unseen.physics.conjugate_gradients import StoppingRule, default_tolerance, warn_if_not_reached
from unseen.physics.dense_pseudo_inverse import DensePseudoInverse
from unseen.physics.filtered_backprojection import FilterPlan, backproject_views, plan_filter, project_views
from unseen.physics.immutability import constants
from unseen.physics.linear_function import linear
from unseen.physics.numpy_arrays import Array, arrays_too, readable
from unseen.physics.operator import Operator
from unseen.physics.pseudo_inverse import adjoint_of_least_squares
from unseen.physics.ramp import DEFAULT_WINDOW, Window, ramp_filter
from unseen.physics.ray_projector import RayProjector, stored_bytes
from unseen.physics.scan_geometry import ScanGeometry
from unseen.physics.tensor_products import Shape
from unseen.physics.view_angles import angular_spans
from unseen.physics.weighted_start import solve_from_weighted_start

MEMORY_LIMIT = 1e9  # bytes
SINGLE_TOLERANCE = 9e-5  # of A⁺ in single precision: ‖A*(y − A x)‖ / ‖A* y‖
DENSE_PIXELS, DENSE_NUMBERS = 1024, 2**22
"""The most pixels of an image, and numbers of a matrix, whose A⁺ in double precision is written out."""


class CircularScan(Operator):
    """Base of the operators that measure line integrals from a circle of views.

    Args:
        domain: shape of an image; its flattened pixels are those of `geometry.shape`, one image after the other.
        range: shape of a measurement, likewise of `geometry.measured`.
        geometry: of the scan.
        memory_limit: bytes that the stored weights of one precision may take.
    """

    pinv_by_steps = True
    memory_limit: float
    _geometry: ScanGeometry
    _spans: Tensor  # (views, 1), float64, radians
    _plans: list[FilterPlan]  # one, when it has been asked for
    _weights: Tensor  # of the plan
    _ray_projectors: dict[tuple[torch.dtype, torch.device], RayProjector]
    _inverses: dict[torch.device, DensePseudoInverse]  # of small scans, in double precision
    _norms: list[float]  # one, when it has been asked for

    def __init__(self, *, domain: Shape, range: Shape, geometry: ScanGeometry, memory_limit: float) -> None:
        if not memory_limit >= 0:
            raise ValueError(f"memory_limit is a number of bytes from 0 up, but got {memory_limit}.")
        super().__init__(domain=domain, range=range)
        period = 180 if geometry.source_distance is None else 360
        self._set(
            memory_limit=float(memory_limit),
            _geometry=geometry,
            _spans=angular_spans(geometry.degrees, period=period)[:, None],
            _ray_projectors={},
            _plans=[],
            _inverses={},
            _norms=[],
        )

    @property
    def angles(self) -> Tensor:
        """A copy of the views' angles: (views,), degrees, float64."""
        return self._geometry.degrees.clone()

    def views(self, indices: Sequence[int] | Tensor | Array) -> Self:
        """Return the scan of some of the views: `A.views(indices)(x)` is `A(x)[:, :, indices]` at its share of cost.

        The new operator has weights of its own. It keeps them if A keeps its weights, or if they take at most the
        views' share of A's `memory_limit`. Of all parts together they take up to four times as much as A's weights,
        which are kept once per symmetry of the scan.

        Args:
            indices: (n,), whole numbers from 0 to views − 1, in any order, at least one.

        Raises:
            ValueError: an index is no whole number or no view, or there is none.

        Example:
            >>> from unseen.physics import Tomography
            >>> A = Tomography(16, angles=12)
            >>> A.views(range(0, 12, 3))
            Tomography((1, 16, 16) -> (1, 4, 23))
            >>> A.views([1, 5]).angles.tolist()
            [15.0, 75.0]
        """
        degrees = self._geometry.degrees
        chosen = torch.as_tensor(readable(indices) if isinstance(indices, Tensor | np.ndarray) else list(indices)).cpu()
        whole = not (chosen.is_floating_point() or chosen.is_complex() or chosen.dtype == torch.bool)
        if (
            chosen.ndim != 1
            or not len(chosen)
            or not whole
            or not bool(((chosen >= 0) & (chosen < len(degrees))).all())
        ):
            raise ValueError(
                f"indices are whole numbers from 0 to {len(degrees) - 1}, at least one, but got {indices}."
            )
        share = len(chosen) / len(degrees)
        return self._with_views(degrees[chosen.long()], memory_limit=share * self._symmetries() * self.memory_limit)

    @abstractmethod
    def _with_views(self, degrees: Tensor, *, memory_limit: float) -> Self:
        """Return the same scan with other views, (views,), in degrees."""

    def _symmetries(self) -> int:
        """Return the number of views that share their weights."""
        return 1

    @arrays_too
    def fbp(self, y: Tensor, *, filter: Window = DEFAULT_WINDOW) -> Tensor:
        """Return the filtered backprojection, which approximates the inverse for many views; few views cause streaks.

        x = Σ_v Δθ_v (the filtered view v at the pixel, interpolated linearly) / pixel_size. Δθ_v is half of the angle
        between the views before and after v (Kak & Slaney, Principles of Computerized Tomographic Imaging, 1988,
        §3.3). A fan beam is weighted by the distance and by Parker's weights where views cover less than the circle
        (§3.4.2); for a cone beam this is Feldkamp's method (FDK), exact in the plane of the source.

        Args:
            y: (batch, *range).
            filter: "ramp", or a smoother one: "shepp-logan", "cosine", "hamming", "hann".

        Returns:
            (batch, *domain).

        Raises:
            ValueError: y has another shape, the filter is unknown, or the views of a fan or a cone cover less than
                180° plus the fan angle.
        """
        self._check(y, self.range, "has a filtered backprojection that takes", complex_too=False)
        filtered_back = partial(self._filtered_back, window=filter)
        return uncompiled(partial(self._computed, filtered_back, shape=self.domain, complex_too=False), y)

    def norm(self) -> float:
        """Return the largest singular value, by Lanczos's method; computed once."""
        if not self._norms:
            # A copy, so that the matrices in double precision are not kept.
            self._norms.append(largest_singular_value(copy.copy(self)))
        return self._norms[0]

    def _forward(self, x: Tensor) -> Tensor:
        return self._line_integrals(x, transposed=False)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._line_integrals(y, transposed=True)

    def _pinv(self, y: Tensor) -> Tensor:
        wide = y.to(torch.promote_types(y.dtype, torch.float32))
        pixels, measured = math.prod(self._geometry.shape), math.prod(self._geometry.measured)
        if wide.dtype == torch.float64 and pixels <= DENSE_PIXELS and pixels * measured <= DENSE_NUMBERS:
            inverse = self._inverse(wide.device)
            return linear(wide, partial(self._by_matrix, inverse), partial(self._by_matrix_adjoint, inverse))
        return linear(wide, self._least_squares, partial(adjoint_of_least_squares, self, slope=0)).to(y.dtype)

    def _by_matrix(self, inverse: DensePseudoInverse, y: Tensor) -> Tensor:
        flat = y.reshape(-1, math.prod(self._geometry.measured))
        x, share = inverse(flat)
        warn_if_not_reached(share, tolerance=default_tolerance(y.dtype), iterations=2, stacklevel=7)
        return x.reshape(-1, *self.domain)

    def _by_matrix_adjoint(self, inverse: DensePseudoInverse, x: Tensor) -> Tensor:
        return inverse.adjoint(x.reshape(-1, math.prod(self._geometry.shape))).reshape(-1, *self.range)

    def _inverse(self, device: torch.device) -> DensePseudoInverse:
        """Return the pseudo-inverse of one image's line integrals in double precision, made at the first use."""
        if device not in self._inverses:
            with constants():
                pixels = math.prod(self._geometry.shape)
                unit = torch.eye(pixels, dtype=torch.float64, device=device)
                channels = math.prod(self.domain) // pixels  # each by itself
                images = unit[:, None].expand(-1, channels, -1).reshape(-1, *self.domain)
                measured = self._forward(images).reshape(pixels, channels, -1)[:, 0]
                self._inverses[device] = DensePseudoInverse(measured.mT.contiguous())
        return self._inverses[device]

    def _least_squares(self, y: Tensor) -> Tensor:
        # Always the plain ramp: A* (ramp A) is nearly a projection, as filtered backprojection shows.
        tolerance = default_tolerance(y.dtype) if y.dtype == torch.float64 else SINGLE_TOLERANCE
        return solve_from_weighted_start(
            self, y, weigh=partial(self._filtered, window="ramp"), stop=StoppingRule(tolerance)
        )

    def _filtered(self, y: Tensor, window: Window) -> Tensor:
        return ramp_filter(y, window=window) * self._on("_spans", y)

    def _filtered_back(self, y: Tensor, *, window: Window) -> Tensor:
        plan = self._plan()
        wide = y.to(torch.promote_types(y.dtype, torch.float32))
        filtered = plan.filtered(wide, self._on("_weights", wide), window=window)
        rays = filtered.reshape(-1, math.prod(plan.geometry.measured))
        image = linear(rays, partial(backproject_views, plan.geometry), partial(project_views, plan.geometry))
        return image.reshape(-1, *self.domain).to(y.dtype)

    def _plan(self) -> FilterPlan:
        """Return the filter of the views, made at the first use, since not every scan can be filtered."""
        if not self._plans:
            with constants():
                self._plans.append(plan_filter(self._geometry))
                self._set(_weights=self._plans[0].weights)
        return self._plans[0]

    def _line_integrals(self, tensor: Tensor, *, transposed: bool) -> Tensor:
        dtype = torch.promote_types(tensor.dtype, torch.float32)
        numbers = math.prod(self._geometry.measured if transposed else self._geometry.shape)
        flat = tensor.to(dtype).reshape(-1, numbers)
        projector = self._ray_projector(flat)
        maps = (projector.project, projector.backproject)
        image = linear(flat, *(reversed(maps) if transposed else maps))
        return image.reshape(-1, *(self.domain if transposed else self.range)).to(tensor.dtype)

    def _ray_projector(self, like: Tensor) -> RayProjector:
        key = (like.dtype, like.device)
        projector = self._ray_projectors.get(key)
        if projector is None:
            stored = stored_bytes(self._geometry, like.dtype) <= self.memory_limit
            with constants():
                projector = RayProjector(self._geometry, dtype=like.dtype, device=like.device, stored=stored)
            self._ray_projectors[key] = projector
        return projector

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_ray_projectors": {}, "_inverses": {}}


def per_axis(values: float | tuple[float, ...], axes: int, *, name: str, positive: bool) -> tuple[float, ...]:
    """Return one number per axis, from one for all or one for each.

    Args:
        values: one number, or one per axis.
        axes: how many.
        name: of the argument, for messages.
        positive: whether each is above 0.

    Raises:
        ValueError: the number of values is neither 1 nor `axes`, or a value is not finite or not above 0.

    Example:
        >>> per_axis(0.5, 2, name="spacing", positive=True)
        (0.5, 0.5)
    """
    each = (values,) * axes if is_number(values) else values
    if (
        not isinstance(each, Iterable)
        or not all(is_number(value) and math.isfinite(value) and (value > 0 or not positive) for value in each)
        or len(tuple(each)) != axes
    ):
        kind = "a finite number above 0" if positive else "a finite number"
        raise ValueError(f"{name} is {kind}{', or one per axis' if axes > 1 else ''}, but got {values}.")
    return tuple(float(value) for value in each)


def is_number(value: object) -> TypeGuard[float]:
    """Return True for a real number of Python, NumPy or torch, an array without axes included."""
    return isinstance(value, Real) or (isinstance(value, np.ndarray | Tensor) and value.ndim == 0)


def check_distances(source_distance: float, detector_distance: float, radius: float) -> None:
    """Raise ValueError unless the source is outside the image and the detector is on the other side of the axis."""
    if not (is_number(source_distance) and math.isfinite(source_distance) and source_distance > radius):
        raise ValueError(
            f"source_distance is the distance from the axis of rotation to the source, beyond the image's corners at "
            f"{radius:.6g}, but got {source_distance}. Give all lengths in the unit of pixel_size."
        )
    if not (is_number(detector_distance) and math.isfinite(detector_distance) and detector_distance >= 0):
        raise ValueError(
            f"detector_distance is the distance from the axis of rotation to the detector, 0 or more, but got "
            f"{detector_distance}."
        )


def check_flat(detector_shape: str) -> None:
    """Raise ValueError unless the detector is flat."""
    if detector_shape != "flat":
        raise ValueError(
            f"Detectors are flat with even spacing, but got detector_shape={detector_shape!r}. Curved detectors are "
            "not supported: interpolate their measurements to a flat detector first."
        )
