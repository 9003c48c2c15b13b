"""Probe scores of a site's models: the scores of a model's first worker are the site's.

Each worker scores the probe films with each of its models. A calibration on the site's labels stores the site's scores
in the policy. Each worker compares its own scores with them, so that all machines of one worklist compute alike.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen.screening import Probe
from unseen_server.worklist.tables import model_probes

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site


class ModelProbes:
    """Probe scores of a site's models, as `store.model_probes`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def keep(self, model_digest: str, probes: Sequence[Probe], *, worker: str) -> tuple[Probe, ...]:
        """Keep a model's probe scores, unless a worker has stored some before.

        Args:
            model_digest: digest of the whole model.
            probes: the probe films with the scores of this worker.
            worker: name of the worker.

        Returns:
            The site's scores: these, or those of the first worker.
        """
        with self._site.writing() as writing:
            known = writing.connection.execute(_of(model_digest)).scalar_one_or_none()
            if known is None:
                known = json.dumps([probe.model_dump() for probe in probes])
                writing.connection.execute(
                    model_probes.insert().values(
                        model_digest=model_digest, probes=known, made_by=worker, made_us=writing.now_us
                    )
                )
                writing.log(worker, "model.probed", model_digest)
        return _read(known)

    def of(self, model_digest: str) -> tuple[Probe, ...]:
        """Return the site's scores; none if no worker has used this model."""
        with self._site.database.reading() as connection:
            known = connection.execute(_of(model_digest)).scalar_one_or_none()
        return () if known is None else _read(known)


def _of(model_digest: str):  # type: ignore[no-untyped-def]
    return select(model_probes.c.probes).where(model_probes.c.model_digest == model_digest)


def _read(text: str) -> tuple[Probe, ...]:
    return tuple(Probe.model_validate(one) for one in json.loads(text))
