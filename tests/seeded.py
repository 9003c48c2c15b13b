"""`rng`: a generator of random numbers from a seed."""

import torch


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
