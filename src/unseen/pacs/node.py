"""The node as a whole: its listener, storage commitment, and what runs behind them. One place starts and ends all.

A part is anything with `start` and `stop`: the outbox's loop, and what `neighbours` adds for HL7, FHIR and metrics.
Parts start before the listener and end after it, so that what comes in always meets what handles it.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from unseen.pacs.commitment import Commitments, OnReport
from unseen.pacs.config import PacsConfig
from unseen.pacs.delivery import Delivery
from unseen.pacs.intake import Intake
from unseen.pacs.listener import Listener
from unseen.pacs.neighbours import neighbours
from unseen.worklist.store import Store

_log = logging.getLogger("unseen")


class Part(Protocol):
    """What runs in the background of a node."""

    def start(self) -> None:
        """Begin; return at once."""

    def stop(self) -> None:
        """End within a second or two; what is not done is done after the next start."""


class Node:
    """Runs from `start` to `stop`, or in a `with` block.

    on_report  takes what peers report of our results; where it raises a WorklistError, the peer reports again; None:
               the outbox takes it
    """

    def __init__(
        self,
        config: PacsConfig,
        store: Store,
        *,
        on_report: OnReport | None = None,
    ) -> None:
        self.config, self.store = config, store
        self.intake = Intake(store, config)
        self.commitments = Commitments(
            config,
            store.home,
            holds=store.holds,
            on_report=on_report or (lambda report: self.delivery.reported(report)),
        )
        self.delivery = Delivery(config, store, ask=self.commitments.ask)
        self.listener = Listener(config, self.intake, self.commitments)
        self.neighbours = neighbours(self)
        self._parts: list[Part] = [self.commitments, self.delivery, *self.neighbours, self.listener]
        self._started: list[Part] = []

    def start(self) -> None:
        """Start every part. Raises PacsConfigError where a port is taken; nothing runs then."""
        self.store.sweep()
        try:
            for part in self._parts:
                part.start()
                self._started.append(part)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every part, the listener first."""
        while self._started:
            self._started.pop().stop()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set."""
        with self:
            stop.wait()

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
