"""Settings of the lab as data: each choice is a small model whose fields have words, bounds and steps.

A page draws its form from `choice_fields`, and the same model checks what comes back, so that a new operator or
noise is one class.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

IMAGE_SIZES = (32, 64, 128)
"""Pixels a side: powers of two, which every operator here takes."""
Size = Literal[32, 64, 128]


class Choice(BaseModel):
    """Type of measurement or of noise with its settings; the base class of all in `OPERATORS` and `NOISES`.

    A child has a field `kind` with the name of the type as its default, and `words`, the name for users. Every other
    field is a setting; numbers have bounds.

    Example:
        >>> from unseen.lab.operators import Blurred
        >>> issubclass(Blurred, Choice), Blurred(sigma=2.0).kind, Blurred.words
        (True, 'blur', 'blur')
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    words: ClassVar[str]
    """For people."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A field of a choice, as a form shows it.

    Args:
        kind: "number", "whole", "yes" or "one of".
        low, high, step: of a number; None where it is none.
        options: of "one of".
    """

    name: str
    words: str
    kind: Literal["number", "whole", "yes", "one of"]
    value: float | int | bool | str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()


def choice_fields(choice: type[Choice]) -> list[Setting]:
    """Return the settings of a choice in order, without its `kind`.

    Args:
        choice: a type of measurement or of noise, such as one of `OPERATORS`.

    Returns:
        One entry per setting: its name, type, default, bounds and step, for a form.

    Example:
        >>> from unseen.lab.operators import Blurred
        >>> [(field.name, field.kind, field.low, field.high) for field in choice_fields(Blurred)]
        [('sigma', 'number', 0.3, 6.0)]
    """
    return [_setting(name, field) for name, field in choice.model_fields.items() if name != "kind"]


def choice_kind(choice: type[Choice]) -> str:
    """Return the name by which a request selects a choice: the default of its field `kind`.

    Args:
        choice: a type of measurement or of noise, such as one of `OPERATORS`.

    Example:
        >>> from unseen.lab.operators import MaskedPixels
        >>> choice_kind(MaskedPixels)
        'mask'
    """
    return str(choice.model_fields["kind"].default)


def _setting(name: str, field: FieldInfo) -> Setting:
    words, value = field.description or name, field.default
    if get_origin(field.annotation) is Literal:
        options = tuple(map(str, get_args(field.annotation)))
        return Setting(name=name, words=words, kind="one of", value=value, options=options)
    if field.annotation is bool:
        return Setting(name=name, words=words, kind="yes", value=value)
    whole = field.annotation is int
    low, high = _bound(field, "ge"), _bound(field, "le")
    extra: Any = field.json_schema_extra or {}  # pydantic takes a dict or a function; here it is a dict
    step = 1 if whole else float(extra["step"])
    return Setting(
        name=name, words=words, kind="whole" if whole else "number", value=value, low=low, high=high, step=step
    )


def _bound(field: FieldInfo, end: Literal["ge", "le"]) -> float:
    (found,) = (entry for entry in field.metadata if hasattr(entry, end))
    return float(getattr(found, end))
