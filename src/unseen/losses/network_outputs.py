"""Outputs of a network for real and generated images: one shape, one value a sample."""

from torch import Tensor

from unseen.physics.tensor_products import describe


def check_alike(what: str, real: Tensor, fake: Tensor, *, least: int = 1) -> None:
    """Raise ValueError, naming `what` they are, unless both have one shape of at least `least` dimensions."""
    if real.shape != fake.shape or real.ndim < least:
        raise ValueError(
            f"{what} have one shape, (batch, ...), but got {describe(tuple(real.shape))} and "
            f"{describe(tuple(fake.shape))}."
        )


def mean_of_each(values: Tensor) -> Tensor:
    """Return the mean over all but the first axis: (batch,)."""
    return values.reshape(len(values), -1).mean(dim=1)
