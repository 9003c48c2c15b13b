"""A page of the list: rows, groups of unscored studies, and the reference of its percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, Field

from unseen.artifacts import FEWEST_NORMALS, ReferenceNormals, number_of
from unseen_server.web.listed_study import Listed
from unseen_server.web.promise import Promise
from unseen_server.web.response_model import ResponseModel
from unseen_server.worklist.refusals import RefusalGroup

if TYPE_CHECKING:
    from unseen_server.web.score_percentiles import ScorePercentiles
    from unseen_server.worklist.listing import Page


class ReferenceResponse(BaseModel):
    """Films that a score is compared with."""

    words: str = Field(description="whose scores they are; below `needed`, how many there are")
    count: int
    needed: int = Field(description="below this number there is no percentile, and no flag from one")
    of_site: bool = Field(description="of this site or its calibration; false: the model's training normals, or none")

    @classmethod
    def of(cls, reference: ReferenceNormals, *, of_site: bool) -> Self:
        return cls(words=reference.words, count=reference.count, needed=FEWEST_NORMALS, of_site=of_site)


class GroupResponse(ResponseModel, RefusalGroup):
    """Studies that were not scored for one reason, all of them to be read."""

    words: str


class ListedPage(BaseModel):
    """Some rows of a tab, in its order."""

    rows: list[Listed]
    next: str | None = Field(description="a cursor: `after` of the following page; null at the end")
    previous: str | None = Field(description="a cursor: `before` of the page before; null at the beginning")
    total: int = Field(description="rows in the tab under these filters, counted up to 10,000 at most")
    more: bool = Field(description="they were not all counted: there may be more than `total`")
    blind: bool = Field(description="scores and probabilities are left out, since they would tell sampled studies")
    groups: list[GroupResponse] = Field(description="what `grouped` leaves out of the rows, the largest first")
    reference: ReferenceResponse | None = Field(
        description="with which every percentile of the page is compared; null for the blind, and without a model"
    )
    prevalence: float | None = Field(
        description="share of abnormal studies that every probability of the page assumes; null where none is shown"
    )

    @classmethod
    def of(cls, page: Page, ranks: ScorePercentiles, promise: Promise, *, model: str | None, blind: bool) -> Self:
        """`model` decides here: SHA-256 of its weights."""
        return cls(
            rows=[ranks.row(row, promise, blind=blind) for row in page.rows],
            groups=[
                GroupResponse.from_value(
                    group,
                    words=f"{'More than ' if group.more else ''}{number_of(group.studies, 'study')} not scored: "
                    f"{group.clause}. Look at the set-up",
                )
                for group in page.groups
            ],
            reference=None
            if blind or model is None
            else ReferenceResponse.of(ranks.known(model), of_site=ranks.is_of_site(model)),
            prevalence=None if blind else promise.prevalence,
            next=page.next,
            previous=page.previous,
            total=page.total,
            more=page.more,
            blind=blind,
        )
