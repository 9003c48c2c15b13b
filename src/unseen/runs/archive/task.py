"""Task of scoring an archive: all that a worker process needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unseen.detectors.saved import Runtime


@dataclass(frozen=True, kw_only=True)
class ScoringTask:
    """All that a worker process needs to score any part.

    Args:
        folder: where the parts go.
        model, policy: the bundle and the policy's file.
        maps: a folder for anomaly maps; None: none are written.
        strict: whether the first film that is not read ends the run.
        decoders: processes that decode films for each worker process.
    """

    folder: Path
    model: str
    policy: Path | None = None
    device: str = "cpu"
    runtime: Runtime = "torch"
    maps: Path | None = None
    strict: bool = False
    decoders: int = 1
