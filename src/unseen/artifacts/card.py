"""Card of a bundle: `card.json`, the description of a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unseen.artifacts.research_only import LIMITS
from unseen.artifacts.training_words import training_words

FORMAT = 2
"""The card format that this version writes; it reads this one and every earlier one."""


Kind = Literal["detector", "lungs", "reconstruction", "generator"]
"""Type of a model in a bundle."""


_WITHDRAWN = frozenset({"adjusted"})


class Card(BaseModel):
    """Description of a bundle's weights. `save` in `bundle.py` fills in size, digests and time.

    A new field is also listed in `model_digest.py`: in `COVERED` where it changes scores, else in `OUTSIDE`.

    >>> Card(kind="detector", name="pca").format
    2
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[2] = 2
    kind: Kind
    name: str = Field(min_length=1)
    """The registry's key, such as ``roi-sure`` or ``unrolled``; never a module path."""
    config: dict[str, object] = {}
    """The settings that build the class which these weights fit."""
    view: dict[str, object] | None = None
    """Settings of the view, by which a film becomes network input."""
    finder: dict[str, object] | None = None
    """The settings of the lung finder whose weights are copied in, under ``finder.``; None where the model has none."""
    gate: dict[str, object] | None = None
    """The settings of the input gate whose tensors are copied in, under ``gate.``; None where there is none."""
    process: dict[str, object] | None = None
    """Measurement process that a reconstructor was trained on: operator, link and noise, by registry keys and
    arguments. Tensors are copied in, under ``process.``. None for a detector."""
    recipe_digest: str | None = None
    training_films: list[str] = []
    """``pixel_sha256`` of every film trained on, so that an evaluation can leave those out and say so; of a
    reconstructor, the SHA-256 of every measurement's bytes."""
    training_images: list[str] = []
    """SHA-256 of every image whose measurements a reconstructor was trained on, where images are known: with noise,
    another measurement of an image has other bytes."""
    normal_scores: list[float] = []
    """Scores of the training normals, increasing, each by a detector that did not learn from that film's patient."""
    normal_folds: int = Field(default=0, ge=0)
    """The number of detectors that made `normal_scores`; 0 without these scores."""
    weights_sha256: str = ""
    weights_bytes: int = Field(default=0, ge=0)
    facts: dict[str, float] = {}
    """Values measured by fitting, such as the films' estimated noise; the training's seconds, steps and epochs, and
    whether its loss converged (1 or 0). Cards of earlier versions lack the last three."""
    trained_on: str = ""
    """The device and its threads, such as ``cpu (x86_64), 1 thread(s)``."""
    metrics: dict[str, object] = {}
    adjustment: dict[str, float] | None = None
    """Coefficients of the score on log sharpness and predicted lung area, from out-of-fold training normals."""
    data: str = ""
    """Training films and their origin, in words."""
    licence: str = ""
    limits: str = LIMITS
    version: str = ""
    """The package's version that wrote the bundle."""
    created: str = ""
    """When, UTC, ISO 8601."""
    digests: dict[str, str] = {}
    """SHA-256 of each part of the model; see `model_digest.part_digests`."""
    digest: str = ""
    """SHA-256 of `digests`: the model's digest, to which a policy is bound."""

    @property
    def current_metrics(self) -> dict[str, object]:
        """`metrics` without the measures of earlier cards that are withdrawn, of each evaluation.

        The adjusted AUROC depends on the scale of a score.
        """
        return {
            name: {key: value for key, value in found.items() if key not in _WITHDRAWN}
            if isinstance(found, dict) else found
            for name, found in self.metrics.items()
        }  # fmt: skip

    @property
    def budget(self) -> str:
        """Training of a network in words: steps, epochs, features, convergence; "" for a method without epochs."""
        return training_words(self.config, self.facts, (self.finder or {}) if self.kind == "lungs" else None)

    @field_validator("metrics", mode="before")
    @classmethod
    def _in_plain_numbers(cls, metrics: object) -> object:
        return plain_numbers(metrics)

    @field_validator("limits")
    @classmethod
    def _states_the_limits(cls, limits: str) -> str:
        if LIMITS not in limits:
            raise ValueError(f'must hold the sentence "{LIMITS}"')
        return limits


def plain_numbers(values: object) -> object:
    """Return values with the numbers and arrays of NumPy and torch as numbers and lists of Python, which JSON holds.

    Example:
        >>> import numpy as np
        >>> plain_numbers({"psnr": np.float32(30.5), "each": (np.int64(1), 2)})
        {'psnr': 30.5, 'each': [1, 2]}
    """
    if isinstance(values, Mapping):
        return {name: plain_numbers(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain_numbers(value) for value in values]
    return values.tolist() if hasattr(values, "tolist") else values
