"""Memory of features: a coreset, and the distance of other features to its nearest member.

Each next member is the one farthest from those chosen.

Source: Roth et al., "Towards total recall in industrial anomaly detection", CVPR 2022, algorithm 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CANDIDATES = 20_000  # places that the coreset is chosen from, at most


class Coreset(nn.Module):
    """The memory: kept (memory, width), of which the first `known` count."""

    kept: Tensor
    known: Tensor

    def __init__(self, memory: int, width: int) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(memory, width))
        self.register_buffer("known", torch.zeros((), dtype=torch.int64))

    def forward(self, features: Tensor) -> Tensor:
        """Return the distance of each of (places, width) to the nearest that is kept: (places,)."""
        return torch.cdist(features, self.kept[: int(self.known)]).min(dim=1).values

    def remember(self, features: Tensor, generator: torch.Generator) -> None:
        """Keep a coreset of (places, width): the farthest from those chosen, again and again."""
        features = features[torch.randperm(len(features), generator=generator)[:CANDIDATES].to(features.device)]
        chosen = [0]
        nearest = (features - features[0]).square().sum(dim=1)
        while len(chosen) < min(len(self.kept), len(features)):
            chosen.append(int(nearest.argmax()))
            nearest = torch.minimum(nearest, (features - features[chosen[-1]]).square().sum(dim=1))
        self.kept[: len(chosen)] = features[chosen]
        self.known.fill_(len(chosen))
