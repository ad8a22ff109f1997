"""How a route gets the services of the llm module.

They are coroutines because FastAPI would run plain functions in a thread.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from src.database import SessionDep
from src.llm.service import LLMService
from src.llm.usage import UsageService


async def get_llm_service(connection: HTTPConnection) -> LLMService:
    service: LLMService = connection.state.llm
    return service


async def get_usage_service(session: SessionDep) -> UsageService:
    return UsageService(session)


LLMServiceDep = Annotated[LLMService, Depends(get_llm_service)]
UsageServiceDep = Annotated[UsageService, Depends(get_usage_service)]
