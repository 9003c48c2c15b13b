"""Losses: one value per sample, each stating which of x (truth), y (measurement), A (operator) and f (network) it
needs.

`sure` is the risk of a network on noisy pictures, known without the clean ones; `sure_literal` are the thesis's two
readings of it. The `feature_matching` and `discriminator_bce` losses train GANs; `dice_loss` and `bce` need a mask.

`LOSSES` is this room's registry: a new loss is one file and one line here, and the contract tests find it.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.losses.adversarial import discriminator_bce as discriminator_bce
    from unseen.losses.adversarial import feature_matching as feature_matching
    from unseen.losses.running_averages import running_averages_frozen as running_averages_frozen
    from unseen.losses.stein import sure as sure
    from unseen.losses.stein import sure_literal as sure_literal
    from unseen.losses.supervised import bce as bce
    from unseen.losses.supervised import dice_loss as dice_loss

LOSSES = {
    "bce": "supervised:bce",
    "dice": "supervised:dice_loss",
    "discriminator-bce": "adversarial:discriminator_bce",
    "feature-matching": "adversarial:feature_matching",
    "sure": "stein:sure",
    "sure-literal": "stein:sure_literal",
}

_attributes: dict[str, list[str]] = {"running_averages": ["running_averages_frozen"]}
for _place in LOSSES.values():
    _file, _, _name = _place.partition(":")
    _attributes.setdefault(_file, []).append(_name)

_lazy_getattr, _lazy_dir, _lazy_all = lazy_loader.attach(__name__, submod_attrs=_attributes)
__getattr__, __dir__ = _lazy_getattr, _lazy_dir
__all__ = sorted([*_lazy_all, "LOSSES"])
