"""What FastAPI and asyncpg alone do for the same two answers: the floor of `benchmarks.api`.

`python -m benchmarks.minimal PORT DATABASE_URL USER_ID`. No login, no transaction, no log: the
last query of each route, read into the same schema.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import FastAPI, Request

from src.auth.schemas import UserRead
from src.chat.schemas import ChatSessionRead
from src.schemas import Page

_ME = "SELECT * FROM users WHERE id = $1"
_SESSIONS = (
    "SELECT * FROM chat_sessions"
    " WHERE user_id = $1 AND archived_at IS NULL ORDER BY updated_at DESC, id DESC LIMIT 21"
)


def create_minimal_app(database_url: str, user_id: UUID) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with asyncpg.create_pool(database_url, min_size=10, max_size=10) as pool:
            yield {"pool": pool}

    app = FastAPI(lifespan=lifespan)

    @app.get("/auth/me")
    async def get_me(request: Request) -> UserRead:
        pool: asyncpg.Pool = request.state.pool
        return UserRead.model_validate(dict(await pool.fetchrow(_ME, user_id) or {}))

    @app.get("/chat/sessions")
    async def list_sessions(request: Request) -> Page[ChatSessionRead]:
        pool: asyncpg.Pool = request.state.pool
        rows = await pool.fetch(_SESSIONS, user_id)
        items = [ChatSessionRead.model_validate(dict(row)) for row in rows[:20]]
        return Page(items=items, next_cursor=None)

    return app


if __name__ == "__main__":
    port, url, user = sys.argv[1:]
    uvicorn.run(
        create_minimal_app(url, UUID(user)), port=int(port), access_log=False, log_level="warning"
    )
