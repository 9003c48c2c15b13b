"""Request body of a person who confirms a summary of effects, with a note."""

from typing import Annotated

from pydantic import Field

from unseen_server.web.request_model import RequestModel


class Confirmation(RequestModel):
    """Note of a person who has read a summary, and the summary's digest."""

    note: Annotated[str, Field(max_length=1000, pattern=r"\S", description="what was checked; never empty")]
    summary: str = Field(max_length=64, description="the digest of the summary that was read")
