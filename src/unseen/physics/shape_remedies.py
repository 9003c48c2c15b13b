"""Remedy for a tensor of the wrong shape: the expression that gives it the expected one, for error messages."""

from unseen.physics.tensor_products import Shape


def shape_remedy(got: Shape, expected: Shape, *, batch: int | None = None, complex_too: bool = False) -> str:
    """Return a sentence with the likely remedy, after a space; empty where none is likely.

    Args:
        got: shape of the tensor that was given.
        expected: shape of one sample, without the batch.
        batch: number of samples that have an operator of their own; None: one operator for all.
        complex_too: whether complex numbers are expected.

    Example:
        >>> shape_remedy((1, 8, 8), (1, 8, 8))
        ' The batch is missing: give x[None].'
        >>> shape_remedy((5, 8, 8), (1, 8, 8))
        ' The channel is missing: give x[:, None].'
        >>> shape_remedy((5, 8, 8, 3), (3, 8, 8))
        ' Channels come before height and width: give x.movedim(-1, 1).'
        >>> shape_remedy((5, 2, 8, 8), (1, 8, 8), complex_too=True)
        ' Real and imaginary parts are one complex number: give torch.complex(x[:, :1], x[:, 1:]).'
        >>> shape_remedy((5, 1, 4, 4), (1, 8, 8))
        ''
    """
    if batch is not None and got[1:] == expected:
        return (
            f" There are {batch} operators, one for each sample: take those of your samples by A.select(indices), or "
            "process.select(indices)."
        )
    if got == expected:
        return " The batch is missing: give x[None]."
    if len(expected) > 1 and expected[0] == 1:
        if got == expected[1:]:
            return " Batch and channel are missing: give x[None, None]."
        if len(got) == len(expected) and got[1:] == expected[1:]:
            return " The channel is missing: give x[:, None]."
    if len(expected) == 3 and len(got) == 4:
        if got[1:] == (*expected[1:], expected[0]):
            return " Channels come before height and width: give x.movedim(-1, 1)."
        if complex_too and got[1:] == (2 * expected[0], *expected[1:]):
            c = expected[0]
            return f" Real and imaginary parts are one complex number: give torch.complex(x[:, :{c}], x[:, {c}:])."
    return ""
