"""Calls that a type checker accepts or rejects; mypy checks this file, and fails for a `type: ignore` without an error.

Nothing here runs.
"""

from __future__ import annotations

from unseen.anatomy import View
from unseen.detectors import AeSsim, Dae, Ensemble, Pca
from unseen.priors import VAE
from unseen.reconstruction import ArtifactRemoval, Unrolled


def accepted() -> float:
    """Settings by name or as one value; the types of the settings and of the object are known."""
    detector: Dae = Dae(size=32, features=8)
    Dae(Dae.Config(features=8), view=View(size=32))
    Ensemble(by="rank")
    VAE(latent=8)
    ArtifactRemoval(features=8, network=None)
    sigma: float = detector.clone().config.sigma
    return sigma


def rejected() -> None:
    """A wrong type, an unknown name, another class's settings, a missing setting."""
    Dae(features="x")  # type: ignore[arg-type]
    Dae(fetures=3)  # type: ignore[call-arg]
    Dae(Pca.Config())  # type: ignore[arg-type]
    AeSsim(latnet=3)  # type: ignore[call-arg]
    Ensemble(by=3)  # type: ignore[arg-type]
    VAE()  # type: ignore[call-arg]
    VAE(latent=8, variance="x")  # type: ignore[arg-type]
    Unrolled(iterations="x")  # type: ignore[arg-type]
    ArtifactRemoval(network=3)  # type: ignore[arg-type]
