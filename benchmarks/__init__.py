"""Speed of the package beside plain PyTorch on the machine at hand: `make bench`, or `python -m benchmarks`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "server"))  # some benchmarks start servers as the server's tests do
