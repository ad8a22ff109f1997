"""The routes about models. Who may call them is decided where the router is included."""

from typing import Annotated

from fastapi import APIRouter, Path

from src.llm.dependencies import LLMServiceDep
from src.llm.exceptions import (
    LLMFailedError,
    LLMInvalidResponseError,
    LLMTimedOutError,
    LLMUnavailableError,
    ModelNotFoundError,
)
from src.llm.names import MAX_MODEL_NAME_LENGTH
from src.llm.schemas import LLMStatusRead, ModelRead
from src.schemas import Page, problem_responses

router = APIRouter(prefix="/llm", tags=["llm"])

_SERVER_ERRORS = (LLMInvalidResponseError, LLMFailedError, LLMUnavailableError, LLMTimedOutError)

ModelName = Annotated[
    str,
    Path(max_length=MAX_MODEL_NAME_LENGTH, description="Without a tag, `:latest` is meant."),
]


@router.get("/models", responses=problem_responses(*_SERVER_ERRORS))
async def list_models(llm: LLMServiceDep) -> Page[ModelRead]:
    """List the models that are installed, all on one page."""
    return Page(items=await llm.list_models(), next_cursor=None)


@router.get("/models/{name:path}", responses=problem_responses(ModelNotFoundError, *_SERVER_ERRORS))
async def get_model(name: ModelName, llm: LLMServiceDep) -> ModelRead:
    """Describe one installed model."""
    return await llm.get_model(name)


@router.get("/status")
async def get_status(llm: LLMServiceDep) -> LLMStatusRead:
    """Tell whether the configured models can be used now, and what to do if not."""
    return await llm.check()
