"""The routes about models: which there are, what they cost, embeddings."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response, status

from src.database import DatabaseUnavailableError, SessionDep, release
from src.exceptions import ForbiddenError
from src.llm.dependencies import (
    CallerDep,
    LLMServiceDep,
    ModelPullsDep,
    UsageServiceDep,
    require_admin,
)
from src.llm.exceptions import (
    MODEL_ERRORS,
    SERVER_ERRORS,
    ContextLengthExceededError,
    ModelInUseError,
    ModelNotFoundError,
    QuotaExceededError,
)
from src.llm.names import MAX_MODEL_NAME_LENGTH
from src.llm.schemas import (
    EmbeddingsCreate,
    EmbeddingsRead,
    LLMStatusRead,
    ModelRead,
    PullCreate,
    PullEvent,
    UsagePage,
)
from src.llm.usage import UsageQuery
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import Cursor, InvalidCursorError, Page, PageSize, problem_responses
from src.sse import EventStreamResponse, encode_events

router = ModuleRouter(prefix=f"{API_PREFIX}/llm", tags=["llm"])

ModelName = Annotated[
    str,
    Path(max_length=MAX_MODEL_NAME_LENGTH, description="Without a tag, `:latest` is meant."),
]


@router.get("/models", responses=problem_responses(*SERVER_ERRORS))
async def list_models(llm: LLMServiceDep) -> Page[ModelRead]:
    """List the models that are installed, all on one page."""
    return Page(items=await llm.list_models(), next_cursor=None)


@router.get("/models/{name:path}", responses=problem_responses(ModelNotFoundError, *SERVER_ERRORS))
async def get_model(name: ModelName, llm: LLMServiceDep) -> ModelRead:
    """Describe one installed model."""
    return await llm.get_model(name)


@router.delete(
    "/models/{name:path}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(ModelNotFoundError, ModelInUseError, *SERVER_ERRORS),
)
async def delete_model(name: ModelName, llm: LLMServiceDep) -> None:
    """Remove a model from the model server; for admins."""
    await llm.delete_model(name)


@router.post(
    "/models/pull",
    response_class=EventStreamResponse,
    responses={
        200: {"model": PullEvent, "description": "Server-sent events; `event:` is the type."},
    },
)
async def pull_model(body: PullCreate, pulls: ModelPullsDep) -> Response:
    """Let the model server fetch a model, and watch; for admins.

    It goes on when you leave: ask again to watch again. The events are `pull.progress`, and at the
    end either `pull.completed` or `error`.
    """
    pulls.start(body.model)
    return EventStreamResponse(encode_events(pulls.follow(body.model)))


@router.get("/status")
async def get_status(llm: LLMServiceDep) -> LLMStatusRead:
    """Tell whether the configured models can be used now, and what to do if not."""
    return await llm.check()


@router.post(
    "/embeddings",
    responses=problem_responses(
        ContextLengthExceededError,
        QuotaExceededError,
        *MODEL_ERRORS,
        DatabaseUnavailableError,
    ),
)
async def create_embeddings(
    body: EmbeddingsCreate,
    caller: CallerDep,
    llm: LLMServiceDep,
    usage: UsageServiceDep,
    session: SessionDep,
) -> EmbeddingsRead:
    """Turn texts into vectors, with the model that searches your documents."""
    await usage.check_quota(caller.user_id)
    await release(session)
    identity = await llm.get_embedding_identity()
    embeddings = await llm.embed_texts(
        body.texts, is_query=body.input_type == "query", user_id=caller.user_id
    )
    tokens = embeddings.prompt_tokens
    await usage.record(caller.user_id, identity.model, prompt_tokens=tokens, completion_tokens=0)
    return EmbeddingsRead(model=identity.model, vectors=embeddings.vectors, prompt_tokens=tokens)


@router.get(
    "/usage",
    responses=problem_responses(ForbiddenError, InvalidCursorError, DatabaseUnavailableError),
)
async def list_usage(
    caller: CallerDep,
    usage: UsageServiceDep,
    of: Annotated[
        Literal["me", "everybody"], Query(description="`everybody` is for admins.")
    ] = "me",
    days: Annotated[int, Query(ge=1, le=366, description="With today among them.")] = 30,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> UsagePage:
    """List what was asked of the models per user, model and day (UTC), the newest day first."""
    if of == "everybody":
        require_admin(caller)
    user_id = caller.user_id if of == "me" else None
    return await usage.list_usage(caller.user_id, UsageQuery(user_id, days, cursor, limit))
