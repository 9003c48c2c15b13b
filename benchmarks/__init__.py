"""How fast the package is against plain PyTorch on the machine at hand: `make bench`, or `python -m benchmarks`."""
