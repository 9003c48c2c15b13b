"""Checks of an operator's arguments."""


def both_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) from one number or both.

    Raises:
        ValueError: not one or two whole numbers above 0.

    Example:
        >>> both_sides(8), both_sides((4, 6))
        ((8, 8), (4, 6))
    """
    sides: tuple[int, ...] = (size, size) if isinstance(size, int) else size
    if len(sides) != 2 or not all(is_count(side) for side in sides):
        raise ValueError(f"An image's size is one whole number above 0, or (height, width), but got {size}.")
    return sides[0], sides[1]


def check_channels(channels: int) -> None:
    """Raises ValueError unless an image can have so many channels."""
    if not is_count(channels):
        raise ValueError(f"channels is a whole number above 0, but got {channels}.")


def check_measurements(m: int, pixels: int) -> None:
    """Raises ValueError unless m measurements of so many pixels can be asked for."""
    if not (is_count(m) and m <= pixels):
        raise ValueError(f"m is a whole number from 1 to the {pixels} pixels of the image, but got {m}.")


def check_rtol(rtol: float) -> None:
    """Raises ValueError unless rtol is a share of the largest singular value."""
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol is a share of the largest singular value, from 0 to below 1, but got {rtol}.")


def is_count(number: object) -> bool:
    """Return True for a whole number above 0."""
    return isinstance(number, int) and not isinstance(number, bool) and number > 0
