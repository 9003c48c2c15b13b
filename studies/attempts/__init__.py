"""Four short experiments on detectors of normal films, and their page `docs/results-attempts.md`."""
