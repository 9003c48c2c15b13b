"""One process's share of a batch, with random draws and BatchNorm of the whole batch.

Several processes divide each batch. Two parts of a learner's step depend on the whole batch nevertheless:

- **random draws.** A draw whose first dimension is the share's length (or twice that: images and changed copies) is
  made for the whole batch, and the share's rows are taken. So a film has the same noise on one device and on several,
  and every process's generator has the state that it would have on one device;
- **BatchNorm.** Mean and variance are taken over the whole batch, forwards and backwards, on CPUs and GPUs alike
  (`torch.nn.SyncBatchNorm` computes the same, on GPUs alone).

A draw of another shape is unchanged, and the same in every process. Where a learner draws film by film (the number of
draws then depends on the films), it calls `of_whole_batch`, which processes the whole batch in every process.

>>> of_whole_batch(lambda x: x + 1, torch.zeros(2)).tolist()  # on one device: the call itself
[1.0, 1.0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Found = TypeVar("Found", Tensor, tuple[Tensor, ...])
Sum = Callable[[Tensor], Tensor]
"""A tensor's sum over all processes, in place."""

_ACTIVE: ContextVar[_WholeBatch | None] = ContextVar("share of a batch", default=None)


@dataclass(frozen=True)
class Share:
    """Consecutive rows of a batch; the shares of two processes differ by one row at most.

    >>> [Share.of(rank, 2, whole=5).rows for rank in range(2)]
    [slice(0, 2, None), slice(2, 5, None)]
    """

    rows: slice
    whole: int
    """Rows of the whole batch."""

    @classmethod
    def of(cls, rank: int, processes: int, *, whole: int) -> Share:
        """Return the share of process `rank`."""
        return cls(slice(rank * whole // processes, (rank + 1) * whole // processes), whole)

    def __len__(self) -> int:
        return int(self.rows.stop - self.rows.start)

    @property
    def weight(self) -> float:
        """Weight of the share's mean in the batch's mean."""
        return len(self) / self.whole


@contextmanager
def as_part_of_the_batch(share: Share, sum_over_processes: Sum) -> Iterator[None]:
    """Make torch's draws and BatchNorm within the block equal to those of the whole batch."""
    mode = _WholeBatch(share, sum_over_processes)
    token = _ACTIVE.set(mode)
    try:
        with mode:
            yield
    finally:
        _ACTIVE.reset(token)


def of_whole_batch(change: Callable[..., Found], *tensors: Tensor) -> Found:
    """Return `change(*tensors)`, where `change` draws film by film; the first dimensions are the batch's.

    With several processes: the tensors are gathered from all of them, every process calls `change` on the whole batch,
    with its generator in the same state, and takes its own rows of the result.
    """
    mode = _ACTIVE.get()
    if mode is None:
        return change(*tensors)
    with torch.no_grad():
        whole = [mode.gathered(tensor, copies=1) for tensor in tensors]
    mode.paused = True
    try:
        found: object = change(*whole)
    finally:
        mode.paused = False
    rows = mode.rows_of(found) if isinstance(found, Tensor) else tuple(map(mode.rows_of, cast("tuple[Tensor]", found)))
    return cast("Found", rows)


class _Summed(torch.autograd.Function):
    """Sum over all processes. Its derivative is the same sum, so second derivatives exist, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sum_over_processes: Sum) -> Tensor:  # Any: torch leaves the context untyped
        ctx.sum = sum_over_processes
        return sum_over_processes(x.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:  # Any: as above
        summed: Tensor = _Summed.apply(slope, ctx.sum)  # type: ignore[no-untyped-call]  # torch's apply has no types
        return summed, None


class _WholeBatch(TorchFunctionMode):
    """Mode in which draws and BatchNorm on the share are replaced; all other functions are torch's."""

    def __init__(self, share: Share, sum_over_processes: Sum) -> None:
        super().__init__()
        self.share, self.sum, self.paused = share, sum_over_processes, False

    # Any: torch's functions take and return anything
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        handler = None if self.paused else _HANDLERS.get(func)
        return func(*args, **(kwargs or {})) if handler is None else handler(self, func, args, dict(kwargs or {}))

    def copies(self, shape: Sequence[int]) -> int | None:
        """Return how often a tensor of this shape contains the share, 1 or 2; None: its first dimension is another."""
        length = len(self.share)
        return next((copies for copies in (1, 2) if len(shape) and shape[0] == copies * length), None)

    def rows_of(self, whole: Tensor, copies: int = 1) -> Tensor:
        parts = [part[self.share.rows] for part in whole.chunk(copies)]
        return parts[0] if copies == 1 else torch.cat(parts)

    def longer(self, shape: Sequence[int], copies: int) -> tuple[int, ...]:
        return (copies * self.share.whole, *shape[1:])

    def gathered(self, part: Tensor, *, copies: int) -> Tensor:
        """Return the whole batch's tensor, of which this process has `part`.

        All processes add their rows to zeros, which is exact.
        """
        narrow = part.dtype in (torch.bool, torch.bfloat16, torch.float16)  # not every backend adds these
        wide = part.to(torch.float32) if narrow else part
        whole = wide.new_zeros(self.longer(part.shape, copies))
        for there, own in zip(whole.chunk(copies), wide.chunk(copies), strict=True):
            there[self.share.rows] = own
        return self.sum(whole).to(part.dtype)


Handler = Callable[[_WholeBatch, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]  # Any: as above


def _drawn(mode: _WholeBatch, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Replace rand, randn and randint: the shape is `size`, the last argument, or all arguments."""
    before: tuple[Any, ...] = ()
    if "size" in kwargs:
        before, shape = args, kwargs["size"]
    elif args and isinstance(args[-1], Sequence):
        before, shape = args[:-1], args[-1]
    else:
        shape = args
    copies = mode.copies(shape)
    if copies is None:
        return func(*args, **kwargs)
    whole = func(*before, **{**kwargs, "size": mode.longer(shape, copies)})
    return mode.rows_of(whole, copies)


def _drawn_alike(mode: _WholeBatch, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Replace rand_like and randn_like: the layout decides the order of the draws."""
    copies = mode.copies(args[0].shape)
    if copies is None:
        return func(*args, **kwargs)
    return mode.rows_of(func(_stand_in(mode, args[0], copies), *args[1:], **kwargs), copies)


def _drawn_from(mode: _WholeBatch, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Replace bernoulli, poisson and binomial, whose number of draws depends on the values of all processes."""
    copies = mode.copies(args[0].shape)
    if copies is None:
        return func(*args, **kwargs)
    whole = [mode.gathered(arg, copies=copies) if isinstance(arg, Tensor) else arg for arg in args]
    return mode.rows_of(func(*whole, **kwargs), copies)


def _dropped(mode: _WholeBatch, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Replace dropout, which multiplies: the factors are what it returns for ones."""
    copies = mode.copies(args[0].shape)
    if copies is None:
        return func(*args, **kwargs)
    ones = _stand_in(mode, args[0], copies).fill_(1)
    p, training = (*args[1:3], *(kwargs.get(name, default) for name, default in (("p", 0.5), ("training", True))))[:2]
    return args[0] * mode.rows_of(func(ones, p, training), copies)


def _normalised(mode: _WholeBatch, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Replace BatchNorm: mean and biased variance of the whole batch; unbiased running variance, as torch's."""
    given = dict(
        zip(("input", "mean", "variance", "weight", "bias", "training", "momentum", "eps"), args, strict=False)
    )
    given |= {_LONG_NAMES.get(name, name): value for name, value in kwargs.items()}
    x: Tensor = given["input"]
    copies = mode.copies(x.shape)
    if copies is None or not given.get("training", False):
        return func(*args, **kwargs)
    others = [dim for dim in range(x.ndim) if dim != 1]
    broad = [-1 if dim == 1 else 1 for dim in range(x.ndim)]
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    number = copies * mode.share.whole * (x.numel() // (x.shape[0] * x.shape[1]))

    def mean_of(values: Tensor) -> Tensor:
        summed: Tensor = _Summed.apply(values.sum(dim=others), mode.sum)  # type: ignore[no-untyped-call]  # as above
        return summed / number

    mean = mean_of(wide)
    centred = wide - mean.view(broad)
    variance = mean_of(centred.square())
    momentum = given.get("momentum", 0.1)
    with torch.no_grad():
        for running, now in ((given["mean"], mean), (given["variance"], variance * (number / max(1, number - 1)))):
            if running is not None:
                running.mul_(1 - momentum).add_(momentum * now.to(running))
    out = centred * (variance + given.get("eps", 1e-5)).rsqrt().view(broad)
    if given.get("weight") is not None:
        out = out * given["weight"].view(broad)
    if given.get("bias") is not None:
        out = out + given["bias"].view(broad)
    return out.to(x.dtype)


def _stand_in(mode: _WholeBatch, x: Tensor, copies: int) -> Tensor:
    """Return an empty tensor of the whole batch's shape with x's layout, type and device."""
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    return torch.empty(mode.longer(x.shape, copies), dtype=x.dtype, device=x.device, memory_format=layout)


_LONG_NAMES = {"running_mean": "mean", "running_var": "variance"}
_HANDLERS: dict[Callable[..., Any], Handler] = {  # Any: as above
    torch.rand: _drawn,
    torch.randn: _drawn,
    torch.randint: _drawn,
    torch.rand_like: _drawn_alike,
    torch.randn_like: _drawn_alike,
    torch.bernoulli: _drawn_from,
    torch.poisson: _drawn_from,
    torch.binomial: _drawn_from,
    functional.dropout: _dropped,
    functional.dropout1d: _dropped,
    functional.dropout2d: _dropped,
    functional.dropout3d: _dropped,
    functional.batch_norm: _normalised,
}
