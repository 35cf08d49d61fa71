"""Why the model gave no answer. The message never quotes what the upstream said."""

from promptvault.errors import InvalidInputError, UnavailableError

_MESSAGE = "The server's model does not answer: try again later."


class ModelError(UnavailableError):
    """The model has failed; it may have charged for the request."""

    is_free = False

    def __init__(self, reason: str) -> None:
        super().__init__(_MESSAGE)
        self.reason = reason
        """A word for the operator: a status, or what happened to the connection."""


class ModelDownError(ModelError):
    """The model is down or busy, and has not begun: another one may be asked."""

    is_free = True


class ModelMisconfiguredError(ModelError):
    """The model refuses the server itself, such as its key."""

    is_free = True


class ModelRefusedError(InvalidInputError):
    """The model refuses the request, such as for its length."""

    def __init__(self) -> None:
        super().__init__("The server's model does not accept this request.")
