"""Evaluation of a reconstructor on images whose truth is known, next to A† and total variation.

Each image is measured by the reconstructor's own process (or its measurement is given), and reconstructed by three
methods: the network, the pseudo-inverse A† (filtered backprojection if the operator has one), and isotropic total
variation: the image of least variation whose misfit equals the noise level (`TV.within_noise`). It has no setting, so
nothing is chosen on the images.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from unseen.artifacts.files import write_text
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.intervals import Figure, Interval, Json
from unseen.evaluation.psnr_ssim import psnr, ssim
from unseen.losses.loss import noise_energy, observed, observed_count
from unseen.losses.structural_similarity import RADIUS
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.tensor_products import describe
from unseen.priors.tv import TV
from unseen.reconstruction.measurements import Array, check_images, check_measurements, tensor_of, warn_of_truth
from unseen.reconstruction.reconstructor import Reconstructor, starting_image
from unseen.reconstruction.side_by_side import write_side_by_side
from unseen.reconstruction.tensor_digests import measurement_digest

Metric = Literal["psnr", "ssim", "psnr-ei"]
"""Metrics of a reconstruction: `psnr` (peak 1), `ssim`, `psnr-ei` (as the papers on equivariant imaging print it)."""
OwnMetric = Callable[[Tensor, Tensor], Tensor]
"""A metric of the caller's own: (found, truth), each (n, channels, height, width), to one value for each image."""
NETWORK = "network"
"""Name of the reconstructor among the methods."""
LOW, HIGH = 0.1, 2.0
"""Largest values that images from 0 to 1 have, or nearly so."""
_BATCH = 8  # images reconstructed at a time
_COMPARED = 64  # images compared with their measurements
_SHOWN = 3  # images in the figure
_UNITS: dict[str, str] = {"psnr": "dB", "ssim": "", "psnr-ei": "dB"}


@dataclass(frozen=True)
class ReconstructionQuality:
    """Figures of a reconstructor and of the methods without training, on the same images.

    Example:
        >>> ReconstructionQuality(values={"network": {"psnr": [30.0, 32.0]}, "A†": {"psnr": [10.0, 11.0]}}).images
        2
    """

    values: Mapping[str, Mapping[str, list[float]]]
    """Values by method and metric, one for each image."""
    left_out: int = 0
    """Number of images left out because the reconstructor was trained on measurements of them."""
    converged: bool = True
    """True if total variation converged on all images."""
    shown: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    """First images by method, and of the `truth`: (n, channels, height, width)."""

    @property
    def images(self) -> int:
        """Number of images."""
        return len(next(iter(self.values[NETWORK].values())))

    def mean(self, method: str, metric: str) -> Figure:
        """Return the mean over images with its 95 % bootstrap interval.

        Args:
            method: `network`, `A†` or `TV`.
            metric: one of `Metric`.
        """
        return mean_of(self.values[method][metric], list(range(self.images)))

    def gain(self, method: str, metric: str) -> Figure:
        """Return the mean over images of network minus method, paired, with its 95 % bootstrap interval.

        Args:
            method: `A†` or `TV`.
            metric: one of `Metric`.
        """
        pairs = zip(self.values[NETWORK][metric], self.values[method][metric], strict=True)
        return mean_of([ours - theirs for ours, theirs in pairs], list(range(self.images)))

    @property
    def lines(self) -> list[str]:
        """Lines for each metric and method: the mean, its interval, and the network's gain over the method."""
        found = []
        for metric in self.values[NETWORK]:
            for method in self.values:
                text = f"{method}: {metric} {self._text(self.mean(method, metric))} {_UNITS.get(metric, '')}".rstrip()
                if method != NETWORK:
                    text += f"; {NETWORK} minus {method}: {self._text(self.gain(method, metric))}"
                found.append(text)
        return found

    def _text(self, figure: Figure) -> str:
        """Return the figure; of one image alone its value, since no interval follows from one image."""
        return f"{figure.value:.2f}" if self.images == 1 and isinstance(figure, Interval) else str(figure)

    def _json(self, figure: Figure) -> dict[str, Json]:
        of_one: dict[str, Json] = {"low": None, "high": None, "reason": "one image"} if self.images == 1 else {}
        return figure.to_json() | of_one

    def to_json(self) -> dict[str, object]:
        """Return all figures as a JSON object."""
        metrics = list(self.values[NETWORK])
        return {
            "images": self.images,
            "left_out": self.left_out,
            "tv_converged": self.converged,
            "methods": {
                method: {metric: self._json(self.mean(method, metric)) for metric in metrics} for method in self.values
            },
            "gain": {
                method: {metric: self._json(self.gain(method, metric)) for metric in metrics}
                for method in self.values
                if method != NETWORK
            },
            "values": {method: dict(values) for method, values in self.values.items()},
        }

    def write(self, folder: Path) -> None:
        """Write `metrics.json` and `side-by-side.png` (columns: truth and the methods in order) into a folder.

        Args:
            folder: it is made if it does not exist.
        """
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        write_text(folder / "metrics.json", text + "\n")
        write_side_by_side(folder / "side-by-side.png", self.shown, pictures=len(self.shown["truth"]))


def evaluate_reconstructor(
    f: Reconstructor,
    truth: Tensor | Array,
    *,
    measurements: Tensor | Array | None = None,
    metrics: Metric | OwnMetric | Sequence[Metric | OwnMetric] = ("psnr", "ssim"),
    seed: int = 0,
) -> ReconstructionQuality:
    """Evaluate a reconstructor on images, next to A† and total variation.

    Args:
        f: trained reconstructor with its process; it is evaluated in eval mode.
        truth: (n, *A.domain), images in [0, 1]; here and below, an array becomes a tensor in single precision.
        measurements: (n, *A.range), of these images; if the process has several operators or noise levels, there are n,
            one for each. None: the process measures them, with noise of `seed`.
        metrics: names of `Metric`; `ssim` is left out for images of fewer than 11 pixels a side. Or functions of your
            own of (found, truth), both (n, *A.domain), that give one value for each image: (n,). Their names are those
            of the functions. One name or function may be given alone.
        seed: seed of the noise.

    Warns:
        UserWarning: the largest value of the images is far from 1, which PSNR and SSIM take as their range; or
            measurements are not those of the images.

    Raises:
        TypeError: f is no reconstructor.
        ValueError: f has no process, images or measurements do not fit the process, no image is left, an image is 0
            everywhere with psnr-ei, a metric is unknown, two have one name, or one of your own gives other than one
            finite value for each image.

    Example:
        >>> import unseen as un
        >>> f = un.reconstruction.load("models/phantom-inpainting")
        >>> films = un.data.phantoms.normals(2, seed=3, size=64)
        >>> truth = torch.stack([torch.from_numpy(film.pixels)[None] for film in films])
        >>> def error(found, truth):
        ...     return (found - truth).abs().mean(dim=(1, 2, 3))
        >>> found = evaluate_reconstructor(f, truth, metrics=["psnr", error])
        >>> found.gain("A†", "psnr").value > 10
        True
        >>> found.mean("network", "error").value < 0.02
        True
    """
    given: object = f
    if not isinstance(given, Reconstructor):
        raise TypeError(f"f is a reconstructor, such as learn and load return, but got a {type(given).__name__}.")
    process = f.process
    if process is None:
        raise ValueError(f"this {f.key} was saved without its process: give one, load(folder, process=…)")
    asked = _metrics_of(metrics)
    measured = _measured(process, truth, measurements, seed=seed)
    if measurements is not None:
        some = slice(_COMPARED)
        warn_of_truth(measured.x[some], measured.y[some], measured.process_of(some))
    kept = measured.without({*f.training_digests, *f.training_images})
    _check_range(kept.x, asked)
    size = min(kept.x.shape[2:])
    asked = [metric for metric in asked if metric != "ssim" or size >= 2 * RADIUS + 1]
    images, converged = _reconstructed(f, kept, seed=seed)
    values: dict[str, dict[str, list[float]]] = {
        method: {_name(metric): _values(metric, image, kept.x) for metric in asked} for method, image in images.items()
    }
    shown = {"truth": kept.x[:_SHOWN]} | {method: image[:_SHOWN] for method, image in images.items()}
    return ReconstructionQuality(values, len(measured.x) - len(kept.x), converged, shown)


def _metrics_of(metrics: Metric | OwnMetric | Sequence[Metric | OwnMetric]) -> Sequence[Metric | OwnMetric]:
    """Return the metrics as a sequence; raise ValueError for none, an unknown one, or two of one name."""
    asked = (metrics,) if isinstance(metrics, str) or callable(metrics) else metrics
    if not asked:
        raise ValueError(f"metrics are {', '.join(get_args(Metric))}, or functions, but got none")
    if unknown := [metric for metric in asked if not callable(metric) and metric not in get_args(Metric)]:
        raise ValueError(f"metrics are {', '.join(get_args(Metric))}, or functions, but got {unknown[0]!r}")
    names = [_name(metric) for metric in asked]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{names.count(twice[0])} metrics have the name {twice[0]}. Give each function another name")
    return asked


@dataclass(frozen=True)
class _MeasuredImages:
    """Images, (n, *domain), with their measurements, (n, *range), and the operator of each, (n)."""

    x: Tensor
    y: Tensor
    operators: Tensor
    process: Measurement

    def process_of(self, part: slice) -> Measurement:
        """Return the process with the operators of these images."""
        return self.process.select(self.operators[part])

    def without(self, known: AbstractSet[str]) -> _MeasuredImages:
        """Leave out images known by the digest of the image or of its measurement; raise ValueError if none is left."""
        pairs = zip(self.x, self.y, strict=True)
        kept = torch.tensor([known.isdisjoint(map(measurement_digest, pair)) for pair in pairs])
        if not bool(kept.any()):
            raise ValueError(f"the model was trained on measurements of all {len(kept)} images. Give other images")
        return replace(self, x=self.x[kept], y=self.y[kept], operators=self.operators[kept])


def _measured(
    process: Measurement, truth: Tensor | Array, measurements: Tensor | Array | None, *, seed: int
) -> _MeasuredImages:
    """Measure the images, or check the measurements that are given for them; raise ValueError if they do not fit."""
    truth = tensor_of(truth)
    y = None if measurements is None else tensor_of(measurements)
    x = truth.to(torch.complex64) if process.A.complex_domain else truth
    check_images(x, process)
    count = process.batch
    operators = torch.zeros(len(x), dtype=torch.int64) if count is None else torch.arange(len(x)) % count
    if y is None:
        y = process.select(operators)(x, generator=torch.Generator().manual_seed(seed))
    check_measurements(y, process)
    if len(y) != len(x):
        raise ValueError(f"there are {len(y)} measurements and {len(x)} images: give one for each image")
    if measurements is not None and count not in (None, len(x)):
        raise ValueError(
            f"the process has {count} operators or noise levels, but there are {len(x)} measurements: which was used "
            "for each is not known. Give f.process those of these measurements: f.process = f.process.select(index)"
        )
    return _MeasuredImages(x, y, operators, process)


def _check_range(x: Tensor, metrics: Sequence[Metric | OwnMetric]) -> None:
    """Warn of images whose largest value is far from 1, the range of PSNR and SSIM.

    Raise ValueError for an image that is 0 everywhere with psnr-ei.
    """
    if "psnr-ei" in metrics and (blank := int((x.flatten(1).abs().amax(dim=1) == 0).sum())):
        raise ValueError(
            f"{blank} of {len(x)} images are 0 everywhere, and psnr-ei has the largest value of each image as its "
            "range. Leave them out"
        )
    peak = float(x.abs().max())
    if not LOW <= peak <= HIGH and not all(callable(metric) or metric == "psnr-ei" for metric in metrics):
        warnings.warn(
            f"PSNR and SSIM take 1 as the range of values, but the largest of the truth is {peak:.3g}: their figures "
            "do not compare with others. Train and evaluate on images from 0 to 1, or take the metric psnr-ei, whose "
            "range is the largest value of each image.",
            stacklevel=3,
        )


def _reconstructed(f: Reconstructor, measured: _MeasuredImages, *, seed: int) -> tuple[dict[str, Tensor], bool]:
    """Return the reconstructions of each method, and whether total variation converged on all images."""
    found: dict[str, list[Tensor]] = {NETWORK: [], "A†": [], "TV": []}
    converged = True
    device = next((weight.device for weight in f.parameters()), measured.y.device)
    with torch.no_grad(), _evaluation_mode(f):
        for first in range(0, len(measured.x), _BATCH):
            part = slice(first, first + _BATCH)
            y, process = measured.y[part], measured.process_of(part)
            found[NETWORK].append(f(y.to(device), process).cpu())
            found["A†"].append(starting_image(y, process, "auto"))
            smooth, done = _total_variation(y, process, seed=seed)
            found["TV"].append(smooth)
            converged = converged and done
    return {method: torch.cat(parts) for method, parts in found.items()}, converged


@contextmanager
def _evaluation_mode(f: Reconstructor) -> Iterator[None]:
    """Put f and its modules into eval mode, and back into their modes afterwards."""
    modes = {module: module.training for module in f.modules()}
    f.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _name(metric: Metric | OwnMetric) -> str:
    return metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)


def _values(metric: Metric | OwnMetric, found: Tensor, truth: Tensor) -> list[float]:
    """Return one value for each image, finite: an image without error counts as 200 dB."""
    if callable(metric):
        own = torch.as_tensor(metric(found, truth))
        if own.shape != (len(truth),) or not bool(own.isfinite().all()):
            raise ValueError(
                f"the metric {_name(metric)} gives a finite value for each image, ({len(truth)}), but gave "
                f"{describe(tuple(own.shape))}, finite: {bool(own.isfinite().all())}"
            )
        return [float(value) for value in own]
    if metric == "ssim":
        return [float(value) for value in ssim(found, truth)]
    if metric == "psnr-ei":
        decibels = psnr(found, truth, peak=None) - 10 * math.log10(truth.shape[1])
    else:
        decibels = psnr(found, truth)
    return [float(value) for value in decibels.clamp(max=200)]


def _total_variation(y: Tensor, process: Measurement, *, seed: int) -> tuple[Tensor, bool]:
    """Return the images of least variation within the noise, and whether the solver converged.

    The noise level of linearised measurements is estimated from a second draw of noise on y, averaged over all entries
    where one Gaussian level is that of all images, else over those of each image; of several levels, and of counts
    without a link, it is that of the noise.
    """
    p = observed(process, process.linearise(y))
    solution = TV.within_noise(p, process.A, sigma=_level(y, process, seed=seed))
    return solution.x, bool(solution.converged.all())


def _level(y: Tensor, process: Measurement, *, seed: int) -> float | Tensor:
    """Return the standard deviation of linearised measurements, for all or (batch,)."""
    noise = process.noise
    if noise is None:
        return 0.0
    mean = y if isinstance(noise, Gaussian) else y.clamp(min=0)
    count = observed_count(process, y).clamp(min=1)  # (1,) or (batch,)
    alike = isinstance(noise, Gaussian) and noise.batch is None and process.link is None
    if process.link is None and not alike:
        return (noise_energy(noise, process, mean).double() / count).expand(len(y)).sqrt()
    again = process.linearise(noise.sample(mean, generator=torch.Generator().manual_seed(seed + 1)))
    change = observed(process, again - process.linearise(mean)).abs().double()
    variance = change.square().flatten(1).sum(dim=1) / count
    return float(variance.mean().sqrt()) if alike else variance.sqrt()
