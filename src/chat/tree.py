"""Walks the messages of a chat, which form a tree: every branch is a conversation of its own."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CTE, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import MessageNotFoundError
from src.chat.models import Message
from src.llm.schemas import ChatMessage
from src.schemas import InvalidCursorError


async def load_history(session: AsyncSession, leaf_id: UUID | None, most: int) -> list[ChatMessage]:
    """Load the last messages of the branch that ends with a message, oldest first."""
    if leaf_id is None or not most:
        return []
    branch = _walk_up(leaf_id, most)
    rows = await session.execute(
        select(Message.role, Message.content)
        .join(branch, branch.c.id == Message.id)
        .order_by(branch.c.distance.desc())
    )
    return [
        ChatMessage("user" if role == "user" else "assistant", content)
        for role, content in rows
        if content
    ]


async def find_newest_answer(session: AsyncSession, session_id: UUID) -> UUID | None:
    return await session.scalar(
        select(Message.id)
        .where(Message.session_id == session_id, Message.role == "assistant")
        .order_by(Message.id.desc())
        .limit(1)
    )


async def load_branch(
    session: AsyncSession, session_id: UUID, leaf_id: UUID, after: UUID | None, most: int
) -> Sequence[Message]:
    """Load messages of a branch from its root on, those behind `after`.

    Only ids are read above the page itself.
    """
    if await _find_session(session, leaf_id) != session_id:
        raise MessageNotFoundError
    branch = _walk_up(leaf_id, None)
    query = (
        select(Message)
        .join(branch, branch.c.id == Message.id)
        .order_by(branch.c.distance.desc())
        .limit(most)
    )
    if after is not None:
        distance = await session.scalar(select(branch.c.distance).where(branch.c.id == after))
        if distance is None:
            raise InvalidCursorError
        query = query.where(branch.c.distance < distance)
    return (await session.scalars(query)).all()


async def _find_session(session: AsyncSession, message_id: UUID) -> UUID | None:
    return await session.scalar(select(Message.session_id).where(Message.id == message_id))


def _walk_up(leaf_id: UUID, most: int | None) -> CTE:
    """Name the messages from a leaf to the root, with their distance from the leaf."""
    branch = (
        select(Message.id, Message.parent_id, literal(0).label("distance"))
        .where(Message.id == leaf_id)
        .cte("branch", recursive=True)
    )
    step = select(Message.id, Message.parent_id, branch.c.distance + 1).join(
        branch, Message.id == branch.c.parent_id
    )
    if most is not None:
        step = step.where(branch.c.distance + 1 < most)
    return branch.union_all(step)
