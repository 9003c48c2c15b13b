"""All detectors under equal conditions: choice on fold 0 and on paired phantoms, then nomination and test folds.

`python -m studies.detectors` makes the rows of `studies/results/detectors.jsonl` and renders their page.
"""
