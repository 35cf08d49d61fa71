"""The server's model over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from promptvault.domain.hosted import Task
from promptvault.errors import NotFoundError
from promptvault.server.ai.service import Hosted, Labels, read_usage
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.http.json_body import body_of, documented, read_model
from promptvault.wire.ai import AiUsageRead, ChatCreate, ChatRead
from promptvault.wire.error import ErrorRead

router = APIRouter(tags=["ai"], prefix="/ai")

_NO_MODEL: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorRead, "description": "The server has no model of its own."}
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    **_NO_MODEL,
    200: {
        "model": ChatRead,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "The answer, as a whole or as OpenAI's events.",
    },
    402: {"model": ErrorRead, "description": "The plan does not include it."},
    409: {
        "model": ErrorRead,
        "description": "The first request with this key is still running.",
    },
}
_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would hold events back


@router.post(
    "/chat/completions",
    response_model=None,
    responses=_ANSWERS,
    openapi_extra=documented(ChatCreate),
)
async def create_completion(
    http: Request,
    bearer: Authenticated,
    pv_task: Annotated[Task, Header()],
    pv_operation: Annotated[UUID | None, Header()] = None,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """Answer with the server's model."""
    hosted = _hosted(http)
    customer = await hosted.admit(bearer)
    chat = await read_model(http, ChatCreate)
    labels = Labels(pv_task, pv_operation, idempotency_key)
    exchange = hosted.start(bearer, customer, chat, await body_of(http), labels)
    if chat.stream:
        events = await exchange.stream()
        return StreamingResponse(events, 200, _HEADERS, "text/event-stream")
    answer = await exchange.whole()
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/usage", responses=_NO_MODEL)
async def show_ai_usage(
    connection: Transaction, settings: AppSettings, bearer: Authenticated
) -> AiUsageRead:
    """Return what the account has used of the server's model this month."""
    return await read_usage(connection, settings, bearer.account_id)


def _hosted(request: Request) -> Hosted:
    hosted: Hosted | None = request.app.state.hosted
    if hosted is None:
        raise NotFoundError("This server has no model of its own.")
    return hosted
