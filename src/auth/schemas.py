"""What crosses the API about accounts, and the `Principal` that other modules see of a caller."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field

from src.schemas import InputSchema, Schema

Role = Literal["user", "admin"]


def _require_digit(password: str) -> str:
    if not any(character.isdigit() for character in password):
        raise ValueError("must contain a digit")
    return password


Username = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,31}$",
        description="3 to 32 letters, digits, dots, dashes and underscores; unique in any case.",
    ),
]
Password = Annotated[
    str,
    Field(min_length=8, max_length=128, description="8 to 128 characters with a digit."),
    AfterValidator(_require_digit),
]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, as far as the other modules need to know."""

    user_id: UUID
    role: Role


class UserCreate(InputSchema):
    username: Username
    email: Annotated[EmailStr, Field(max_length=254)]
    password: Password


class UserRead(Schema):
    id: UUID
    username: str
    email: str
    role: Role
    created_at: datetime


class LoginForm(Schema):
    """The password grant of OAuth 2 (RFC 6749, section 4.3); its other fields are ignored."""

    username: Annotated[str, Field(max_length=254, description="User name or email address.")]
    password: Annotated[str, Field(max_length=128)]


class TokenRead(Schema):
    access_token: str
    token_type: Literal["bearer"]
    expires_in: Annotated[int, Field(description="Seconds.")]
