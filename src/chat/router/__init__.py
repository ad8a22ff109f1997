"""The routes of chat: answers, the chats that they belong to, and the WebSocket."""

from fastapi import APIRouter

from src.chat.router import answers, sessions, socket

router = APIRouter()
router.include_router(answers.router)
router.include_router(sessions.router)
router.include_router(socket.router)
