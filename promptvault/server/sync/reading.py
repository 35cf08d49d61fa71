"""A request of sync out of JSON, push by push."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from promptvault.wire.sync import Push, SyncRequest

_PUSH: TypeAdapter[Push] = TypeAdapter(Push)
_FEW = 8
"""So many pushes are validated at once."""

T = TypeVar("T")


def request_of(data: Any) -> SyncRequest:
    """Return what a device asks.

    Each push is validated by itself, so that other threads go on in between. Raises
    OutdatedError, RequestValidationError.
    """
    pushes = _take_pushes(data)
    request = _validated(SyncRequest.model_validate, data)
    for number, each in pushes.items():
        request.vaults[number].push = [
            _validated(_PUSH.validate_python, push, "vaults", number, "push", index)
            for index, push in enumerate(each)
        ]
    return request


def _take_pushes(data: Any) -> dict[int, list[Any]]:
    """Remove the pushes from each vault that has many, and return them."""
    vaults = data.get("vaults") if isinstance(data, dict) else None
    return {
        number: vault.pop("push")
        for number, vault in enumerate(vaults if isinstance(vaults, list) else ())
        if isinstance(vault, dict)
        and isinstance(vault.get("push"), list)
        and len(vault["push"]) > _FEW
    }


def _validated(validate: Callable[[Any], T], data: Any, *place: str | int) -> T:
    try:
        return validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise RequestValidationError(
            [each | {"loc": ("body", *place, *each["loc"])} for each in problems]
        ) from None
