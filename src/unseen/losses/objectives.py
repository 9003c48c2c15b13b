"""The usual objectives by name: what `learn(…, losses="rei", group=Shifts())` stands for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence

import torch

from unseen.artifacts.registry import did_you_mean
from unseen.losses.equivariance import Equivariance, RobustEquivariance
from unseen.losses.equivariant_adversarial import EquivariantAdversarial
from unseen.losses.equivariant_splitting import EquivariantSplitting
from unseen.losses.loss import Loss
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.recorrupted_equivariance import RecorruptedEquivariance
from unseen.losses.risk import Sure
from unseen.losses.supervised import Supervised
from unseen.losses.unsure import Unsure
from unseen.networks.patch_discriminator import PatchDiscriminator
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement

OBJECTIVES = (
    "ei",
    "ei+adversarial",
    "equivariant-splitting",
    "es",
    "mc",
    "rei",
    "rei-r2r",
    "sure",
    "supervised",
    "supervised+ei",
    "unsure",
)
_WITH_GROUP: dict[str, Callable[[Group], list[Loss]]] = {
    "ei": lambda group: [MeasurementConsistency(), Equivariance(group)],
    "ei+adversarial": lambda group: [MeasurementConsistency(), Equivariance(group)],
    "equivariant-splitting": lambda group: [EquivariantSplitting(group)],
    "es": lambda group: [EquivariantSplitting(group)],
    "rei": lambda group: [Sure(), RobustEquivariance(group)],
    "rei-r2r": lambda group: [RecorruptedEquivariance(group)],
    "supervised+ei": lambda group: [Supervised(), Equivariance(group)],
}
_ALONE = {"mc": MeasurementConsistency, "sure": Sure, "supervised": Supervised, "unsure": Unsure}


def objective(losses: str | Loss | Sequence[Loss], process: Measurement, *, group: Group | None = None) -> list[Loss]:
    """Return the losses that a name or a single loss stands for; a sequence of losses as it is.

    Args:
        losses: "mc": `MeasurementConsistency`; "ei": with `Equivariance` under `group`; "sure": `Sure`; "rei": with
            `RobustEquivariance` under `group`; "rei-r2r": `RecorruptedEquivariance` under `group`; "supervised":
            `Supervised`; "supervised+ei": with `Equivariance` under `group`; "ei+adversarial": "ei" with
            `EquivariantAdversarial` and a `PatchDiscriminator`, of weight 1e-8; "es" or "equivariant-splitting":
            `EquivariantSplitting` under `group`; "unsure": `Unsure`; or losses.
        process: what measures; it decides whether a warning is due.
        group: of the objectives with an equivariance.

    Raises:
        ValueError: the name is unknown, or a group is missing or of no use.
        TypeError: losses is no name and holds something else than losses.

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
        found = _named(losses, process, group)
    else:
        found = [losses] if isinstance(losses, Loss) else _listed(losses)
        if group is not None:
            raise ValueError('group belongs to losses="ei", "rei" and "es"; losses of your own hold theirs.')
    if process.noise is not None and any(isinstance(loss, MeasurementConsistency) for loss in found):
        warnings.warn(
            "MeasurementConsistency teaches f to copy the noise of noisy measurements. Take Sure in its place "
            '(losses="sure" or "rei").',
            UserWarning,
            stacklevel=3,
        )
    return found


def _listed(losses: object) -> list[Loss]:
    """Return losses of the caller's own as a list.

    Raises:
        TypeError: something else than losses; a class, or a name among several.
    """
    listed: list[Loss] = []
    for one in losses if isinstance(losses, Iterable) else [losses]:
        if isinstance(one, Loss):
            listed.append(one)
        else:
            got, remedy = repr(one), "A loss of your own is a subclass of un.losses.Loss."
            if isinstance(one, type):
                got = f"the class {one.__name__}"
                remedy = f"Make a loss: {one.__name__}(…)." if issubclass(one, Loss) else remedy
            elif isinstance(one, str):
                remedy = f"Names: {', '.join(OBJECTIVES)}; give one, alone."
            raise TypeError(f'losses is a name such as "ei", a Loss, or several Losses, but got {got}. {remedy}')
    return listed


def critic_of(process: Measurement) -> PatchDiscriminator:
    """Return the critic of "ei+adversarial" for the images of a process; its first weights are the same each time.

    Args:
        process: its operator's images have the channels; a complex one counts twice.

    Example:
        >>> from unseen.physics import Identity
        >>> critic_of(Measurement(Identity((3, 32, 32))))(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 1, 2, 2])
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PatchDiscriminator(process.A.domain[0] * (2 if process.A.complex_domain else 1))


def _named(name: str, process: Measurement, group: Group | None) -> list[Loss]:
    if name in _WITH_GROUP:
        if group is None:
            raise ValueError(
                f'losses="{name}" needs group=…: what images may undergo and still be images, such as Shifts().'
            )
        found = _WITH_GROUP[name](group)
        return [*found, EquivariantAdversarial(group, critic_of(process))] if name == "ei+adversarial" else found
    if name not in _ALONE:
        raise ValueError(f'losses="{name}": {did_you_mean(name, OBJECTIVES)}')
    if group is not None:
        raise ValueError(f'losses="{name}" has no use for a group; "ei", "rei" and "es" have.')
    return [_ALONE[name]()]
