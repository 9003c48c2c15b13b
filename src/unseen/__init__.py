"""Unsupervised imaging: detectors learnt from normal chest X-rays alone, and reports that say what a score rests on.

Research use only. Not a medical device. Not for diagnosis.

The packages, from the top layer to the bottom layer (a package imports only from layers below it):

- ``cli``: the commands of the program `unseen`
- ``lab``: the imaging lab: one image, one measurement, each method's reconstruction
- ``runs``: recipe to run to bundle
- ``screening``: from a score to a decision: calibration, policy, input gate, drift
- ``evaluation``: ROC, intervals, shortcut audit, localisation, the report
- ``detectors``: one file a method; a score depends on its film alone
- ``reconstruction``: from measurements to images, learnt without ever seeing one
- ``priors``: linear and learnt generators, total variation; the solvers behind them
- ``anatomy``: from a film to network input: lungs and views
- ``training``: the one training loop
- ``losses``: one value per sample
- ``data``: any file to a ``Film``, or to ``NotRead`` with its reason; phantoms
- ``physics``, ``networks``, ``artifacts``: operators and noise; tensors to tensors; recipes, bundles and runs
- ``deprecation``: old public names, for one release

The worklist server is the package `unseen_server`, the trained models are the package `unseen_models`.

``testing`` holds the laws that every method keeps, for the tests of other packages.

A package is imported on first use, so ``import unseen`` itself is fast.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
