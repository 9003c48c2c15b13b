"""A model's bundle and a site's policy file → a `Screener`: the detector, and the input gate that lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unseen.detectors.saved import gate_parts
from unseen.detectors.saved import load as load_detector
from unseen.screening.gate.gate import Gate
from unseen.screening.policy import Policy
from unseen.screening.screener import Screener

if TYPE_CHECKING:
    from unseen.detectors.saved import Runtime


def load(
    model: Path | str, policy: Path | str | None = None, *, device: str = "cpu", runtime: Runtime = "torch"
) -> Screener:
    """Read a model, its gate where its bundle has one, and a policy.

    policy   the file of `unseen calibrate`; None: rank, never clear
    device   and runtime: as for `detectors.load`

    Raises BundleError, DeviceError and GateError for a model that cannot be used, PolicyError for a policy that cannot
    be read or is another model's.

    >>> screener = load("models/pca")
    >>> screener.policy is None
    True
    """
    detector = load_detector(model, device=device, runtime=runtime)
    return Screener(detector, None if policy is None else Policy.load(policy), gate=gate_in(model))


def gate_in(model: Path | str) -> Gate | None:
    """The input gate of a bundle; None for one without."""
    parts = gate_parts(model)
    return None if parts is None else Gate.of(*parts)
