"""Short experiments on detectors, the targets of detection, and their page `docs/results-attempts.md`."""
