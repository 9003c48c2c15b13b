"""Published PSNRs of the imaging problems: where each is printed, in which metric, and after how much training.

A recipe's `papers` holds the figures as printed; this module converts them into the metric of the page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from studies.imaging.settings import method_of
from unseen.artifacts.recipe import Recipe

NEAR = 1.0  # dB: the most that an untrained A† may differ from the published one without an explanation
_EI = "EI (Chen, Tachella, Davies, ICCV 2021), figure 1"
_REI = "REI (Chen, Tachella, Davies, CVPR 2022)"
_SLICE = "one slice, CT100"


@dataclass(frozen=True)
class Budget:
    """Training of the authors' own networks, from the settings in their code.

    Args:
        steps: Steps of the optimiser: epochs times batches per epoch.
        transforms: Transforms of the group per step.
        features: Channels of the first layer.
    """

    steps: int
    transforms: int
    features: int = 64


EI_INPAINTING = Budget(steps=2000 * 90, transforms=3)
EI_CT = Budget(steps=5000 * 45, transforms=5)
REI_MRI = Budget(steps=500 * 450, transforms=2)
REI_INPAINTING = Budget(steps=500 * 90, transforms=3)
REI_CT = Budget(steps=3000 * 45, transforms=2)


@dataclass(frozen=True)
class Published:
    """Source of one problem's published PSNRs.

    Args:
        where: Paper and figure.
        tested: Images that the figures are of, as the source shows them.
        px: Pixels a side.
        channels: Channels of the images. The authors' `cal_psnr` sums the squared errors over the channels and divides
            by the number of pixels.
        budget: Training of the authors' networks.
        explanation: Reason why our A† differs by more than `NEAR`; empty where it does not.
    """

    where: str
    tested: str
    px: int
    channels: int
    budget: Budget
    explanation: str = ""

    @property
    def offset(self) -> float:
        """Decibels to add to a printed figure to get a PSNR with the mean over pixels and channels."""
        return 10 * math.log10(self.channels)

    @property
    def metric(self) -> str:
        """Short name of the printed figures' metric."""
        return "three-channel sum" if self.channels == 3 else "mean over pixels"

    def cell(self, printed: float) -> str:
        """Return a printed figure for a table: as printed, and in the page's metric where that differs."""
        if self.channels == 1:
            return f"{printed:.2f}"
        return f"{printed:.2f} ({self.metric}); {self.converted(printed):.2f} in this page's metric"

    def converted(self, printed: float) -> float:
        """Return a printed figure in the page's metric with the truth's maximum as the peak, in dB."""
        return printed + self.offset


_LOW_DOSE = (
    "Low-dose CT, FBP: ours has 26.11 dB, the source's 14.12 dB. With the authors' 256 px, pixel size, photons and "
    "noise, our FBP of the same slices has 22.66 dB: resolution accounts for 3.4 dB. 8.5 dB are not explained; they "
    "correspond to noise 2.7 times larger than those settings give. The problem is therefore easier here than in the "
    "source, and its figures are not comparable with ours."
)
_LOW_DOSE_SOURCE = Published(f"{_REI}, low-dose CT figure", _SLICE, 256, 1, REI_CT, _LOW_DOSE)
_MRI_SOURCE = Published(f"{_REI}, MRI figure", "one knee slice, fastMRI", 320, 1, REI_MRI)
PUBLISHED: dict[str, Published] = {
    "ct": Published(f"{_EI}, top", _SLICE, 128, 1, EI_CT),
    "inpainting": Published(f"{_EI}, bottom", "one photograph, Urban100", 256, 3, EI_INPAINTING),
    "low-dose-ct": _LOW_DOSE_SOURCE,
    "low-dose-ct-again": _LOW_DOSE_SOURCE,
    "mri": _MRI_SOURCE,
    "mri-x4-10": _MRI_SOURCE,
    "mri-x4-20": _MRI_SOURCE,
    "poisson-inpainting": Published(f"{_REI}, inpainting figure", "one photograph, Urban100", 256, 3, REI_INPAINTING),
}
"""By the recipe's name without its folder: every recipe that has `papers`."""


def budget_of(recipe: Recipe) -> Budget | None:
    """Return the training of the source's network for a problem of this type; None where no source has one."""
    known, asked = PUBLISHED.get(recipe.short), method_of(recipe)
    if known is not None:
        return known.budget
    return REI_MRI if asked.operator == "fourier-mask" and asked.operators == 1 else None


def share(part: float, whole: float) -> str:
    """Return a percentage with at most two significant digits.

    >>> share(1920, 180_000), share(120, 225_000), share(880, 8800)
    ('1.1 %', '0.053 %', '10 %')
    """
    percent = 100 * part / whole
    digits = max(0, 1 - math.floor(math.log10(percent)))
    return f"{percent:.{digits}f} %"
