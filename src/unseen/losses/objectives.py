"""The usual objectives by name: what `learn(…, losses="rei", group=Shifts())` stands for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from unseen.artifacts.registry import did_you_mean
from unseen.losses.equivariance import Equivariance, RobustEquivariance
from unseen.losses.loss import Loss
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.risk import Sure
from unseen.losses.supervised import Supervised
from unseen.losses.unsure import Unsure
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement

OBJECTIVES = ("ei", "mc", "rei", "sure", "supervised", "unsure")
_WITH_GROUP = {"ei": (MeasurementConsistency, Equivariance), "rei": (Sure, RobustEquivariance)}
_ALONE = {"mc": MeasurementConsistency, "sure": Sure, "supervised": Supervised, "unsure": Unsure}


def objective(losses: str | Loss | Sequence[Loss], process: Measurement, *, group: Group | None = None) -> list[Loss]:
    """Return the losses that a name or a single loss stands for; a sequence of losses as it is.

    Args:
        losses: "mc": `MeasurementConsistency`; "ei": with `Equivariance` under `group`; "sure": `Sure`; "rei": with
            `RobustEquivariance` under `group`; "supervised": `Supervised`; "unsure": `Unsure`; or losses.
        process: what measures; it decides whether a warning is due.
        group: of "ei" and "rei".

    Raises:
        ValueError: the name is unknown, or a group is missing or of no use.

    Warns:
        UserWarning: `MeasurementConsistency` of noisy measurements.

    >>> from unseen.physics import Gaussian, Identity, Shifts
    >>> process = Measurement(Identity((1, 4, 4)), Gaussian(0.1))
    >>> print(*(type(loss).__name__ for loss in objective("rei", process, group=Shifts())))
    Sure RobustEquivariance
    >>> objective("rei", process)
    Traceback (most recent call last):
        ...
    ValueError: losses="rei" needs group=…: what images may undergo and still be images, such as Shifts().

    Source: as each loss states.
    """
    if isinstance(losses, str):
        found = _named(losses, group)
    else:
        found = [losses] if isinstance(losses, Loss) else list(losses)
        if group is not None:
            raise ValueError('group belongs to losses="ei" and "rei"; losses of your own hold theirs.')
    if process.noise is not None and any(isinstance(loss, MeasurementConsistency) for loss in found):
        warnings.warn(
            "MeasurementConsistency teaches f to copy the noise of noisy measurements. Take Sure in its place "
            '(losses="sure" or "rei").',
            UserWarning,
            stacklevel=3,
        )
    return found


def _named(name: str, group: Group | None) -> list[Loss]:
    if name in _WITH_GROUP:
        if group is None:
            raise ValueError(
                f'losses="{name}" needs group=…: what images may undergo and still be images, such as Shifts().'
            )
        consistency, equivariance = _WITH_GROUP[name]
        return [consistency(), equivariance(group)]
    if name not in _ALONE:
        raise ValueError(f'losses="{name}": {did_you_mean(name, OBJECTIVES)}')
    if group is not None:
        raise ValueError(f'losses="{name}" has no use for a group; "ei" and "rei" have.')
    return [_ALONE[name]()]
