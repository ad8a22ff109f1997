"""The routes of chat: answers, the chats that they belong to, and the WebSocket."""

from fastapi import APIRouter

from src.auth.dependencies import AUTHENTICATION_ERRORS
from src.chat.router import answers, sessions, socket
from src.schemas import problem_responses

router = APIRouter(responses=problem_responses(*AUTHENTICATION_ERRORS))
router.include_router(answers.router)
router.include_router(sessions.router)
router.include_router(socket.router)
