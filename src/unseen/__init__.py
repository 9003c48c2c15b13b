"""Unsupervised imaging: detectors learnt from normal chest X-rays alone, and reports that say what a score rests on.

Research use only. Not a medical device. Not for diagnosis.

The packages, from the top layer to the bottom layer (a package imports only from layers below it):

- ``demo``: the first minutes: phantoms, two detectors, a report, a filled worklist
- ``web``: the HTTP API: shows and asks, no arithmetic of its own
- ``pacs``: the DICOM node: films in from the archive, results back to it, reports in by HL7 and FHIR
- ``service``: watched folders, loaded models, worker processes: what the web API and the DICOM node share
- ``lab``: the imaging lab: one image, one measurement, each method's reconstruction
- ``worklist``: studies, their order, decisions and reports, the audit trail; workers; the only SQL
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

``testing`` holds the laws that every method keeps, for the tests of other packages.

A package is imported on first use, so ``import unseen`` itself is fast.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
