"""Every detector on equal terms: one fold to choose on, phantom twins, a rule that nominates, and the test folds in the
order that it says.

`python -m unseen.experiments.detectors` makes the rows of `results/detectors/` and renders their page.
"""
