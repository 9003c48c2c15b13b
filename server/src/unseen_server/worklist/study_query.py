"""Query of the list: one definition of its filters, order and page, from the request body to the SQL.

The routes read `Search` from a request and saved views keep `ListFilters`; both have only fields that a client may set.
`StudyQuery` adds what the server knows about the client, and is the one argument of `Lists.page`. `listing` and
`filter_sql` read it to make the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, ConfigDict, Field

from unseen_server.worklist.list_sorting import ORDERS, TABS, SortOrder, Tab
from unseen_server.worklist.states import STATES, NotAllowedError, State, WorklistError

ME: Final = "@me"
NOBODY: Final = "@nobody"
MOST: Final = 200
"""Most rows of a page."""


@dataclass(frozen=True, kw_only=True)
class ListFilters:
    """Filters and order of the list, without a search and without a page."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    tab: Annotated[
        Tab, Field(description="every study is on one of to_read, cleared, reported; not_scored: to_read's top")
    ] = "to_read"
    source: Annotated[str | None, Field(max_length=200, description="of this source alone")] = None
    state: Annotated[State | None, Field(description="in this state")] = None
    view: Annotated[str | None, Field(max_length=16, description="ViewPosition of a frontal film, else of another")] = (
        None
    )
    flag: Annotated[bool | None, Field(description="true: whose row is flagged; false: the others")] = None
    assigned: Annotated[str | None, Field(max_length=64, description="assigned to this account; `@me`, `@nobody`")] = (
        None
    )
    disagreement: Annotated[bool, Field(description="on which models disagree; not for blind readers")] = False
    order: Annotated[
        SortOrder,
        Field(
            description="list: in which it is to be read; others ascend: oldest, lowest score (not for blind readers), "
            "source"
        ),
    ] = "list"
    reverse: Annotated[bool, Field(description="the other way round")] = False


@dataclass(frozen=True, kw_only=True)
class Search(ListFilters):
    """Filters, order and page of the list. It is a body, not an address, because `text` may be a patient's number."""

    since: Annotated[AwareDatetime | None, Field(description="received then or later")] = None
    until: Annotated[AwareDatetime | None, Field(description="received before")] = None
    text: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="whose accession number, patient, StudyInstanceUID, file name, film or study is this, exactly; "
            "or whose accession number or patient begins so, as it is stored: from three characters on, from eight of "
            "a pseudonym",
        ),
    ] = None
    after: Annotated[str | None, Field(max_length=2000, description="`next` of an earlier page")] = None
    before: Annotated[str | None, Field(max_length=2000, description="`previous` of an earlier page")] = None
    last: Annotated[bool, Field(description="the last page")] = False
    limit: Annotated[int, Field(ge=1, le=MOST, description="rows")] = 50
    refusal: Annotated[str | None, Field(max_length=200, description="`clause` of rows that were not scored")] = None
    grouped: Annotated[bool, Field(description="leave out what stands in `groups`")] = False


@dataclass(frozen=True, kw_only=True)
class FlagRule:
    """Rule of the flag: the same that a row's words follow from. Without any value, no row is flagged.

    Attributes:
        priority: from this priority on, whatever the score: on a blind page; None on others.
        scores: by model: the score from which on, and whether it is itself included.

    >>> FlagRule(scores={"pca": (0.8, True)}).priority is None
    True
    """

    priority: float | None = None
    scores: Mapping[str, tuple[float, bool]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StudyQuery(Search):
    """Query of a page of the list: the fields of a search, and what the server adds for the client that asks.

    Attributes:
        reader: account whose `seen` the rows have, and that `@me` names; None: nobody's.
        blind: leave out what would tell a sampled study from the others; for readers, where a policy clears.
        whole_terms: match `text` only as a whole; for clients that must not find out a number character by character.
        flag_rule: rule by which `flag` finds rows; None: `flag` is refused.

    >>> search = Search(tab="all", limit=5)
    >>> StudyQuery.asked(search, reader="ann", blind=False, whole_terms=False, flag_rule=None).limit
    5
    """

    reader: str | None = None
    blind: bool = True
    whole_terms: bool = False
    flag_rule: FlagRule | None = None

    @classmethod
    def asked(
        cls, search: Search, *, reader: str | None, blind: bool, whole_terms: bool, flag_rule: FlagRule | None
    ) -> StudyQuery:
        """Return the query for a search that a client has sent."""
        return cls(**vars(search), reader=reader, blind=blind, whole_terms=whole_terms, flag_rule=flag_rule)

    @property
    def assignee(self) -> str | None:
        """Account to which the studies are assigned, `@me` resolved; None: the filter is off."""
        return (self.reader or NOBODY) if self.assigned == ME else self.assigned

    def check(self) -> None:
        """Refuse a query that no page answers.

        Raises:
            WorklistError: no such tab, state or order, an order that the tab does not have, a limit outside 1 to 200,
                `flag` without a rule.
            NotAllowedError: an order or a filter that a blind page must not have.
        """
        if self.tab not in TABS:
            raise WorklistError(f"{str(self.tab)[:40]!r}: no such tab. There are {', '.join(TABS)}.")
        if self.order not in ORDERS:
            raise WorklistError(f"{str(self.order)[:40]!r}: no such order. There are {', '.join(ORDERS)}.")
        if (self.tab, self.order) == ("all", "source"):
            raise WorklistError("All studies together are not sorted by source. Choose another order, or a source.")
        if not 1 <= self.limit <= MOST:
            raise WorklistError(f"A page of {self.limit} rows cannot be had. Ask for 1 to {MOST}.")
        if (self.after is not None) + (self.before is not None) + self.last > 1:
            raise WorklistError("Ask for one of: what comes after, what comes before, the last page.")
        if self.blind and (self.order == "score" or self.disagreement):
            raise NotAllowedError(
                "Readers see neither scores nor models while a policy clears: sort and filter otherwise."
            )
        if self.state is not None and self.state not in STATES:
            raise WorklistError(f"{str(self.state)[:40]!r}: no such state. There are {', '.join(STATES)}.")
        if self.flag is not None and self.flag_rule is None:
            raise WorklistError("`flag` needs a `flag_rule`. Give the rule by which rows are flagged.")
