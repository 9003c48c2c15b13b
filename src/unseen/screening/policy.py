"""`Policy`: a site's calibrated decisions in one file, `policy.json`, bound to one model by its digest.

A policy is plain data: thresholds per source, the map to probabilities, the normals' scores, the drift reference. Its
digest covers all of it and is part of every decision.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unseen.artifacts.errors import UserError
from unseen.artifacts.files import write_text
from unseen.artifacts.installed_models import located
from unseen.artifacts.model_digest import altered_parts, canonical_json, digest_of_parts, strict_json
from unseen.artifacts.percentile import ReferenceNormals
from unseen.artifacts.recipe import RecipeError, validated
from unseen.artifacts.research_only import LIMITS
from unseen.data.film import Film
from unseen.screening.audit_draw import AUDIT_SHARE
from unseen.screening.drift_watch import DriftReference
from unseen.screening.guarantee import Guarantee
from unseen.screening.probability import ProbabilityMap
from unseen.screening.probes import Probe

UNKNOWN_SOURCE = "unknown"
"""The source of a film that no calibrated source claims; it is never cleared."""

_FORMAT = 3


_FORMAT_OF_ENTERED = 3  # from this format on, a policy has probabilities only if a prevalence was entered
_DIGESTS = ("digest", "digests", "model_digest")
"""Keys of the file that are computed from the others."""

_SINCE_FORMAT_2 = {"model_parts", "probes"}


_MOST_BYTES = 64 * 2**20
_WANTED = "the file that `unseen calibrate` wrote"


class PolicyError(UserError, ValueError):
    """A policy that cannot be read, or is another model's; the message names the file, the cause and the cure."""


class SourcePolicy(BaseModel):
    """Calibration of one source: a hospital, or a device."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    abnormals: int = Field(ge=0, description="abnormal studies that count, one a patient")
    normals: tuple[float, ...] = Field(description="the normal studies' scores, increasing, one a patient")
    not_scored: int = Field(default=0, ge=0, description="studies that the gate refused or that were not read")
    allowed_misses: int | None = Field(default=None, ge=0, description="k, a function of the abnormals' number alone")
    threshold: float | None = Field(default=None, description="studies strictly below are cleared; None: none are")
    cleared_normals: int = Field(default=0, ge=0, description="of `normals`, how many lie below the threshold")
    refused: str = Field(default="", description="why nothing is cleared from this source")


class Policy(BaseModel):
    """A site's policy; see `screening.calibrate`, which makes it.

    >>> policy = Policy(model="pca", weights_sha256="ab" * 32, max_miss_rate=0.1, confidence=0.95, level=0.95,
    ...                 sources={"ward": SourcePolicy(abnormals=29, normals=(0.1, 0.2), threshold=0.15)})
    >>> policy.digest == policy.model_copy(update={"audit_share": 0.5}).digest
    False
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1, 2, 3] = 3
    model: str = Field(description="the detector's name, for people")
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the model's weights file")
    model_parts: dict[str, str] = Field(
        default={}, description="SHA-256 of each part of the model that this policy goes with; none in format 1"
    )
    probes: tuple[Probe, ...] = Field(default=(), description="probe films, scored by the calibrating machine")
    max_miss_rate: float = Field(gt=0, lt=1, description="α: of abnormal studies, per source")
    confidence: float = Field(gt=0, lt=1, description="1 − δ, as asked for")
    level: float = Field(gt=0, lt=1, description="1 − δ as spent on each source: less δ over a lifetime, or jointly")
    lifetime: int | None = Field(default=None, ge=1, description="this is the j-th calibration of a lifetime")
    jointly: bool = Field(default=False, description="holds for all sources at once")
    sources: dict[str, SourcePolicy] = {}
    source_tag: str | None = Field(default=None, description="DICOM keyword whose value is a film's source")
    probability: ProbabilityMap | None = None
    gate: dict[str, float] | None = Field(default=None, description="the input gate's thresholds; None: no gate")
    drift: DriftReference | None = None
    audit_share: float = Field(default=AUDIT_SHARE, ge=0, le=1, description="of cleared studies, read all the same")
    films: tuple[str, ...] = Field(default=(), description="calibration films, first 16 digits of pixel_sha256")
    created: str = ""
    version: str = ""
    limits: str = LIMITS

    @field_validator("sources")
    @classmethod
    def _unknown_is_no_source(cls, sources: dict[str, SourcePolicy]) -> dict[str, SourcePolicy]:
        if any(_is_unknown(name) for name in sources):
            raise ValueError(f'"{UNKNOWN_SOURCE}" is where films go that belong to no source; give the source a name')
        return sources

    @property
    def digest(self) -> str:
        """SHA-256 of everything in this policy, 64 hexadecimal digits."""
        return hashlib.sha256(canonical_json(self._table())).hexdigest()

    def _table(self) -> dict[str, object]:
        """Return the policy as JSON values, in its own format."""
        return self.model_dump(mode="json", exclude=_SINCE_FORMAT_2 if self.format == 1 else None)

    @property
    def model_digest(self) -> str:
        """Digest of the model that this policy goes with, 64 hexadecimal digits; "" in format 1."""
        return digest_of_parts(self.model_parts) if self.model_parts else ""

    def mismatch(self, parts: Mapping[str, str]) -> str:
        """State why this policy does not go with a model.

        Args:
            parts: digests of the model's parts; see `artifacts.part_digests`.

        Returns:
            A sentence with the remedy; "" where the policy goes with the model.

        Example:
            >>> policy = Policy(model="pca", weights_sha256="ab" * 32, max_miss_rate=0.1, confidence=0.95, level=0.95,
            ...                 model_parts={"weights": "ab" * 32, "gate": "cd"})
            >>> policy.mismatch({"weights": "ab" * 32, "gate": "ce"})[:58]
            'the policy was calibrated for pca with another gate (model'
        """
        if parts.get("weights") != self.weights_sha256:
            return (
                f"the policy was calibrated for {self.model} with the weights {self.weights_sha256[:16]}…, and this "
                f"model has {parts.get('weights', '')[:16]}…. Calibrate this model, or load the other"
            )
        if not self.model_parts:
            return (
                f"the policy for {self.model} is of an earlier version, which bound it to the weights alone. "
                "Calibrate again: the model needs a new policy"
            )
        if differing := altered_parts(parts, self.model_parts):
            return (
                f"the policy was calibrated for {self.model} with another {', '.join(differing)} (model digest "
                f"{self.model_digest[:16]}…, here {digest_of_parts(parts)[:16]}…). Calibrate this model, or load the "
                "other"
            )
        return ""

    @property
    def prevalence(self) -> float | None:
        """Prevalence of abnormal studies that the user entered; None: none was, and no probability is shown.

        Earlier formats took the labelled studies' own share where none was entered; this counts as not entered.
        """
        if self.probability is None or self.format >= _FORMAT_OF_ENTERED:
            return None if self.probability is None else self.probability.prevalence
        known = 0 if self.drift is None else len(self.drift.normals) + len(self.drift.abnormals)
        if self.drift is None or known == 0:
            return None
        as_labelled = len(self.drift.abnormals) / known
        entered = self.probability.prevalence
        return None if math.isclose(entered, as_labelled, rel_tol=1e-9) else entered

    @property
    def reference(self) -> ReferenceNormals:
        """The calibration's normal studies, as the reference of percentiles."""
        normals = [score for source in self.sources.values() for score in source.normals]
        return ReferenceNormals.of(
            self.drift.normals if self.drift is not None else normals, "normals of the calibration"
        )

    @property
    def guarantee(self) -> Guarantee:
        """Guarantee of each source."""
        return Guarantee(self.max_miss_rate, self.level)

    @property
    def clears(self) -> bool:
        """True if studies of at least one source can be cleared."""
        return any(source.threshold is not None for source in self.sources.values())

    def source_of(self, film: Film, *, fixed: Collection[str] = ()) -> str:
        """Return the calibrated source that a film belongs to, or "unknown"; `fixed`: as for `claimed_source`."""
        name = claimed_source(film.tags, film.source, tag=self.source_tag, fixed=fixed)
        return name if name in self.sources else UNKNOWN_SOURCE

    def save(self, path: Path | str) -> None:
        """Write `path`, whole or not at all."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        table = self._table()
        if self.format > 1:
            table |= {"model_digest": self.model_digest, "digests": _field_digests(table)}
        write_text(path, json.dumps(table | {"digest": self.digest}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a policy back; `models/phantom-screener.policy.json` names the policy that ships with that model.

        Raises PolicyError for a file that is missing, no policy, of a newer format, or altered since it was written.
        """
        path = located(Path(path))
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise PolicyError(f"{path}: {path.stat().st_size} bytes is no policy. Give {_WANTED}")
            table = strict_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise PolicyError(f"{path}: cannot be read ({error.strerror}). Give {_WANTED}") from error
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"{path}: not JSON ({error}). Give {_WANTED}") from error
        if not isinstance(table, Mapping) or "weights_sha256" not in table:
            raise PolicyError(f"{path}: not a policy. Give {_WANTED}")
        if isinstance(number := table.get("format"), int) and number > _FORMAT:
            raise PolicyError(f"{path}: format {number}, but this version reads up to {_FORMAT}. Update unseen")
        body = {key: value for key, value in table.items() if key not in _DIGESTS}
        if table.get("digest") != hashlib.sha256(canonical_json(body)).hexdigest():
            stated = table.get("digests")
            fields = altered_parts(_field_digests(body), stated if isinstance(stated, Mapping) else {})
            named = f"{', '.join(fields)} " if isinstance(stated, Mapping) and fields else ""
            raise PolicyError(
                f"{path}: {named}altered since it was written (the digest does not match). Calibrate again: a manually "
                "changed threshold guarantees nothing"
            )
        try:
            policy = validated(body, cls)
        except RecipeError as error:
            raise PolicyError(f"{path}: {'; '.join(str(error).splitlines())}. Calibrate again") from error
        computed = {"digests": _field_digests(body), "model_digest": policy.model_digest}
        for name, value in computed.items() if policy.format > 1 else ():
            if table.get(name) != value:
                raise PolicyError(f"{path}: {name} altered since it was written. Calibrate again")
        return policy


def claimed_source(tags: Mapping[str, str], source: str, *, tag: str | None = None, fixed: Collection[str] = ()) -> str:
    """Return the source of a film for a policy.

    A header is written by the sender, who can write any name into it. So the header counts only where nobody has
    authenticated the sender for a source.

    Args:
        tags: the film's DICOM attributes by keyword.
        source: the source under which the film came: the manifest's column, the folder, or the sender's account.
        tag: DICOM keyword whose value is a film's source, such as "StationName"; None: `source` counts.
        fixed: sources that senders were authenticated for; for them `source` counts, whatever the header has.

    Returns:
        The value of the attribute where it counts and the film has it, else `source`; `UNKNOWN_SOURCE` for this word
        in any case, as devices without a name write it.

    Example:
        >>> header = {"StationName": "DX-2"}
        >>> claimed_source(header, "ward", tag="StationName")
        'DX-2'
        >>> claimed_source(header, "ward", tag="StationName", fixed={"ward"})
        'ward'
        >>> claimed_source({"StationName": "UNKNOWN"}, "ward", tag="StationName")
        'unknown'
    """
    named = tags.get(tag) if tag and source not in fixed else None
    claimed = named or source
    return UNKNOWN_SOURCE if _is_unknown(claimed) else claimed


def _is_unknown(source: str) -> bool:
    return source.strip().lower() in (UNKNOWN_SOURCE, "")


def _field_digests(table: Mapping[str, object]) -> dict[str, str]:
    """Return the SHA-256 of each field, so that an error names the one that was altered."""
    return {name: hashlib.sha256(canonical_json(value)).hexdigest() for name, value in table.items()}
