"""The processes that share one training: started or joined, given their work, and added up over.

The process that calls `train` is the first one, rank 0. It alone reads films, logs, validates, writes checkpoints and
saves. The others get the learner, the films and the checkpoint from it, and compute their share of each batch. On one
machine rank 0 starts them; on several, and under torchrun, each process calls `unseen.training.join`.

Gradients are added up here, in sight, and not by `torch.nn.parallel.DistributedDataParallel`: that wants one backward
pass for each forward pass, through all weights of a module. A learner goes back to one optimiser's weights alone, calls
a network several times a step, or takes the derivative of a derivative.

A process that is lost ends the training with a sentence: its connections close, or it does not answer in `TIMEOUT_S`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

from unseen.training.settings import Training, TrainingError
from unseen.training.shares import Share

TIMEOUT_S = 120.0
"""Seconds that a process waits in a step for the others. Validation and checkpoints by rank 0 are not limited."""
START_S = 600.0
"""Seconds that rank 0 waits for the others to start."""
_POLL_S = 0.02
_LAST_WORDS_S = 5.0  # in which a process that has closed its connections ends
_LEAVE_S = 30.0  # in which a process ends once rank 0 asks it to


class LostProcess(TrainingError):
    """Another process of the training ended, or did not answer.

    >>> issubclass(LostProcess, TrainingError)
    True
    """


@dataclass(frozen=True)
class ProcessPlace:
    """Place of a process in the group, and the address of rank 0.

    >>> ProcessPlace(rank=1, size=4, local=1, address="10.0.0.1", port=29500).first
    False
    """

    rank: int
    size: int
    local: int
    """Number of the process on its machine: that of its GPU."""
    address: str
    port: int

    @property
    def first(self) -> bool:
        """True for rank 0."""
        return self.rank == 0


@dataclass
class Ranks:
    """An open group of processes, as one of them sees it."""

    place: ProcessPlace
    store: distributed.Store
    children: Mapping[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    trainings: int = 0
    lost: bool = False

    @classmethod
    def started(cls, size: int) -> Ranks:
        """Rank 0 of a group on this machine, which starts the others."""
        # listens on a port that is free, on this machine alone
        store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        place = ProcessPlace(0, size, 0, "127.0.0.1", store.port)
        return cls._met(place, store, {rank: start(place, rank, rank) for rank in range(1, size)})

    @classmethod
    def joined(cls, place: ProcessPlace, *, listens: bool, children: Mapping[int, subprocess.Popen[bytes]]) -> Ranks:
        """Join the group whose rank 0 is at `place.address`.

        Args:
            listens: whether this process holds the store of keys: rank 0, unless torchrun holds one.
            children: the ranks that this process has started.
        """
        try:
            store = distributed.TCPStore(
                place.address,
                place.port,
                is_master=listens,
                wait_for_workers=False,
                timeout=timedelta(seconds=START_S),
            )
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                f"process {place.rank} of {place.size} cannot reach {place.address}:{place.port} ({_line(error)}). "
                "Look at MASTER_ADDR and MASTER_PORT, and start the same command on every machine."
            ) from error
        return cls._met(place, store, children)

    @classmethod
    def _met(
        cls, place: ProcessPlace, store: distributed.Store, children: Mapping[int, subprocess.Popen[bytes]]
    ) -> Ranks:
        if distributed.is_initialized():
            raise TrainingError(
                "torch.distributed is already in use in this process. Call destroy_process_group() before a training "
                "on several devices."
            )
        own = distributed.PrefixStore("unseen", store)
        ranks = cls(place, own, children)
        own.set(f"here {place.rank}", b"1")
        every = [f"here {rank}" for rank in range(place.size)]
        try:
            ranks._until(lambda: own.check(every), "did not start", limit_s=START_S)
            os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")  # a GPU that does not answer is an error, too
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
                store=distributed.PrefixStore("group", own),
                rank=place.rank,
                world_size=place.size,
                timeout=timedelta(seconds=TIMEOUT_S),
            )
        except BaseException:
            ranks.lost = True
            ranks.close()
            raise
        return ranks

    def share(self, whole: int) -> Share:
        """Return this process's rows of a batch of so many."""
        return Share.of(self.place.rank, self.place.size, whole=whole)

    def sum(self, x: Tensor) -> Tensor:
        """Sum over all processes, in place; return the tensor.

        Raises:
            LostProcess: one of them is gone.
        """
        with self._guarded():
            distributed.all_reduce(x)
        return x

    def sum_gradients(self, weights: Sequence[Tensor]) -> None:
        """Add up the gradients over all processes, in one piece for each type of number."""
        slopes = [weight.grad for weight in weights if weight.grad is not None]
        for dtype in dict.fromkeys(slope.dtype for slope in slopes):
            alike = [slope for slope in slopes if slope.dtype == dtype]
            summed = self.sum(torch.cat([slope.flatten() for slope in alike]))
            for slope, part in zip(alike, torch.split(summed, [slope.numel() for slope in alike]), strict=True):
                slope.copy_(part.view(slope.shape))

    def follow(self, rng: torch.Generator) -> None:
        """Put the generator where that of rank 0 is: a learner that draws film by film moves each one differently."""
        state = rng.get_state()
        with self._guarded():
            distributed.broadcast(state, 0)
        rng.set_state(state)

    def send(self, work: tuple[object, ...]) -> None:
        """Give the other processes a training.

        Raises:
            TrainingError: something in it cannot be sent, or cannot be read there.
        """
        self.trainings += 1
        try:
            raw = pickle.dumps(work)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise TrainingError(f"this training cannot be sent to other processes: {_line(error)}. {_CURE}") from error
        content = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
        self.store.set(f"training {self.trainings}", str(len(content)).encode())
        with self._guarded():
            distributed.broadcast(content, 0)
        answers = [f"answer {self.trainings} {rank}" for rank in range(1, self.place.size)]
        self._until(lambda: self.store.check(answers), "did not read its work", limit_s=START_S)
        refused = next(filter(None, (self.store.get(answer).decode() for answer in answers)), None)
        if refused is not None:
            raise TrainingError(f"this training cannot be read by another process: {refused}. {_CURE}")

    def receive(self) -> tuple[Any, ...] | None:  # Any: the work is of several types
        """Return the next training from rank 0; None when there is none to come.

        Raises:
            LostProcess: rank 0 is gone.
        """
        self.trainings += 1
        key, end = f"training {self.trainings}", "end"
        self._until(lambda: self.store.check([key]) or self.store.check([end]), "")
        if not self.store.check([key]):
            return None
        content = torch.empty(int(self.store.get(key)), dtype=torch.uint8)
        with self._guarded():
            distributed.broadcast(content, 0)
        refused, work = "", None
        try:
            work = pickle.loads(content.numpy().data)  # from rank 0, which started this process or which its user named
        except (pickle.UnpicklingError, AttributeError, ImportError, TypeError) as error:
            refused = _line(error)
        self.store.set(f"answer {self.trainings} {self.place.rank}", refused.encode())
        return self.receive() if work is None else work

    def pass_on(self, what: str) -> None:
        """Rank 0 has done `what`, which the others wait for."""
        self.store.set(f"{self.trainings} {what}", b"1")

    def wait_for(self, what: str) -> None:
        """Wait until rank 0 has done `what`, however long that takes.

        Raises:
            LostProcess: rank 0 is gone.
        """
        self._until(lambda: self.store.check([f"{self.trainings} {what}"]), "")

    def close(self) -> None:
        """Leave the group; rank 0 ends the others first."""
        if self.place.first and not self.lost:
            with contextlib.suppress(RuntimeError):
                self.store.set("end", b"1")
                gone = [f"gone {rank}" for rank in range(1, self.place.size)]
                with contextlib.suppress(LostProcess):
                    self._until(lambda: self.store.check(gone), "", limit_s=_LEAVE_S)
        elif not self.lost:
            with contextlib.suppress(RuntimeError):
                self.store.set(f"gone {self.place.rank}", b"1")
        for child in self.children.values():
            if self.lost:
                child.kill()
            try:
                child.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if distributed.is_initialized():
            distributed.destroy_process_group()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            self.lost = True
            raise self._loss(_line(error)) from error

    def _until(self, done: Callable[[], bool], otherwise: str, *, limit_s: float | None = None) -> None:
        began = time.monotonic()
        while True:
            try:
                if done():
                    return
            except RuntimeError as error:
                self.lost = True
                raise self._loss(_line(error)) from error
            late = limit_s is not None and time.monotonic() - began > limit_s
            if late or any(child.poll() is not None for child in self.children.values()):
                self.lost = True
                raise self._loss(f"{otherwise} in {limit_s:.0f} s" if late else otherwise)
            time.sleep(_POLL_S)

    def _loss(self, seen: str) -> LostProcess:
        """Describe which process was lost."""
        size = self.place.size
        until = time.monotonic() + _LAST_WORDS_S * bool(self.children)
        while True:
            for rank, child in self.children.items():
                status = child.poll()
                if status is not None:
                    how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
                    return LostProcess(f"process {rank} of {size}, on this machine, has ended ({how}).")
            if time.monotonic() > until or "imed out" in seen:
                break
            time.sleep(_POLL_S)
        if not self.place.first:
            return LostProcess(f"process {self.place.rank} of {size} has lost the others, and ends ({seen}).")
        return LostProcess(f"another of the {size} processes has ended, or gave no answer in {TIMEOUT_S:g} s ({seen}).")


_CURE = "Its classes and functions need to be in a module that can be imported (no lambda, nothing of __main__)"


def start(place: ProcessPlace, rank: int, local: int) -> subprocess.Popen[bytes]:
    """Start a further process of this machine, which joins the group at `place` as `rank`."""
    given = [rank, place.size, local, place.address, place.port, TIMEOUT_S]
    return subprocess.Popen(
        [sys.executable, "-m", "unseen.training.joining", *map(str, given)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the lines are rank 0's
        start_new_session=True,  # Ctrl-C is for rank 0, which tells the others after the batch
    )


_joined: list[Ranks] = []  # where several machines or torchrun make one group for all trainings of the command


def keep(ranks: Ranks) -> None:
    """Share all further trainings of this process with this group."""
    _joined.append(ranks)


def asked(settings: Training) -> int:
    """Return the number of processes that share a training.

    >>> asked(Training(devices=2, nodes=3))
    6
    """
    return settings.devices * settings.nodes


@contextlib.contextmanager
def together(settings: Training) -> Iterator[Ranks | None]:
    """Rank 0 of the processes that share this training; None where it has one device.

    Raises:
        TrainingError: the settings contradict each other, a GPU is missing, a process is lost.
    """
    size = asked(settings)
    if size == 1:
        yield None
        return
    check(settings)
    if _joined:
        ranks = _joined[-1]
        if ranks.place.size != size:
            raise TrainingError(f"this training asks for {size} processes, but {ranks.place.size} have joined.")
        yield ranks
        return
    if settings.nodes > 1 or os.environ.get("RANK", "0") != "0":
        raise TrainingError(
            "several machines, or torchrun: call unseen.training.join(training) at the start of the script, so that "
            "every process but the first waits there for its share."
        )
    ranks = Ranks.started(size)
    try:
        yield ranks
    except BaseException:
        ranks.lost = True  # do not wait for processes that may wait in the midst of a step
        raise
    finally:
        ranks.close()


def check_hooks(optimisers: Mapping[str, torch.optim.Optimizer]) -> None:
    """Raise TrainingError for an optimiser with hooks: they are not sent with it, and its steps would differ."""
    hooked = [
        name for name, one in optimisers.items() if one._optimizer_step_pre_hooks or one._optimizer_step_post_hooks
    ]
    if hooked:
        raise TrainingError(
            f"the optimiser of {hooked[0]} has a hook on its steps, which other processes do not get. Use one device."
        )


def check(settings: Training) -> None:
    """Raise TrainingError where the device cannot be had so many times."""
    if ":" in settings.device or settings.device == "mps":
        raise TrainingError(
            f"training.device is {settings.device}, which is one device, but {asked(settings)} are asked for. "
            "Use auto, cpu or cuda, or devices = 1."
        )
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (settings.device == "cuda" or (settings.device == "auto" and there)) and settings.devices > there:
        raise TrainingError(
            f"training.devices is {settings.devices}, but torch sees {there} CUDA devices on this machine. "
            f'Use devices = {max(1, there)}, or device = "cpu".'
        )


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:160] if text else type(error).__name__
