"""How administrators come about when there is none to appoint them."""

import structlog
from pydantic import ValidationError
from sqlalchemy import select

from src.auth.events import AuditTrail
from src.auth.exceptions import EmailTakenError, UsernameTakenError
from src.auth.models import User
from src.auth.passwords import Passwords
from src.auth.schemas import Client, UserCreate
from src.auth.service import add_user
from src.config import AuthSettings
from src.database import Sessions

log = structlog.get_logger(__name__)

_OPERATOR = Client(address="local", user_agent="colloquy")


class BadAdminError(ValueError):
    """The account cannot be made; the message says why, and does not hold the password."""


def check_admin(username: str, email: str, password: str) -> UserCreate:
    """Raises `BadAdminError` for what would not be accepted from anybody else either."""
    try:
        return UserCreate(username=username, email=email, password=password)
    except ValidationError as error:
        # The error itself would show what was typed.
        reasons = [f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()]
        raise BadAdminError("; ".join(reasons)) from None


async def create_admin(sessions: Sessions, passwords: Passwords, new: UserCreate) -> None:
    """Make an administrator. Raises `BadAdminError` when the name or the address is taken."""
    password_hash = await passwords.hash(new.password)
    try:
        async with sessions.begin() as session:
            user = await add_user(session, new, password_hash, "admin")
            await AuditTrail(session, _OPERATOR).record("user_created", user.id, subject_id=user.id)
    except (UsernameTakenError, EmailTakenError) as error:
        raise BadAdminError(error.detail) from error


async def ensure_first_admin(
    sessions: Sessions, passwords: Passwords, settings: AuthSettings
) -> None:
    """Make the administrator whom the settings name, unless there is one already.

    An account that exists is not promoted: anybody may have registered it.
    """
    name, email, password = (
        settings.first_admin_username,
        settings.first_admin_email,
        settings.first_admin_password,
    )
    if name is None or email is None or password is None or await _has_admin(sessions):
        return
    try:
        new = check_admin(name, email, password.get_secret_value())
        await create_admin(sessions, passwords, new)
        log.info("made the first administrator", username=name)
    except BadAdminError as error:
        log.warning("the first administrator could not be made", reason=str(error))


async def _has_admin(sessions: Sessions) -> bool:
    async with sessions() as session:
        found = await session.scalar(select(User.id).where(User.role == "admin").limit(1))
        return found is not None
