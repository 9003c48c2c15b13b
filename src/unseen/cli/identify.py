"""`unseen identify`: can images be learnt from such measurements alone?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.cli import console
from unseen.cli.console import UsageError

if TYPE_CHECKING:
    from torch import Generator

    from unseen.physics.group import Group
    from unseen.physics.operator import Operator

OPERATORS = {  # and the option that is its own
    "tomography": "angles",
    "mri": "acceleration",
    "inpainting": "dropped",
    "blur": "sigma",
    "downsampling": "factor",
    "single-pixel-camera": "measured",
    "compressed-sensing": "measured",
}


GROUPS = ("rotations", "quarter-turns", "flips", "horizontal-flips", "shifts", "scalings", "permutations", "none")


def identify(
    operator: Annotated[
        str,
        typer.Argument(
            help=f"what measures: {', '.join(OPERATORS)}; or a .toml, as `unseen reconstruct --operator` takes it"
        ),
    ],
    group: Annotated[
        str, typer.Option(help=f"what images may undergo and still be images: {', '.join(GROUPS)}")
    ] = "rotations",
    size: Annotated[int | None, typer.Option(help="of the images, in pixels a side; default: 128")] = None,
    angles: Annotated[
        int | None, typer.Option(help="of tomography: how many, evenly over 180 degrees; default: 50")
    ] = None,
    acceleration: Annotated[
        float | None, typer.Option(help="of mri: one line in so many is measured; default: 4")
    ] = None,
    dropped: Annotated[
        float | None, typer.Option(help="of inpainting: the share of pixels not measured; default: 0.3")
    ] = None,
    sigma: Annotated[float | None, typer.Option(help="of a Gaussian blur, in pixels; default: 2")] = None,
    factor: Annotated[int | None, typer.Option(help="of downsampling: so many times smaller; default: 2")] = None,
    measured: Annotated[
        int | None,
        typer.Option(
            help="of single-pixel-camera and compressed-sensing: how many numbers; default: a quarter of the pixels"
        ),
    ] = None,
    real: Annotated[bool, typer.Option("--real", help="of mri: images are real, not complex")] = False,
    dimension: Annotated[
        int | None, typer.Option(help="of the set of images, if known, to compare with the theorems' bound")
    ] = None,
    seed: Annotated[int, typer.Option(help="of masks, patterns and probes")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Compute, before any training, whether measurements alone are enough to learn images, and if not, why.

    The verdict is "no", "can" (nothing that is known to be necessary fails: no promise), "through interpolation only",
    or "not decided" on an image that is too small. A line explains what it means for a training. For your own operator:
    unseen.physics.identify(A, group) in Python, with any linear function A.

    Examples:

      unseen identify tomography --angles 50 --group rotations --size 128

      unseen identify mri --acceleration 4 --group shifts

      unseen identify scan.toml --group shifts
    """
    import torch

    from unseen.data.operator_files import read_operator
    from unseen.physics.identifiability.verdict import identify as can_learn

    described = operator.endswith(".toml")
    if not described and operator not in OPERATORS:
        raise UsageError(f"operator {operator!r} is not known. Take one of {', '.join(OPERATORS)}, or a .toml")
    if group not in GROUPS:
        raise UsageError(f"--group {group!r} is not known. Take one of {', '.join(GROUPS)}")
    own = {
        "size": size,
        "angles": angles,
        "acceleration": acceleration,
        "dropped": dropped,
        "sigma": sigma,
        "factor": factor,
        "measured": measured,
        "real": True if real else None,
    }
    given = {option: value for option, value in own.items() if value is not None}
    known = () if described else ("size", OPERATORS[operator], "real" if operator == "mri" else "")
    for option in given:
        if option not in known:
            raise UsageError(f"--{option} does not belong to {operator}")
    try:
        generator = torch.Generator().manual_seed(seed)
        A = read_operator(operator) if described else _operator(operator, int(given.pop("size", 128)), given, generator)
        found = can_learn(A, _group(group), dimension=dimension, device=device, generator=generator)
    except ValueError as error:
        raise UsageError(str(error)) from error
    console.result(f"{operator}, {A.domain[-2]} × {A.domain[-1]}, {group}", operator=operator, group=group)
    console.result(str(found), verdict=found.verdict, reason=found.reason, meaning=found.meaning)


def _operator(name: str, size: int, own: dict[str, float], generator: Generator) -> Operator:
    from unseen import physics

    if size < 2:
        raise ValueError(f"Images have 2 pixels a side or more, but size is {size}.")
    m = int(own.get("measured", max(1, size * size // 4)))
    makers: dict[str, Callable[[], Operator]] = {
        "tomography": lambda: physics.Tomography(size, int(own.get("angles", 50))),
        "mri": lambda: physics.FourierMask(
            physics.cartesian_sampling(size, own.get("acceleration", 4.0), generator=generator),
            real=bool(own.get("real", False)),
        ),
        "inpainting": lambda: _inpainting(size, own.get("dropped", 0.3), generator),
        "blur": lambda: physics.Blur(size, physics.gaussian_kernel(own.get("sigma", 2.0))),
        "downsampling": lambda: physics.Downsampling(size, int(own.get("factor", 2))),
        "single-pixel-camera": lambda: physics.SinglePixelCamera(size, m),
        "compressed-sensing": lambda: physics.CompressedSensing(size, m),
    }
    return makers[name]()


def _inpainting(size: int, dropped: float, generator: Generator) -> Operator:
    import torch

    from unseen.physics.operator import Mask

    if not 0 <= dropped < 1:
        raise ValueError(f"dropped is a share of the pixels, from 0 to below 1, but got {dropped}.")
    return Mask(torch.rand(1, size, size, generator=generator) >= dropped)


def _group(name: str) -> Group | None:
    from unseen import physics

    makers: dict[str, Callable[[], Group]] = {
        "rotations": physics.Rotations,
        "quarter-turns": lambda: physics.Rotations(multiples_of=90),
        "flips": physics.Flips,
        "horizontal-flips": lambda: physics.Flips(vertical=False),
        "shifts": physics.Shifts,
        "scalings": physics.Scalings,
        "permutations": physics.Permutations,
    }
    return makers[name]() if name in makers else None
