"""Warnings of the images that a network begins with: noise hides them, or they are in other units."""

import warnings

import torch
from torch import Tensor

from unseen.losses.backprojection import noise_of_linearised
from unseen.losses.sums import squares
from unseen.physics.dense import Dense
from unseen.physics.measurement import Measurement
from unseen.reconstruction.reconstructor import Reconstructor, Start, starting_image, usual_size

CONDITION = 100.0
"""Condition above which noise of 1 % along a matrix's strongest direction hides an image along its weakest in A⁺y."""
HALF = 0.5
"""Share of noise in the energy of starting images, above which it hides them."""
OTHER_UNITS = 50.0
"""Ratio of the sizes of images, above which their units differ."""
MEASUREMENTS = 4
"""Number of measurements from which that share is estimated."""


def warn_of_scale(f: Reconstructor, y: Tensor, process: Measurement) -> None:
    """Warn if a trained f begins with images of another size than in its training: other units.

    Args:
        f: trained reconstructor.
        y: (batch, *A.range), some measurements.
        process: how they were made, with the operators of these.
    """
    with torch.no_grad():
        first = f.first_image(y, process)
        learnt = f.size_of_images(y, process)
    if not bool(first.any()):
        return
    ratio = usual_size(first) / learnt
    if not 1 / OTHER_UNITS <= ratio <= OTHER_UNITS:
        warnings.warn(
            f"The images that this {f.key} begins with are {ratio:.3g} times as large as those that it was trained on, "
            "in whose units its network works. Give measurements in the units of its training.",
            stacklevel=3,
        )


def warn_of_start(f: Reconstructor, y: Tensor, process: Measurement) -> None:
    """Warn if f begins with a linear inverse of an ill-conditioned A, where noise hides the image.

    Args:
        f: reconstructor before its training.
        y: (batch, *A.range), some measurements.
        process: how they were made, with the operators of these.
    """
    start: Start = getattr(f.config, "start", "adjoint")
    if start == "adjoint" or process.noise is None:
        return
    y, process = y[:MEASUREMENTS], process.select(torch.arange(min(MEASUREMENTS, len(y))))
    reason = ""
    if isinstance(process.A, Dense):
        if (condition := process.A.condition()) > CONDITION:
            reason = (
                f"The condition number of A is {condition:.3g}, above {CONDITION:g}, and the network begins with A⁺y, "
                "in which noise hides the image"
            )
    else:
        noise = noise_of_linearised(process, y, generator=torch.Generator().manual_seed(0))
        linear = Measurement(process.A)

        def share(start: Start) -> float:
            drawn, whole = starting_image(noise, linear, start), starting_image(y, process, start)
            return float(squares(drawn).double().sum() / squares(whole).double().sum().clamp(min=1e-300))

        if (found := share(start)) > HALF and found > 2 * share("adjoint"):
            reason = f"Noise has {100 * min(found, 1):.0f} % of the energy of the images that the network begins with"
    if reason:
        warnings.warn(
            f"{reason}. Begin with the adjoint: network={type(f).__name__}.for_process(process, start='adjoint')",
            stacklevel=3,
        )
