"""How a route gets the services of the llm module, and who is asking.

They are coroutines because FastAPI would run plain functions in a thread.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from src.config import Settings
from src.database import SessionDep
from src.exceptions import ForbiddenError
from src.llm.pulls import ModelPulls
from src.llm.schemas import Caller
from src.llm.service import LLMService
from src.llm.usage import UsageService


async def get_llm_service(connection: HTTPConnection) -> LLMService:
    service: LLMService = connection.state.llm
    return service


async def get_usage_service(connection: HTTPConnection, session: SessionDep) -> UsageService:
    settings: Settings = connection.state.settings
    return UsageService(session, settings.ollama.daily_token_quota)


async def get_caller(connection: HTTPConnection) -> Caller:
    """Return whom `main` found to be asking: this module knows nothing of accounts."""
    caller: Caller = connection.state.caller
    return caller


def require_admin(caller: Caller) -> None:
    if caller.role != "admin":
        raise ForbiddenError


async def get_model_pulls(connection: HTTPConnection) -> ModelPulls:
    pulls: ModelPulls = connection.state.pulls
    return pulls


LLMServiceDep = Annotated[LLMService, Depends(get_llm_service)]
UsageServiceDep = Annotated[UsageService, Depends(get_usage_service)]
CallerDep = Annotated[Caller, Depends(get_caller)]
ModelPullsDep = Annotated[ModelPulls, Depends(get_model_pulls)]
