"""`Reconstructor`: the base of every architecture; and `starting_image`, the image that a network begins from.

Law: x̂ is of shape (batch, *A.domain), complex where A's domain is; sample i's depends on sample i's measurement (and
operator) alone; and f is differentiable in y.

The starting image x₀ is a linear inverse of the measurement.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.artifacts.constructor import Configurable
from unseen.artifacts.notebook_html import html_card
from unseen.artifacts.number_words import number_of
from unseen.physics.action import refuse_nan
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.operator_checks import check_image_axes
from unseen.physics.tensor_products import describe
from unseen.reconstruction.data_consistency import Consistency, projected
from unseen.reconstruction.image_functions import called_with_images
from unseen.reconstruction.measurements import MeasurementError
from unseen.reconstruction.process_card import NotDescribed, described
from unseen.reconstruction.tensor_digests import measurement_digest

if TYPE_CHECKING:
    from unseen.artifacts.constructor import C, HasConfig, P, T
    from unseen.training.history import History

WEIGHTS = "reconstructor"  # what the names of its tensors begin with
OTHER_NORM = 0.01  # relative difference of ‖A‖², above which an operator is another one than was learnt under
OWN_NETWORK = "network"  # the entry of a card's config that names the class of a network of the caller's own


class ReconstructorSettings(BaseModel):
    """The base of every reconstructor's `Config`: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    channels: int = Field(default=1, ge=1, le=1024, description="channels of an image")
    complex_pictures: bool = Field(
        default=False, description="images are complex; the network sees real and imaginary parts as channels"
    )
    consistency: Consistency = Field(
        default="none",
        description="project: each image is moved to its measurement, x̂ + λ A⁺(y − A x̂), as far as the noise allows",
    )

    @property
    def real_channels(self) -> int:
        """Number of real channels of a network on these images."""
        return self.channels * (2 if self.complex_pictures else 1)


class Reconstructor(Configurable, nn.Module, ABC):
    """Base of every reconstructor; a new one writes `reconstruct` and, where it has units to find, `prepare`.

    `ArtifactRemoval(features=16)`, or `ArtifactRemoval.for_process(process, features=16)`, which knows channels and
    whether images are complex from the operator.

    >>> from unseen.physics import Identity
    >>> from unseen.reconstruction import ArtifactRemoval
    >>> process = Measurement(Identity((3, 16, 16)))
    >>> f = ArtifactRemoval.for_process(process, features=8)
    >>> f.config.channels, f(torch.ones(1, 3, 16, 16), process).shape
    (3, torch.Size([1, 3, 16, 16]))
    """

    Config: type[ReconstructorSettings] = ReconstructorSettings
    config: ReconstructorSettings
    own_network = ""  # "module:Class" of a network of the caller's own, which a card cannot describe

    if TYPE_CHECKING:
        # makes type checkers check the settings of each subclass; see unseen.artifacts.constructor
        def __new__(
            cls: type[HasConfig[P, C, T]], config: C | None = None, *args: P.args, **settings: P.kwargs
        ) -> T: ...

    def set_up(self) -> None:
        self.process: Measurement | None = None  # what it has learnt under, or what the user gave instead
        self.learnt_process: Measurement | None = None  # that of the measurements of `training_digests`
        self.history: History | None = None
        self.trained_on = ""  # the device and its threads; empty: not trained
        self.training_digests: tuple[str, ...] = ()  # of each measurement it has learnt from, SHA-256
        self.learning = False  # in `learn`
        self._other_gain: tuple[Operator | None, float] = (None, 1.0)  # the latest operator besides, and its ‖A‖²
        self.training_images: tuple[str, ...] = ()  # of each image whose measurements these are, where it is known
        self.card: Card | None = None  # set by `reconstruction.load`

    @classmethod
    def for_process(
        cls, process: Measurement | Operator, **settings: Any
    ) -> Self:  # Any: the settings' types are Config's, which pydantic checks
        """Return a reconstructor whose images are the operator's."""
        A = Measurement.of(process).A
        check_image_axes(A.domain, needed_by=f"{cls.key} makes", name=type(A).__name__)
        found = {"channels": A.domain[0], "complex_pictures": A.complex_domain}
        return cls(**(found | settings))

    @abstractmethod
    def reconstruct(self, y: Tensor, process: Measurement) -> Tensor:
        """x̂ of y; a network runs by `on_images(network, x)`."""

    @torch.no_grad()
    def prepare(self, y: Tensor, process: Measurement) -> None:
        """Find units in which a network works well, from measurements; `learn` asks for it once, before training."""

    @torch.no_grad()
    def adjust(self, process: Measurement) -> None:
        """Take ‖A‖² of another operator; `learn` asks a trained reconstructor for it once, before training."""

    @torch.no_grad()
    def gain_of(self, process: Measurement, learnt: Tensor) -> Tensor:
        """Return ‖A‖² of an operator: that of the operator learnt under, unless they differ by more than 1 %.

        Args:
            process: how y was measured. If it or the one learnt under has an operator for each sample, the value learnt
                is taken, so that an image does not depend on the others of its batch.
            learnt: () that of the operator learnt under.
        """
        A, under = process.A, self.learnt_process
        known = under is not None and (A is under.A or under.A.batch is not None)
        if known or self.learning or not self.trained_on or A.batch is not None:
            return learnt
        last, own = self._other_gain
        if A is not last:
            own = A.norm() ** 2 or 1.0
            self._other_gain = A, own
        return learnt if abs(own / float(learnt) - 1) <= OTHER_NORM else torch.full_like(learnt, own)

    def first_image(self, y: Tensor, process: Measurement) -> Tensor:
        """Return the image that the network begins with: (batch, *A.domain)."""
        return starting_image(y, process, "auto")

    @torch.no_grad()
    def size_of_images(self, y: Tensor, process: Measurement) -> float:
        """Return the root mean square of images, as far as measurements show: the unit that losses on images are taken
        in.
        """
        return usual_size(self.first_image(y, process))

    @arrays_too
    def forward(
        self, y: Tensor, process: Measurement | Operator | None = None, *, consistency: Consistency | None = None
    ) -> Tensor:
        """x̂: (batch, *A.domain).

        Args:
            y: (batch, *A.range), what was measured, or one measurement, A.range, for one image, A.domain; a NumPy array
                too, and then an array comes back.
            process: how; its operator may be another of the same domain than was learnt under. An operator alone:
                without noise. None: the process that f has learnt under.
            consistency: "project" moves each image to its measurement (`data_consistency.projected`), "none" leaves it;
                None: as f's settings say.

        Raises:
            ValueError: another consistency; y is not what A measures, or holds NaN or infinity (not looked for in
                training, nor where y requires a gradient); A's images are not those that this network is made for;
                or f knows no process of its own, or one with the noise levels of other measurements.
        """
        if consistency not in (None, *get_args(Consistency)):
            raise ValueError(f"consistency is {' or '.join(get_args(Consistency))}, but got {consistency!r}.")
        if process is not None:
            process = Measurement.of(process)
        elif self.process is None:
            raise ValueError(f"this {self.key} knows no process of its own: give one, f(y, process).")
        else:
            check_levels(self, y)
            process = self.process
        self._check(process)
        if y.is_complex() and not (process.A.complex_range or self.config.complex_pictures):
            raise ValueError(f"y is complex, but the measurements of {process.A} are real. Give its real part, y.real.")
        if not (self.training or y.requires_grad or torch.compiler.is_compiling()):
            refuse_nan(y, f"This {self.key} takes", infinity_too=True)  # a network spreads them over the whole image
        if tuple(y.shape) == process.A.range:
            return self.forward(y[None], process, consistency=consistency)[0]
        x = self.reconstruct(y, process)
        return projected(x, y, process) if (consistency or self.config.consistency) == "project" else x

    def save(
        self,
        folder: Path | str,
        *,
        recipe_digest: str | None = None,
        metrics: dict[str, object] | None = None,
        data: str = "",
        licence: str = "",
    ) -> Card:
        """Write it as a bundle at `folder` (whole or not at all) and return its card.

        Args:
            folder: the bundle's own.
            recipe_digest: of the recipe that it was trained by, if any.
            metrics: what an evaluation found.
            data: which measurements it has learnt from, and where they are from.
            licence: what the weights may be used for.

        Raises:
            ValueError: it has not been trained.
            BundleError: the folder holds something else.

        Warns:
            UserWarning: the process holds an operator, a link or a noise that is not registered; the bundle is written
                without it.
        """
        if not self.trained_on or self.process is None:
            raise ValueError(f"this {self.key} has not been trained: there is nothing to save")
        tensors: dict[str, Tensor] = {f"{WEIGHTS}.{name}": tensor for name, tensor in self.state_dict().items()}
        table: dict[str, object] | None = None
        try:
            table, of_process = described(self.process)
            tensors |= of_process
        except NotDescribed as reason:
            warnings.warn(f"The bundle at {folder} is written without its process: {reason}", stacklevel=2)
        card = Card(
            kind="reconstruction",
            name=self.key,
            config=self.config.model_dump(mode="json") | ({OWN_NETWORK: self.own_network} if self.own_network else {}),
            process=table,
            recipe_digest=recipe_digest,
            training_films=list(self.training_digests),
            training_images=list(self.training_images),
            facts={} if self.history is None else self.history.card_facts(part="loss"),
            trained_on=self.trained_on,
            metrics=metrics or {},
            data=data,
            licence=licence,
            version=__version__,
        )
        self.card = bundle.save(folder, tensors, card)
        return self.card

    def _check(self, process: Measurement) -> None:
        A, config = process.A, self.config
        check_image_axes(A.domain, needed_by=f"{self.key} makes", name=type(A).__name__)
        if A.domain[0] != config.channels or A.complex_domain != config.complex_pictures:
            kind, made = (("complex" if c else "real") for c in (A.complex_domain, config.complex_pictures))
            raise ValueError(
                f"{A} has {kind} images of {A.domain[0]} channel(s), but this {self.key} is made for {made} ones of "
                f"{config.channels} channel(s). Make it by {type(self).__name__}.for_process(process)."
            )

    def __repr__(self) -> str:
        learnt = (
            f"learnt from {number_of(len(self.training_digests), 'measurement')}" if self.trained_on else "not trained"
        )
        return f"<{self.key}, {sum(w.numel() for w in self.parameters()):,} weights, {learnt}>"

    def _repr_html_(self) -> str:
        """Return the reconstructor as a notebook shows it: what it was trained on, and its process."""
        process = self.process
        facts = {
            "operator": None if process is None else process.A,
            "noise": None if process is None else process.noise,
            "training seconds": None if self.history is None else f"{self.history.seconds:.1f}",
            "trained with": self.trained_on or None,
        }
        return html_card(repr(self), facts)


def check_levels(f: Reconstructor, y: Tensor) -> None:
    """Raise MeasurementError if the noise levels of f's process are not those of y.

    Levels that f has learnt under are those of its training measurements; others were given for y, one for each.

    Args:
        f: with its process.
        y: (n, *A.range), or one, A.range.
    """
    process = f.process
    if process is None or process.A.batch is not None or process.batch is None:
        return
    alone = y[None] if tuple(y.shape) == process.A.range else y
    learnt = process is f.learnt_process
    if len(alone) != process.batch or (learnt and not _are_latest(f, alone)):
        which = (
            "training measurement, in order, and these measurements are others"
            if learnt
            else f"measurement, but got {number_of(len(alone), 'measurement')}"
        )
        raise MeasurementError(
            f"The process of this {f.key} has {process.batch} noise levels, one for each {which}. Give their noise: "
            "f(y, process), with one level for all or one for each; on the command line, --operator scan.toml."
        )


def _are_latest(f: Reconstructor, y: Tensor) -> bool:
    """Return False if y are not the measurements that f has learnt from last; values that cannot be read may be."""
    if torch.compiler.is_compiling():
        return True
    try:
        return tuple(map(measurement_digest, y)) == f.training_digests[-len(y) :]
    except RuntimeError:  # of meta tensors, and those of torch.func
        return True


def on_images(network: nn.Module, x: Tensor) -> Tensor:
    """Return a network on images, complex ones as real pairs, in the precision of its weights; back in x's dtype."""
    pairs = as_pairs(x)
    weights = next((weight.dtype for weight in network.parameters()), pairs.dtype)
    changed = called_with_images(network, pairs.to(weights))
    if changed.shape != pairs.shape:
        parts = ", two real channels for each complex one" if x.is_complex() else ""
        raise ValueError(
            f"A network gives images of the shape that it takes{parts}, but {type(network).__name__} gave "
            f"{describe(tuple(changed.shape))} of {describe(tuple(pairs.shape))}."
        )
    changed = changed.to(pairs.dtype)
    return as_complex(changed) if x.is_complex() else changed


def as_pairs(x: Tensor) -> Tensor:
    """Return a complex image's real and imaginary parts as channels: (batch, C, H, W) → (batch, 2 C, H, W).

    Real ones stay as they are.

    >>> as_pairs(torch.tensor([[[[1 + 2j]]]])).flatten().tolist()
    [1.0, 2.0]
    """
    return torch.cat([x.real, x.imag], dim=1) if x.is_complex() else x


def as_complex(pairs: Tensor) -> Tensor:
    """Undo `as_pairs`: (batch, 2 C, H, W) → complex (batch, C, H, W)."""
    real, imaginary = pairs.chunk(2, dim=1)
    return torch.complex(real, imaginary)


def usual_size(x: Tensor) -> float:
    """Return the root mean square of images, or 1 where they are all zero."""
    return float(x.detach().abs().double().square().mean().sqrt()) or 1.0


Start = Literal["auto", "pinv", "fbp", "adjoint"]


def starting_image(y: Tensor, process: Measurement, start: Start) -> Tensor:
    """A⁺p, FBP(p) or A*p, with p = link⁻¹(y): (batch, *A.domain).

    Args:
        y: (batch, *A.range).
        process: how it was measured.
        start: "auto" takes FBP where the operator has one, and A⁺ elsewhere.

    Raises:
        ValueError: y has another shape, or "fbp" was asked of an operator that has none.
    """
    A, p = process.A, process.linearise(y)
    fbp = getattr(A, "fbp", None)
    if start == "adjoint":
        return A.adjoint(p)
    if start == "fbp" and fbp is None:
        raise ValueError(
            f"filtered backprojection is for tomography, and {A} has none. Take the pseudo-inverse (start='pinv')."
        )
    if fbp is not None and start in ("auto", "fbp"):
        image: Tensor = fbp(p)
        return image
    return A.pinv(p)
