"""Device on which random numbers are drawn: the generator's own."""

import torch


def generator_device(generator: torch.Generator | None) -> torch.device:
    """Return the device of a generator; the CPU for None, which is PyTorch's own generator.

    >>> generator_device(None), generator_device(torch.Generator())
    (device(type='cpu'), device(type='cpu'))
    """
    return generator.device if generator is not None else torch.device("cpu")
