"""A detector, an operator and a loss for `unseen`, found by the entry points in pyproject.toml."""
