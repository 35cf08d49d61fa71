"""The body of errors."""

from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """The code of a class in `errors`, and a message for the user."""

    code: str
    message: str


class ErrorRead(BaseModel):
    """The body of every answer with an error status."""

    error: ErrorDetail
