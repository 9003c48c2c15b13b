"""Base of the requests' bodies: a field that the route does not know is refused, so that none is ignored."""

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """Body of a request; an unknown field is answered 422."""

    model_config = ConfigDict(extra="forbid")
