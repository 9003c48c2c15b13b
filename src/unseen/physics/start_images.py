"""Check of the image that an iterative reconstruction starts from."""

from torch import Tensor

from unseen.physics.tensor_products import Shape, describe


def checked_start(start: Tensor, shape: Shape, like: Tensor) -> Tensor:
    """Return a start in the precision and on the device of an image.

    Args:
        start: (batch, *A.domain).
        shape: that it has to have.
        like: an image of the reconstruction.

    Raises:
        ValueError: the start has another shape, holds NaN or infinity, or is complex where images are real.

    Example:
        >>> import torch
        >>> checked_start(torch.full((1, 2), torch.nan), (1, 2), torch.zeros(1, 2))
        Traceback (most recent call last):
            ...
        ValueError: start holds finite numbers, but 2 of 2 are NaN or infinite.
    """
    if tuple(start.shape) != tuple(shape):
        raise ValueError(f"start is {describe(tuple(shape))} for this y, but got {describe(tuple(start.shape))}.")
    if start.is_complex() and not like.is_complex():
        raise ValueError(f"start is real, as the images are, but got {start.dtype}. Give its real part, start.real.")
    if bad := int((~start.isfinite()).sum()):
        raise ValueError(f"start holds finite numbers, but {bad} of {start.numel()} are NaN or infinite.")
    return start.detach().to(like)
