"""How every error goes over the wire."""

from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """What went wrong: the code of a class in `errors`, and a line for a person."""

    code: str
    message: str


class ErrorRead(BaseModel):
    """The body of every answer that tells of an error."""

    error: ErrorDetail
