"""Device on which random numbers are drawn: the generator's own."""

import torch


def generator_device(generator: torch.Generator | None) -> torch.device:
    """Return the device of a generator; the CPU for None, which is PyTorch's own generator.

    Raises:
        TypeError: it is something else, such as a seed.

    >>> generator_device(None), generator_device(torch.Generator())
    (device(type='cpu'), device(type='cpu'))
    """
    given: object = generator
    if not isinstance(given, torch.Generator | None):
        raise TypeError(f"generator is a torch.Generator, but got {given!r}. Give torch.Generator().manual_seed(0).")
    return generator.device if generator is not None else torch.device("cpu")
