"""Unsupervised imaging: detectors learnt from normal chest X-rays alone, and reports that say what a score rests on.

Research use only. Not a medical device. Not for diagnosis.

The rooms, from the top of the house to the bottom (imports point only downwards):

- ``web``: the HTTP API: shows and asks, no arithmetic of its own
- ``worklist``: studies, their order, decisions and reports, the audit trail; workers; the only SQL
- ``experiments``: recipe to run to bundle to row
- ``screening``: from a score to a decision: calibration, policy, input gate, drift
- ``evaluation``: ROC, intervals, shortcut audit, localisation, the report
- ``detectors``: one file a method; a score depends on its film alone
- ``reconstruction``: from measurements to pictures, learnt without ever seeing one
- ``priors``: linear and learnt generators, total variation; the solvers behind them
- ``anatomy``: from a film to network input: lungs and views
- ``training``: the one training loop
- ``losses``: one value per sample
- ``data``: any file to a ``Film``, or to ``NotRead`` with its reason; phantoms
- ``physics``, ``networks``, ``artifacts``: operators and noise; tensors to tensors; recipes, bundles and runs

A room is imported when it is first named, so that ``import unseen`` itself costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen import anatomy as anatomy
    from unseen import artifacts as artifacts
    from unseen import data as data
    from unseen import detectors as detectors
    from unseen import evaluation as evaluation
    from unseen import experiments as experiments
    from unseen import losses as losses
    from unseen import networks as networks
    from unseen import physics as physics
    from unseen import priors as priors
    from unseen import reconstruction as reconstruction
    from unseen import screening as screening
    from unseen import training as training
    from unseen import web as web
    from unseen import worklist as worklist

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "anatomy",
        "artifacts",
        "data",
        "detectors",
        "evaluation",
        "experiments",
        "losses",
        "networks",
        "physics",
        "priors",
        "reconstruction",
        "screening",
        "training",
        "web",
        "worklist",
    ],
)
