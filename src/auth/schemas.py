"""What crosses the API about accounts, and the `Principal` that other modules see of a caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, EmailStr, Field, StrictBool, field_validator

from src.auth.exceptions import MissingScopeError
from src.schemas import InputSchema, Schema, show_example

Role = Literal["user", "admin"]
Scope = Literal["chat", "documents:read", "documents:write", "llm"]
EventKind = Literal[
    "registered",
    "logged_in",
    "login_failed",
    "logged_out",
    "login_revoked",
    "logins_revoked",
    "refresh_token_reused",
    "profile_changed",
    "password_changed",
    "password_check_failed",
    "api_key_created",
    "api_key_revoked",
    "user_created",
    "user_changed",
    "user_deleted",
]

ALL_SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))


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
Email = Annotated[
    EmailStr, Field(max_length=254, description="Unique in any case and look-alike form.")
]
Password = Annotated[
    str,
    Field(
        min_length=8,
        max_length=128,
        description="8 to 128 characters with a digit.",
        json_schema_extra={"pattern": "[0-9]"},
    ),
    AfterValidator(_require_digit),
]
GivenPassword = Annotated[str, Field(max_length=128)]
KeyName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, as far as the other modules need to know.

    Somebody with a login has every scope and their own role. An API key has the scopes it was
    given, and never acts as an administrator. `account` has what `UserRead` shows.
    """

    user_id: UUID
    role: Role
    account: Mapping[str, Any] = field(repr=False, compare=False)
    scopes: frozenset[Scope] = ALL_SCOPES
    login_id: UUID | None = None
    key_id: UUID | None = None

    def require_scope(self, *any_of: Scope) -> None:
        """Raise `MissingScopeError` unless one of the scopes is there."""
        if self.scopes.isdisjoint(any_of):
            needed = " or ".join(f"`{scope}`" for scope in any_of)
            raise MissingScopeError(f"The API key needs the scope {needed} for this.")


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from, for the audit trail and the list of logins."""

    address: str
    user_agent: str


class UserCreate(InputSchema):
    model_config = show_example(
        username="ada",
        email="ada@example.org",
        password="lovelace 1815",  # noqa: S106, it is nobody's
    )

    username: Username
    email: Email
    password: Password


class UserUpdate(InputSchema):
    """What is left out or null stays as it is."""

    model_config = show_example(email="ada@example.com")

    username: Username | None = None
    email: Email | None = None


class PasswordUpdate(InputSchema):
    current_password: GivenPassword
    new_password: Password


class AccountDelete(InputSchema):
    current_password: GivenPassword


class UserRead(Schema):
    id: UUID
    username: str
    email: str
    role: Role
    is_active: bool
    created_at: datetime


class ManagedUserCreate(UserCreate):
    role: Role = "user"


class ManagedUserUpdate(InputSchema):
    """What is left out or null stays as it is."""

    model_config = show_example(role="admin")

    role: Role | None = None
    is_active: Annotated[
        StrictBool | None,
        Field(description="False ends every login and suspends every API key."),
    ] = None
    new_password: Annotated[
        Password | None, Field(description="For somebody who forgot theirs; ends every login.")
    ] = None


class LoginForm(Schema):
    """The password grant of OAuth 2 (RFC 6749, section 4.3); its other fields are ignored."""

    username: Annotated[
        str, Field(min_length=1, max_length=254, description="User name or email address.")
    ]
    password: Annotated[GivenPassword, Field(min_length=1)]


class RefreshCreate(InputSchema):
    refresh_token: Annotated[str, Field(max_length=200)]


class TokenRead(Schema):
    access_token: str
    refresh_token: Annotated[str, Field(description="Good for one use at `/auth/refresh`.")]
    token_type: Literal["bearer"]
    expires_in: Annotated[int, Field(description="Seconds the access token lasts.")]


class LoginRead(Schema):
    id: UUID
    user_agent: Annotated[str, Field(description="What the device called itself.")]
    address: Annotated[str, Field(description="Where it was last seen.")]
    created_at: datetime
    last_used_at: Annotated[datetime, Field(description="When its tokens were last refreshed.")]
    expires_at: Annotated[datetime, Field(description="When it ends unless it is used.")]
    is_current: Annotated[bool, Field(description="Whether it is the one that asks.")]


class APIKeyCreate(InputSchema):
    model_config = show_example(name="Nightly report", scopes=["chat", "documents:read"])

    name: KeyName
    scopes: Annotated[
        frozenset[Scope],
        # One that is named twice is named.
        Field(min_length=1, json_schema_extra=lambda schema: schema.pop("uniqueItems")),
    ]
    expires_at: Annotated[AwareDatetime | None, Field(description="Null: it does not expire.")] = (
        None
    )

    @field_validator("expires_at", mode="before")
    @classmethod
    def _refuse_number(cls, value: object) -> object:
        """Read no number as seconds since 1970."""
        if isinstance(value, int | float):
            raise ValueError("must be a date and time")  # noqa: TRY004, pydantic takes this one
        return value


class APIKeyRead(Schema):
    id: UUID
    name: str
    prefix: Annotated[str, Field(description="How the key begins, to recognise it.")]
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="To the minute.")]


class APIKeyCreated(APIKeyRead):
    key: Annotated[str, Field(description="The whole key. It is shown this once.")]


class AuthEventRead(Schema):
    id: UUID
    user_id: Annotated[UUID | None, Field(description="Null: an account that does not exist.")]
    kind: EventKind
    actor_id: Annotated[UUID | None, Field(description="Who did it; null: nobody logged in.")]
    subject_id: Annotated[UUID | None, Field(description="Which login, API key or user.")]
    address: str
    user_agent: str
    created_at: datetime
