"""The routes of chat: asking and answers, chats and messages, and the WebSocket."""

from src.chat.router import answers, sessions, socket

routers = (answers.router, sessions.router, socket.router)
