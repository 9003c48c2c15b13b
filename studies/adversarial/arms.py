"""Trainings of all questions but those under noise: the films, the detector and the budget of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from studies.pages.budgets import FEATURES, ORIGINAL, PX, SUITABLE
from unseen.artifacts.recipe import Recipe
from unseen.runs.training import resolve

STUDY = "adversarial"
QUESTIONS = ("norms", "instance-noise", "hyperparameters", "nih")
"""Questions whose arms are tested after each epoch; `noise` has arms of its own, in `studies.adversarial.noise`."""
WIDE_QUESTIONS = ("norms-wide", "instance-noise-wide")
"""Two of them with the thesis's width, pixels and steps, for a machine with a GPU."""
NOISE, NOISE_WIDE = "noise", "noise-wide"
"""Questions of f-AnoGAN under added noise; the second with the width, pixels and steps of the thesis's f-AnoGAN."""
Cohort = Literal["thesis", "fold-0", "nih"]
_DATA = {
    "thesis": 'manifest = "ms_cxr/manifest.csv"\nsplit = "ms_cxr/splits.csv"\ncolumn = "thesis"',
    "fold-0": 'manifest = "ms_cxr/manifest.csv"\nsplit = "ms_cxr/splits.csv"',
    "nih": 'manifest = "nih_cxr8/manifest.csv"',
}
_LUNGS = 'lungs_from = ["montgomery", "phantoms"]'
PLOTTED, WIDE_PLOTTED = f"{STUDY}/norms-mean-squares-0", f"{STUDY}/norms-wide-mean-squares-0"
"""Rows whose ROC curve and losses are drawn, the second where it is there: the thesis's detector, its equation 4.4."""
SIGMAS = (0.0, 0.1, 0.2)
"""Deviations of the noise in training and in tests, network units; each above 0 is trained with and without SURE."""
PLAIN, SURE = "f-anogan", "f-anogan-sure"
"""Arms under noise."""


@dataclass(frozen=True)
class Arm:
    """A training.

    Args:
        question: One of `QUESTIONS` or `WIDE_QUESTIONS`, `NOISE` or `NOISE_WIDE`.
        name: Its name in rows.
        films: What is trained on and tested: the thesis's split, fold 0 of the same set, or NIH's films.
        method: Key of the detector.
        settings: Of the detector.
        budget: Epochs, and films of a batch.
        px: Pixels a side.
        frame: Of the view.
        source: The source's figure; None: there is none.
    """

    question: str
    name: str
    films: Cohort
    method: str
    settings: Mapping[str, object] = field(default_factory=dict)
    budget: tuple[int, int] = SUITABLE
    px: int = 64
    frame: Literal["whole", "lungs"] = "whole"
    source: float | None = None

    @property
    def recipe_name(self) -> str:
        """Name in rows, without the seed."""
        return f"{STUDY}/{self.question}-{self.name}"

    def recipe(self, seed: int) -> Recipe:
        """Return the resolved recipe."""
        told = "\n".join(f"{name} = {_toml(value)}" for name, value in self.settings.items())
        lungs = _LUNGS if self.frame == "lungs" or self.method.startswith("roi") else ""
        epochs, batch = self.budget
        return resolve(
            Recipe.from_toml(f"""
name = "{self.recipe_name}"
seed = {seed}
[data]
{_DATA[self.films]}
{lungs}
[view]
frame = "{self.frame}"
aspect = "stretch"
scale = "{"range" if self.frame == "whole" else "zscore"}"
size = {self.px}
[method]
key = "{self.method}"
{told}
[training]
epochs = {epochs}
batch_size = {batch}
precision = "fp32"
threads = 1
""")
        )


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


_NARROW = {"features": 16, "latent": 100}
_ROI = {**_NARROW, "decoder_slope": 0.2}
_DCGAN = {**_NARROW, "network": "dcgan"}
ARMS = (
    Arm("norms", "mean-squares", "thesis", "roi-sure", {**_ROI, "form": "literal-mse"}, px=32),
    Arm("norms", "norms", "thesis", "roi-sure", {**_ROI, "form": "literal-norm", "distances": "norm"}, px=32),
    Arm("instance-noise", "0", "thesis", "ganomaly", _NARROW, px=32),
    Arm("instance-noise", "0.1", "thesis", "ganomaly", {**_NARROW, "instance_noise": 0.1}, px=32),
    Arm("instance-noise", "0.5", "thesis", "ganomaly", {**_NARROW, "instance_noise": 0.5}, px=32),
    Arm("hyperparameters", "original", "thesis", "ganomaly", _NARROW, ORIGINAL, source=0.7616),
    Arm("hyperparameters", "suitable", "thesis", "ganomaly", _NARROW, source=0.9061),
    Arm("nih", "ganomaly-original", "nih", "ganomaly", _NARROW, ORIGINAL, source=0.6),
    Arm("nih", "ganomaly-suitable", "nih", "ganomaly", _NARROW, source=0.6201),
    Arm("nih", "unet-dcgan", "nih", "resunet-ganomaly", _NARROW, source=0.524),
    Arm("nih", "unet-dcgan-256", "nih", "resunet-ganomaly", _NARROW, px=PX, source=0.567),
    Arm("nih", "f-anogan-dcgan", "nih", "f-anogan", _DCGAN, source=0.4726),
    Arm("nih", "f-anogan", "nih", "f-anogan", {"features": 4}, (20, 32), source=0.4853),
)
"""Source's figures: tables 5.2 and of appendix A."""
_WIDTH = {"features": FEATURES, "latent": 100}
_ROI_WIDTH = {**_WIDTH, "decoder_slope": 0.2}
WIDE_ARMS = (
    Arm("norms-wide", "mean-squares", "thesis", "roi-sure", {**_ROI_WIDTH, "form": "literal-mse"}, px=PX),
    Arm("norms-wide", "norms", "thesis", "roi-sure", {**_ROI_WIDTH, "form": "literal-norm", "distances": "norm"},
        px=PX),
    Arm("instance-noise-wide", "0", "thesis", "ganomaly", _WIDTH, px=PX),
    Arm("instance-noise-wide", "0.1", "thesis", "ganomaly", {**_WIDTH, "instance_noise": 0.1}, px=PX),
    Arm("instance-noise-wide", "0.5", "thesis", "ganomaly", {**_WIDTH, "instance_noise": 0.5}, px=PX),
)  # fmt: skip
"""Arms of `WIDE_QUESTIONS`, each as its narrow arm but for features and pixels."""
REFERENCES = {"norms": "mean-squares", "norms-wide": "mean-squares", "hyperparameters": "original"}
"""Arm of a question that its other arm is compared with, on the same films; it is trained first."""
