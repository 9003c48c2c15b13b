"""Acquisition of a film: exposure, scatter, detector, noise, and the processing that turns counts into grey.

    counts = PoissonGaussian( BeerLambert(I0)( ∫μ dl ) blurred by the detector + scatter )
    film   = curve( log(I0 / counts), edge-enhanced, its slow part compressed )

Everything that reaches across the film — scatter, window, compression of the slow part — is computed from the *healthy*
anatomy, and is therefore the same number for number in a film and its twin: away from a lesion nothing can tell them
apart.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from unseen.data.phantoms.geometry import Grid, Map, Mask, add_rod

SHORTCUT_BLUR = 0.4
"""Detector blur of the planted shortcut's films, against the others' (1)."""
SHORTCUT_ENHANCEMENT = 2.0
"""Edge enhancement that the planted shortcut adds: the mean |Laplacian| alone then separates the two classes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acquisition:
    """Drawn settings of one exposure; the same for a film and its twin."""

    photons_cm2: float
    """Photons a square centimetre that an unobstructed detector counts."""
    read_noise: float
    """Electronic noise, standard deviation in photons a pixel."""
    blur_cm: float
    """Standard deviation of the detector's point spread."""
    scatter: float
    """Scatter behind the grid, as a share of the local mean primary."""
    compression: float
    """Share of the slow part of the image that is removed, 0 to 1."""
    enhancement: float
    """Gain of the vendor's edge enhancement."""
    air_grey: float
    lung_grey: float
    soft_grey: float
    """Grey values of direct exposure, of the middle of the lungs, and of the dense end of the window."""
    shutter: tuple[float, float, float, float] | None
    """Collimated margins (top, right, bottom, left) as shares of the film; None: the whole field is open."""
    marker: tuple[float, float] | None
    """Position of the lead side marker, as shares of the film (column, row)."""


def draw_acquisition(rng: np.random.Generator) -> Acquisition:
    """Draw one exposure.

    A chest film needs 1–5 µGy at the detector behind the patient (Uffmann and Schaefer-Prokop 2009, Eur J Radiol
    72:202), about 3e4 photons/mm² a µGy at 60 keV (IEC 62220-1), and more than ten times that where nothing is in the
    way, at a detective quantum efficiency of 0.2 (storage phosphor) to 0.6 (caesium iodide). Behind a grid scatter is
    0.3 to 1 times the primary (Niklason et al. 1981, Radiology 141:261: scatter fraction 0.25–0.5 in the lungs).
    """
    shutter = None
    if rng.random() < 0.3:
        top, right, bottom, left = rng.uniform(0.0, 0.055, 4) * (rng.random(4) < 0.6)
        shutter = (float(top), float(right), float(bottom), float(left))
    marker = None
    if rng.random() < 0.75:
        marker = (float(rng.uniform(0.07, 0.16)), float(rng.uniform(0.06, 0.14)))
    return Acquisition(
        photons_cm2=10.0 ** float(rng.uniform(7.1, 8.0)),
        read_noise=float(rng.uniform(2.0, 8.0)),
        blur_cm=float(rng.uniform(0.03, 0.06)),
        scatter=float(rng.uniform(0.35, 0.8)),
        compression=float(rng.uniform(0.15, 0.4)),
        enhancement=float(rng.uniform(0.3, 1.0)),
        air_grey=float(rng.uniform(0.0, 0.08)),
        lung_grey=float(rng.uniform(0.30, 0.58)),
        soft_grey=float(rng.uniform(0.86, 0.96)),
        shutter=shutter,
        marker=marker,
    )


def marker_path(acquisition: Acquisition, grid: Grid) -> Map:
    """Return the path length (cm) through the lead letter R on the patient's right side."""
    out = np.zeros((grid.size, grid.size), np.float32)
    if acquisition.marker is None:
        return out
    across, down = acquisition.marker
    y = float(grid.y[0, 0]) + down * grid.field_cm
    row = int(np.clip(down * grid.size, 0, grid.size - 1))
    x = (across - 0.5) * grid.field_cm - float(grid.midline[row, 0])
    strokes = (
        ((0.0, 0.0), (0.0, 1.5)),
        ((0.0, 0.0), (0.65, 0.05)),
        ((0.65, 0.05), (0.75, 0.55)),
        ((0.75, 0.55), (0.0, 0.75)),
        ((0.2, 0.75), (0.8, 1.5)),
    )
    part = np.zeros_like(out)
    for start, stop in strokes:
        part[:] = 0.0
        add_rod(part, grid, (x + start[0], y + start[1]), (x + stop[0], y + stop[1]), radius=0.11)
        np.maximum(out, part, out=out)
    return out


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Processing:
    """Processing by the reader's workstation: fixed once a patient, from the healthy anatomy."""

    scatter: Map
    """Scattered photons at each pixel, as a share of I0."""
    slow: Map
    """The slow part of the image that is taken out."""
    window: tuple[float, float]
    """∫μ dl shown as the curve's two ends."""
    gamma: float
    """Exponent of the curve that puts the lungs at their grey."""


def prepare(acquisition: Acquisition, attenuation: Map, lungs: Mask) -> Processing:
    """Scatter, window and slow part, all from the healthy `attenuation`."""
    primary = np.exp(-attenuation)
    scatter = np.float32(acquisition.scatter) * slow_part(primary, sigma=0.09)
    seen = -np.log(primary + scatter)
    slow = slow_part(seen, sigma=0.045)
    slow -= slow.mean()
    slow *= np.float32(acquisition.compression)
    few = (slice(None, None, 3), slice(None, None, 3))
    shown = (seen - slow)[few]
    low, high = (float(end) for end in np.percentile(shown, (1.5, 90.0)))
    inside = shown[lungs[few]]
    middle = float(np.median(inside)) if inside.size else 0.5 * (low + high)
    high = max(high, low + 1e-3)
    level = min(max((middle - low) / (high - low), 0.05), 0.9)
    target = (acquisition.lung_grey - acquisition.air_grey) / (acquisition.soft_grey - acquisition.air_grey)
    gamma = min(max(math.log(target) / math.log(level), 0.4), 2.5)
    return Processing(scatter=scatter, slow=slow, window=(low, high), gamma=gamma)


def slow_part(image: Map, *, sigma: float) -> Map:
    """`image` blurred by a Gaussian of `sigma` (a share of its side), worked out on a 64-pixel grid."""
    size = image.shape[0]
    step = max(1, size // 64)
    rows = size // step
    cut = image[: rows * step, : rows * step].reshape(rows, step, rows, step).mean(axis=(1, 3))
    coarse = gaussian_filter(cut, sigma * rows, mode="nearest", truncate=3.0)
    at = np.clip((np.arange(size) + 0.5) / step - 0.5, 0.0, rows - 1.0).astype(np.float32)
    first = np.minimum(at.astype(np.int64), rows - 2)
    part = at - first
    tall = coarse[first] * (1.0 - part)[:, None] + coarse[first + 1] * part[:, None]
    return np.asarray(tall[:, first] * (1.0 - part) + tall[:, first + 1] * part, np.float32)


def expose(
    acquisition: Acquisition,
    processing: Processing,
    grid: Grid,
    attenuation: Map,
    *,
    noise_seed: int | None,
    sharper: bool = False,
) -> Map:
    """Take the film: grey in [0, 1], white = dense, (size, size); without noise when `noise_seed` is None.

    `sharper` plants the shortcut: `SHORTCUT_BLUR` times the blur, `SHORTCUT_ENHANCEMENT` more edge enhancement.
    """
    I0 = acquisition.photons_cm2 * grid.pixel_cm**2
    blur = acquisition.blur_cm * (SHORTCUT_BLUR if sharper else 1.0) / grid.pixel_cm
    gain = acquisition.enhancement + (SHORTCUT_ENHANCEMENT if sharper else 0.0)
    if noise_seed is None:
        share = _soften(np.exp(-attenuation), blur) + processing.scatter
        seen = -np.log(share)
    else:
        seen = _counted(acquisition, processing, attenuation, I0=I0, blur=blur, noise_seed=noise_seed)
    reach = max(0.16 / grid.pixel_cm, 0.8 if sharper else 0.0)  # pixels
    seen = seen + np.float32(gain) * (seen - gaussian_filter(seen, reach, truncate=2.5))
    return _curve(acquisition, processing, seen - processing.slow)


def _counted(
    acquisition: Acquisition, processing: Processing, attenuation: Map, *, I0: float, blur: float, noise_seed: int
) -> Map:
    """log(I0 / counts) with Poisson–Gaussian noise."""
    import torch

    from unseen.physics.measurement import BeerLambert
    from unseen.physics.poisson_noise import PoissonGaussian

    link = BeerLambert(I0)
    mean = _soften(link(torch.from_numpy(attenuation)).numpy(), blur) + np.float32(I0) * processing.scatter
    generator = torch.Generator().manual_seed(noise_seed)
    noise = PoissonGaussian(gain=1.0, sigma=acquisition.read_noise)
    counts = noise.sample(torch.from_numpy(mean), generator=generator)
    return np.asarray(link.inverse(counts).numpy(), np.float32)


def _soften(image: Map, blur: float) -> Map:
    return np.asarray(gaussian_filter(image, blur, truncate=3.0), np.float32) if blur > 0.2 else image


def _curve(acquisition: Acquisition, processing: Processing, seen: Map) -> Map:
    low, high = processing.window
    level = np.clip((seen - np.float32(low)) * np.float32(1.0 / (high - low)), 0.0, 1.3)
    grey = acquisition.air_grey + (acquisition.soft_grey - acquisition.air_grey) * level ** np.float32(processing.gamma)
    # The film's shoulder: the brightest tenth is flattened, not cut.
    over = np.maximum(grey - 0.85, 0.0)
    grey = np.minimum(grey, 0.85) + 0.15 * np.tanh(over / 0.15)
    if acquisition.shutter is not None:
        _close(grey, acquisition.shutter)
    return np.asarray(np.clip(grey, 0.0, 1.0), np.float32)


def _close(grey: NDArray[np.float32], shutter: tuple[float, float, float, float]) -> None:
    size = grey.shape[0]
    top, right, bottom, left = (math.floor(share * size) for share in shutter)
    grey[:top] = 0.0
    grey[size - bottom :] = 0.0
    grey[:, :left] = 0.0
    grey[:, size - right :] = 0.0
