"""`Ensemble`: several detectors' scores in one, each on the scale of normal films that its member did not see.

    score = mean_k u_k(s_k),      u = (s − mean) / standard deviation of the held-out normals' scores, or s's rank
                                  among them, 0 to 1

A fifth of the training films is held out; members learn from the rest, score that fifth, and learn again from all. A
member may look through a view of its own. The map is the mean of the maps of the members whose view is the ensemble's,
of whatever size, each over its mean on the held-out normals. Members on frozen features share one network.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.found_lungs import FoundLungs
from unseen.anatomy.network_view import Straightened, View
from unseen.artifacts.added_setting import added_setting
from unseen.artifacts.recipe import validated
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.even_choice import evenly
from unseen.detectors.fitting import Fitting
from unseen.detectors.frozen_features import FrozenFeatures, FrozenNetwork
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from unseen.anatomy.network_view import Viewed
    from unseen.data.film import Film
    from unseen.detectors.backbone_file import Backbone
    from unseen.training.settings import Training

HELD_OUT = 5  # one film in so many
MOST = 256  # held-out scores that are kept, at most


class Member(BaseModel):
    """A method and its settings; `epochs` in the place of the recipe's, where given; `seed` is added to the
    training's, so that a method can be a member twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    epochs: int | None = Field(default=None, ge=1, le=1_000_000, description="of its training; None: the recipe's")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="of its `Config`"
    )  # Any: the member's Config checks them
    view: View | None = added_setting(None)
    seed: int = added_setting(0, ge=0, lt=2**31)


class Ensemble(Detector):
    """The mean of standardised scores.

    >>> Ensemble(members=[{"key": "dct"}, {"key": "dae", "epochs": 30}]).config.by
    'deviation'
    """

    key = "ensemble"
    learns_by_epochs = False  # its members do, each on its own

    class Config(DetectorSettings):
        """At least two members; the default is the pair that learns in seconds."""

        members: tuple[Member, ...] = Field(
            default=(Member(key="pca", settings={"components": 20, "blur": 1.5}), Member(key="dct")),
            min_length=2,
            max_length=16,
            description="the detectors, each a key with its settings",
        )
        by: Literal["deviation", "rank"] = Field(
            default="deviation", description="what is averaged: standardised scores, or ranks"
        )

        @property
        def least_films(self) -> int:
            most = max(_config(member).least_films for member in self.members)
            return -(-most * HELD_OUT // (HELD_OUT - 1)) + 2

    config: Config
    members: list[Detector]
    scale: _Scale
    _backbone: FrozenNetwork | None  # the one that members on frozen features share

    def set_up(self) -> None:
        super().set_up()
        self.views = tuple(dict.fromkeys(one.view for one in self.config.members if one.view is not None))
        """Views of members that do not share the ensemble's own."""
        self._make_members()
        self.scale = _Scale(len(self.members))
        self.needs_lungs = any(view.needs_lungs for view in self.views)
        if all(one.view is not None for one in self.config.members):
            raise FitError("members: all have views of their own. One must share the ensemble's, for the map")

    def _make_members(self) -> None:
        """Make the untrained members, and the network that those on frozen features share."""
        self.members = [self._made(member) for member in self.config.members]
        frozen = [member.config for member in self.members if isinstance(member, FrozenFeatures)]
        if len({(one.architecture, one.backbone) for one in frozen}) > 1:
            raise FitError(
                "members: those on frozen features have several networks. Give all of them one architecture and one "
                "file of weights"
            )
        blocks = sorted({block for one in frozen for block in one.blocks})
        self._backbone = FrozenNetwork(blocks, frozen[0].architecture) if frozen else None
        for member in self.members:
            self._share(member)

    def begin_with(self, backbone: Path | str) -> Backbone:
        first = next((member for member in self.members if isinstance(member, FrozenFeatures)), None)
        if first is None:
            return super().begin_with(backbone)
        given = first.begin_with(backbone)
        members = tuple(
            one.model_copy(update={"settings": {**one.settings, "backbone": given.sha256}})
            if isinstance(made, FrozenFeatures)
            else one
            for one, made in zip(self.config.members, self.members, strict=True)
        )
        self.config = self.config.model_copy(update={"members": members})
        self._make_members()
        return given

    def check_backbone(self) -> None:
        for member in self.members:
            member.check_backbone()

    def look(self, film: Film, lungs: FoundLungs | None = None) -> Viewed:
        found = FoundLungs.of(film, lungs).by(self.finder)
        straight = None if found is None else Straightened(film, found)
        first, *others = (view(film, found, straight=straight) for view in (self.view, *self.views))
        return replace(first, also=tuple(others))

    def with_settings(self) -> str:
        """Return the member that needs the most films, with its settings: those of all members fill a page."""
        most = max(self.members, key=lambda member: member.config.least_films)
        return f"{self.key} with its member {most.with_settings()}"

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        held_out = torch.tensor([int(digest, 16) % HELD_OUT == 0 for digest in normals.digests])
        if int(held_out.sum()) < 2:
            held_out = torch.arange(len(held_out)) % HELD_OUT == 0
        if int(held_out.sum()) < 2:
            raise FitError(
                f"an ensemble holds a fifth of its films out, and there are {len(held_out)}: give 10 or more"
            )
        kept = evenly(normals.part(held_out).views(), MOST)
        scores, brightness = [], []
        self._clocks: list[tuple[float, str]] = []
        for number, member in enumerate(self.members):
            self._teach(number, member, normals.part(~held_out), self._fitting(number, fitting, "part"))
            found = [member.judge(self._seen(number, view)) for view in kept]
            scores.append([one.score for one in found])
            brightness.append(float(np.mean([one.anomaly_map.mean() for one in found])))
            again = self._share(self._made(self.config.members[number]))
            self._teach(number, again, normals, self._fitting(number, fitting, "all"))
            again.facts |= again.training_facts()
            self.members[number] = again
            self.facts |= {f"{number}-{again.key} {name}": value for name, value in again.facts.items()}
        self.scale.remember(torch.tensor(scores, dtype=torch.float64), torch.tensor(brightness))

    def clock(self, elapsed: float) -> tuple[float, str]:
        devices = [device for _, device in self._clocks]
        return sum(seconds for seconds, _ in self._clocks), next((one for one in devices if one != "cpu"), "cpu")

    def judge(self, viewed: Viewed) -> Judgement:
        found = [member.judge(self._seen(number, viewed)) for number, member in enumerate(self.members)]
        parts = {
            f"{number}-{member.key}": float(self.scale(number, one.score, by=self.config.by))
            for number, (member, one) in enumerate(zip(self.members, found, strict=True))
        }
        shown = [number for number, member in enumerate(self.config.members) if self._same_place(member.view)]
        size = self.view.size
        maps = [_sized(found[number].anomaly_map, size) / float(self.scale.brightness[number]) for number in shown]
        images = [made for number in shown if (made := found[number].reconstruction) is not None]
        return Judgement(
            score=float(np.mean(list(parts.values()))),
            parts=parts,
            anomaly_map=np.asarray(np.mean(maps, axis=0), dtype=np.float32),
            reconstruction=_sized(images[0], size) if images else None,
        )

    def modules(self) -> Mapping[str, nn.Module]:
        named = {
            f"{number}-{name}": module
            for number, member in enumerate(self.members)
            for name, module in member.modules().items()
            if module is not self._backbone
        }
        shared: dict[str, nn.Module] = {} if self._backbone is None else {"backbone": self._backbone}
        return {**shared, **named, "scale": self.scale}

    def _teach(self, number: int, member: Detector, normals: Normals, fitting: Fitting) -> None:
        began = time.monotonic()
        own = self.config.members[number].view
        member.learn(normals if own is None else normals.also[self.views.index(own)], fitting)
        self._clocks.append(member.clock(time.monotonic() - began))

    def _seen(self, number: int, viewed: Viewed) -> Viewed:
        """Return a film through a member's view."""
        own = self.config.members[number].view
        return viewed if own is None else viewed.also[self.views.index(own)]

    def _same_place(self, view: View | None) -> bool:
        """Return True if a member's grid covers the same part of the film as the ensemble's."""
        return view is None or view.model_copy(update={"size": self.view.size}) == self.view

    def _made(self, member: Member) -> Detector:
        return _method(member)(_config(member), view=member.view or self.view)

    def _share(self, member: Detector) -> Detector:
        if isinstance(member, FrozenFeatures) and self._backbone is not None:
            member.backbone = self._backbone
        return member

    def _fitting(self, number: int, fitting: Fitting, films: str) -> Fitting:
        member = self.config.members[number]
        changes = {} if member.epochs is None else {"epochs": member.epochs}
        changes["seed"] = fitting.training.seed + member.seed
        training: Training = fitting.training.model_copy(update=changes)
        folder = None if fitting.folder is None else fitting.folder / f"{number}-{member.key}-{films}"
        frozen = isinstance(self.members[number], FrozenFeatures)
        return Fitting(training, folder, fitting.progress, backbone=fitting.backbone if frozen else None)


def _sized(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return a map or a reconstruction on size × size pixels."""
    if image.shape == (size, size):
        return image
    given = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    resized: NDArray[np.float32] = functional.interpolate(given, size=(size, size), mode="bilinear")[0, 0].numpy()
    return resized


def _method(member: Member) -> type[Detector]:
    from unseen.detectors import METHODS

    method: type[Detector] = METHODS.load(member.key)
    if issubclass(method, Ensemble):
        raise FitError("an ensemble's member is a single method, not an ensemble")
    if method.learns_from_unlabelled:
        raise FitError(f"an ensemble's members learn from normals alone, and {member.key} does not. Take another")
    return method


def _config(member: Member) -> DetectorSettings:
    return validated(member.settings, _method(member).Config, where=f"members.{member.key}")


class _Scale(nn.Module):
    """Mean and spread of held-out normals on each member's scale.

    Args:
        scores: (members · 256,), each member's ascending, of which the first `known` count.
        brightness: (members,), the mean of their maps.

    One-dimensional, because a bundle of half precision keeps such tensors whole.
    """

    scores: Tensor
    known: Tensor
    brightness: Tensor

    def __init__(self, members: int) -> None:
        super().__init__()
        self.register_buffer("scores", torch.zeros(members * MOST, dtype=torch.float64))
        self.register_buffer("known", torch.zeros((), dtype=torch.int64))
        self.register_buffer("brightness", torch.ones(members))

    def remember(self, scores: Tensor, brightness: Tensor) -> None:
        """Keep scores (members, films), films ≤ 256."""
        self.scores.view(len(scores), MOST)[:, : scores.shape[1]] = scores.sort(dim=1).values
        self.known.fill_(scores.shape[1])
        self.brightness[:] = brightness.clamp(min=1e-12)

    def forward(self, member: int, score: float, *, by: Literal["deviation", "rank"]) -> float:
        kept = self.scores[member * MOST :][: int(self.known)]
        if by == "deviation":
            return float((score - kept.mean()) / kept.std().clamp(min=1e-12))
        at = torch.tensor(score, dtype=kept.dtype, device=kept.device)
        below = torch.searchsorted(kept, at, side="left") + torch.searchsorted(kept, at, side="right")
        return float(below) / (2 * len(kept))
