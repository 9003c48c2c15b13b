"""Constructor whose parameters are the fields of the class's `Config`.

A class with settings writes them once, as the fields of its nested pydantic model `Config`: name, type, default,
bounds, unit, meaning. Everything else is derived from that model:

- `Configurable.__init__` takes the settings by name, or one `Config`.
- Type checkers and editors check the call `Dae(features=8)`: the base class of a family declares `__new__` with `cls:
  type[HasConfig[P, C, T]]`, and they infer `P`, the parameters of `cls.Config`. mypy infers them for `__new__` only,
  and uses `__new__` only where `__init__` is defined further up. That base class writes `Config: type[Settings] =
  Settings` (pyright accepts no ClassVar there), a class below it `Config = Settings`.
- `inspect.signature` shows every setting with its type, bounds and default.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, ParamSpec, Protocol, Self, TypeVar

from pydantic import BaseModel

from unseen.artifacts.recipe import configured

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

P = ParamSpec("P")
C = TypeVar("C")
T = TypeVar("T")
_C = TypeVar("_C", covariant=True)
_T = TypeVar("_T", covariant=True)


class HasConfig(Protocol[P, _C, _T]):
    """Class of instances `_T` whose settings are a `_C`, made from the parameters `P`."""

    def Config(self, *args: P.args, **settings: P.kwargs) -> _C: ...

    def _itself(self) -> _T: ...


class ConfigSignature:
    """Attribute `__signature__` of a class: the keywords of its `__init__`, then the fields of its `Config`."""

    def __get__(self, instance: object, owner: type[Configurable]) -> inspect.Signature:
        if instance is not None:  # an instance that can be called has the signature of its `__call__`
            raise AttributeError("__signature__")
        own = inspect.signature(owner.__init__).parameters.values()
        fields = owner.Config.model_fields.items()
        return inspect.Signature(
            [
                inspect.Parameter(
                    "config", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=owner.Config | None
                ),
                *(one for one in own if one.kind is inspect.Parameter.KEYWORD_ONLY),
                *(_keyword(name, field) for name, field in fields if field.is_required()),
                *(_keyword(name, field) for name, field in fields if not field.is_required()),
            ]
        )


class Configurable:
    """Base of the classes that take their settings by name.

    Example:
        >>> import inspect
        >>> from unseen.detectors import Dae
        >>> inspect.signature(Dae).parameters["sigma"].default
        0.2
    """

    key: ClassVar[str]
    Config: type[BaseModel] = BaseModel
    config: BaseModel
    arguments: ClassVar[tuple[str, ...]] = ()
    """Further arguments of the constructor, for "did you mean"."""
    __signature__ = ConfigSignature()

    # Any: the settings' types are the subclass's Config, which pydantic checks
    def __init__(self, config: BaseModel | None = None, **settings: Any) -> None:
        """Take settings by name, or as one value.

        Args:
            config: the settings as one value; None: they are given by name.
            settings: the fields of `Config`, by name.

        Raises:
            RecipeError: a setting is unknown ("vae.latnt: unknown; did you mean latent?") or out of range, or `config`
                and settings are both given.
        """
        super().__init__()
        self.config = configured(config, settings, self.Config, where=self.key, also=self.arguments)
        self.set_up()

    def set_up(self) -> None:
        """Create the attributes of an untrained object; `config` is set."""

    if TYPE_CHECKING:

        def _itself(self) -> Self: ...


def _keyword(name: str, field: FieldInfo) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)
    bounds = tuple(field.metadata)
    annotation = Annotated[(field.annotation, *bounds)] if bounds else field.annotation
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
