"""Every detector on equal terms: one fold to choose on, phantom twins, a rule that nominates, and the test folds in the
order that it says.

`python -m studies.detectors` makes the rows of `studies/results/detectors.jsonl` and renders their page.
"""
