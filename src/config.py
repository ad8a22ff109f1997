"""Settings: every knob of Colloquy, read from the environment and `.env`.

Groups nest by the first underscore: `DATABASE_POOL_SIZE` is `settings.database.pool_size`.
"""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

Environment = Literal["development", "production"]
LogFormat = Literal["console", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Group(BaseModel):
    """One nested group. Unknown names are ignored: `OLLAMA_HOST` may be meant for Ollama itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _check_postgres_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("postgresql://", "postgresql+", "postgres://")):
        raise ValueError("it should begin with postgresql://")
    return url


class DatabaseSettings(Group):
    url: Annotated[
        Annotated[SecretStr, AfterValidator(_check_postgres_url)] | None,
        Field(
            description="PostgreSQL 14 or newer, `postgresql://user:password@host:5432/name`; "
            "empty starts the embedded PostgreSQL in DATA_DIR."
        ),
    ] = None
    pool_size: Annotated[int, Field(ge=1, le=500, description="Connections kept per process.")] = 10
    pool_timeout_seconds: Annotated[
        float, Field(gt=0, description="How long a request waits for a free connection.")
    ] = 30.0


class QdrantSettings(Group):
    url: Annotated[
        str | None,
        Field(
            description="Qdrant server or cluster, `http://host:6333`; empty uses the embedded "
            "engine in DATA_DIR, which allows one process."
        ),
    ] = None
    api_key: Annotated[SecretStr | None, Field(description="Sent to the Qdrant server.")] = None
    prefer_grpc: Annotated[bool, Field(description="Use gRPC on port 6334.")] = True
    timeout_seconds: Annotated[
        float, Field(gt=0, description="For one call to the Qdrant server.")
    ] = 10.0
    shard_number: Annotated[
        int | None, Field(ge=1, description="Shards of a new collection; empty is one per node.")
    ] = None
    replication_factor: Annotated[
        int, Field(ge=1, description="Copies of each shard of a new collection.")
    ] = 1
    write_consistency_factor: Annotated[
        int, Field(ge=1, description="Copies that must have a write before it counts.")
    ] = 1
    quantization: Annotated[
        Literal["none", "scalar", "binary"],
        Field(description="How the vectors of a new collection are compressed for searching."),
    ] = "none"
    is_on_disk: Annotated[
        bool, Field(description="Whether a new collection keeps its full vectors out of memory.")
    ] = False


class ModelDefaults(Group):
    """What differs for one model; None is what holds for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_ctx: Annotated[int | None, Field(ge=512)] = None
    num_predict: Annotated[int | None, Field(ge=16)] = None
    keep_alive: str | None = None
    query_prefix: str | None = None
    document_prefix: str | None = None


class OllamaSettings(Group):
    url: Annotated[
        str | None,
        Field(
            description="Ollama's address, or several with commas between them that stand in for "
            "each other; empty uses http://127.0.0.1:11434 when it answers, and in development "
            "falls back to the built-in offline models."
        ),
    ] = None
    embed_url: Annotated[
        str | None,
        Field(description="Other servers for embeddings, written alike; empty is OLLAMA_URL."),
    ] = None
    recovery_seconds: Annotated[
        float,
        Field(gt=0, description="How often one of several servers that failed is tried again."),
    ] = 5
    api_key: Annotated[
        SecretStr | None, Field(description="Sent as a bearer token, for a proxy before Ollama.")
    ] = None
    chat_model: Annotated[str, Field(description="The model that answers.")] = "llama3.2"
    embed_model: Annotated[str, Field(description="The model that embeds.")] = "nomic-embed-text"
    auto_pull: Annotated[
        bool, Field(description="Whether the two are pulled at the start where they are missing.")
    ] = False
    aliases: Annotated[
        dict[str, str],
        Field(description='Further names of models, as a JSON object: {"fast": "llama3.2:1b"}.'),
    ] = {}
    model_defaults: Annotated[
        dict[str, ModelDefaults],
        Field(
            description="What differs for some models, as a JSON object of their names: "
            '{"qwen3:8b": {"num_ctx": 16384, "keep_alive": "1h"}}; num_predict, query_prefix and '
            "document_prefix as well."
        ),
    ] = {}
    num_ctx: Annotated[
        int,
        Field(
            ge=512,
            description="Context window of the chat model in tokens; always sent, because Ollama "
            "reloads a model whose window changes.",
        ),
    ] = 8192
    num_predict: Annotated[
        int, Field(ge=16, description="Tokens reserved for an answer, and its limit.")
    ] = 1024
    keep_alive: Annotated[
        str, Field(description="How long Ollama keeps a model loaded, as a Go duration.")
    ] = "30m"
    concurrency: Annotated[
        int,
        Field(
            ge=1,
            description="Requests that one model works on at once; not less than Ollama's "
            "OLLAMA_NUM_PARALLEL. More wait in a queue that is fair between users.",
        ),
    ] = 4
    embed_concurrency: Annotated[
        int,
        Field(
            ge=1,
            description="The same for the embedding model; of two or more, one place is kept free "
            "of ingestion, so that a search need not wait for it.",
        ),
    ] = 2
    queue_length: Annotated[
        int, Field(ge=0, description="The most requests that wait for one model.")
    ] = 256
    queue_per_user: Annotated[
        int, Field(ge=1, description="The most of them that belong to one user.")
    ] = 64
    daily_token_quota: Annotated[
        int | None,
        Field(
            ge=1,
            description="The most tokens of prompts and answers that a user may spend on one day "
            "(UTC); an answer that has begun is finished. Empty: no limit.",
        ),
    ] = None
    query_prefix: Annotated[
        str | None,
        Field(description="Put before a query to embed; empty uses the embedding model's own."),
    ] = None
    document_prefix: Annotated[
        str | None,
        Field(description="Put before a passage to embed; empty uses the embedding model's own."),
    ] = None
    connect_timeout_seconds: Annotated[float, Field(gt=0, description="To open a connection.")] = 5
    first_token_timeout_seconds: Annotated[
        float, Field(gt=0, description="To the first token: queue, model load and prompt.")
    ] = 300
    token_timeout_seconds: Annotated[float, Field(gt=0, description="Between two tokens.")] = 60
    total_timeout_seconds: Annotated[float, Field(gt=0, description="For a whole answer.")] = 1800
    embed_timeout_seconds: Annotated[float, Field(gt=0, description="For one batch.")] = 120
    embed_batch_size: Annotated[int, Field(ge=1, le=256, description="Texts per batch.")] = 32

    @property
    def urls(self) -> list[str]:
        return _split_addresses(self.url)

    @property
    def embed_urls(self) -> list[str]:
        return _split_addresses(self.embed_url) or self.urls


class StorageSettings(Group):
    url: Annotated[
        str | None,
        Field(
            description="Where uploaded files live: `s3://`, `gs://`, `az://` or `file://`; empty "
            "uses DATA_DIR."
        ),
    ] = None


class AuthSettings(Group):
    secret_key: Annotated[
        SecretStr | None,
        Field(
            min_length=32,
            description="Signs access tokens, 32 characters or more; empty in development makes "
            "one once and keeps it in DATA_DIR.",
        ),
    ] = None
    previous_secret_keys: Annotated[
        tuple[SecretStr, ...],
        Field(description="A JSON list of former keys, whose tokens are still accepted."),
    ] = ()
    access_token_minutes: Annotated[
        int, Field(ge=1, description="How long an access token lasts.")
    ] = 15
    refresh_token_days: Annotated[
        int, Field(ge=1, description="How long a login lasts when it is not used.")
    ] = 30
    is_registration_open: Annotated[
        bool, Field(description="Whether anybody may make an account.")
    ] = True
    argon2_time_cost: Annotated[int, Field(ge=1, description="argon2id passes.")] = 3
    argon2_memory_kib: Annotated[int, Field(ge=8, description="argon2id memory.")] = 65536
    argon2_parallelism: Annotated[int, Field(ge=1, description="argon2id lanes.")] = 4
    hash_concurrency: Annotated[
        int, Field(ge=1, description="Passwords hashed at once; each takes argon2's memory.")
    ] = 2
    hash_queue_length: Annotated[
        int, Field(ge=0, description="Passwords that may wait for their turn; more get a 503.")
    ] = 64
    history_days: Annotated[
        int, Field(ge=1, description="How long ended logins and the audit trail are kept.")
    ] = 365
    first_admin_username: Annotated[
        str | None,
        Field(description="Made at the start when there is no administrator yet."),
    ] = None
    first_admin_email: Annotated[str | None, Field(description="The email address of theirs.")] = (
        None
    )
    first_admin_password: Annotated[
        SecretStr | None, Field(description="Their password, to be changed after the first login.")
    ] = None

    @model_validator(mode="after")
    def _check_memory(self) -> Self:
        if self.argon2_memory_kib < 8 * self.argon2_parallelism:  # RFC 9106, 3.1
            raise ValueError("AUTH_ARGON2_MEMORY_KIB is less than 8 for each lane")
        return self

    @model_validator(mode="after")
    def _check_first_admin(self) -> Self:
        parts = (self.first_admin_username, self.first_admin_email, self.first_admin_password)
        if any(parts) and not all(parts):
            raise ValueError(
                "set AUTH_FIRST_ADMIN_USERNAME, AUTH_FIRST_ADMIN_EMAIL and "
                "AUTH_FIRST_ADMIN_PASSWORD together, or none of them"
            )
        return self


class RateLimitSettings(Group):
    storage_url: Annotated[
        SecretStr,
        Field(
            description="Where attempts are counted: `async+memory://` for one process, "
            "`async+redis://host:6379/0` for many."
        ),
    ] = SecretStr("async+memory://")
    window_seconds: Annotated[
        int, Field(ge=1, description="How long an attempt counts against those who made it.")
    ] = 900
    login_failures_per_account: Annotated[
        int, Field(ge=1, description="Wrong passwords for one account from one address.")
    ] = 10
    login_failures_per_address: Annotated[
        int, Field(ge=1, description="Wrong passwords from one address, whatever the account.")
    ] = 100
    refresh_failures_per_address: Annotated[
        int, Field(ge=1, description="Refresh tokens that are no good, from one address.")
    ] = 100
    registrations_per_address: Annotated[
        int, Field(ge=1, description="Attempts to make an account, or to take another name.")
    ] = 20
    requests_per_minute: Annotated[
        int, Field(ge=1, description="All requests of one user, those with API keys included.")
    ] = 1200
    model_requests_per_minute: Annotated[
        int, Field(ge=1, description="Those of them that put a model to work.")
    ] = 120
    uploads_per_minute: Annotated[
        int, Field(ge=1, description="Those of them that bring files; one may bring many.")
    ] = 240
    api_key_share: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="How much of these three one API key may use, so that a program which "
            "asks too often leaves its user the rest.",
        ),
    ] = 0.75
    streams_at_once: Annotated[
        int,
        Field(ge=1, description="Questions and streams that one user has open in one process."),
    ] = 64
    uploads_at_once: Annotated[
        int, Field(ge=1, description="Uploads that one user has going on in one process.")
    ] = 8


class DocumentSettings(Group):
    max_bytes: Annotated[int, Field(ge=1, description="The largest file accepted.")] = 50_000_000
    max_files: Annotated[int, Field(ge=1, description="The most files of one upload.")] = 100
    max_documents_per_user: Annotated[
        int | None, Field(ge=0, description="Documents a user may have; empty is without limit.")
    ] = None
    max_bytes_per_user: Annotated[
        int | None, Field(ge=0, description="Bytes a user may store; empty is without limit.")
    ] = None
    extraction_timeout_seconds: Annotated[
        float, Field(gt=0, description="For reading one file.")
    ] = 120
    extraction_memory_mb: Annotated[
        int, Field(ge=256, description="Memory that reading one file may take.")
    ] = 1024
    embedding_cache_days: Annotated[
        int, Field(ge=0, description="How long the vector of a text is kept without being used.")
    ] = 30
    chunk_characters: Annotated[int, Field(ge=100, description="The longest passage.")] = 1750
    chunk_overlap_characters: Annotated[
        int, Field(ge=0, description="Shared by neighbouring passages; a quarter of one at most.")
    ] = 200
    dense_weight: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="What the ranking by meaning counts in a search when the ranking by words "
            "counts 1.",
        ),
    ] = 1.0
    index_batch_size: Annotated[
        int, Field(ge=1, le=1000, description="Passages embedded and indexed between two saves.")
    ] = 64
    worker_concurrency: Annotated[
        int,
        Field(
            ge=0,
            description="Documents processed at once, whose steps are shared where they can be; 0 "
            "leaves them to other processes.",
        ),
    ] = 100

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.chunk_overlap_characters >= self.chunk_characters:
            raise ValueError("CHUNK_OVERLAP_CHARACTERS must be less than CHUNK_CHARACTERS")
        return self


class ChatSettings(Group):
    top_k: Annotated[int, Field(ge=1, le=50, description="Passages put before the model.")] = 6
    history_messages: Annotated[
        int, Field(ge=0, description="Earlier messages put before the model.")
    ] = 20
    follow_up_search: Annotated[
        Literal["joined", "model", "off"],
        Field(
            description="What a follow-up question is searched with: `joined` to the question "
            "before it, rewritten by the `model` (one more call before the answer), or alone "
            "(`off`)."
        ),
    ] = "joined"
    has_model_titles: Annotated[
        bool, Field(description="Let the model find a title for a chat after its first answer.")
    ] = False
    follow_interval_seconds: Annotated[
        float,
        Field(gt=0, description="How often an answer of another process is looked up for readers."),
    ] = 0.3
    ping_seconds: Annotated[
        float, Field(gt=0, description="A sign of life in streams that have nothing to tell.")
    ] = 15.0
    socket_login_seconds: Annotated[
        float, Field(gt=0, description="How long a WebSocket may wait with its first frame.")
    ] = 15.0
    save_interval_seconds: Annotated[
        float, Field(gt=0, le=1, description="How often a growing answer is stored.")
    ] = 0.8
    shutdown_grace_seconds: Annotated[
        float, Field(ge=0, description="How long a stopping server lets answers finish.")
    ] = 1.5


class WebSettings(Group):
    is_enabled: Annotated[
        bool, Field(description="Whether the page for people is served at `/`.")
    ] = True


class LogSettings(Group):
    level: Annotated[LogLevel, Field(description="The least severe line written.")] = "INFO"
    format: Annotated[
        LogFormat | None,
        Field(description="Empty: JSON in production, readable in development."),
    ] = None


class MetricsSettings(Group):
    token: Annotated[
        SecretStr | None,
        Field(
            min_length=16,
            description="What Prometheus sends as a bearer token to read `/metrics`; empty: only "
            "this machine itself may read it.",
        ),
    ] = None
    worker_port: Annotated[
        int | None,
        Field(
            ge=0,
            le=65535,
            description="Where `colloquy worker` serves `/metrics` and `/health/live`, on HOST.",
        ),
    ] = None


class OpenTelemetrySettings(Group):
    """Named as OpenTelemetry names them, which reads its other variables from the environment."""

    exporter_otlp_endpoint: Annotated[
        str | None,
        Field(
            description="A collector that traces and metrics are sent to, such as "
            "http://collector:4318; needs requirements/telemetry.txt."
        ),
    ] = None
    service_name: Annotated[str, Field(description="What traces are labelled with.")] = "colloquy"


class SentrySettings(Group):
    dsn: Annotated[
        SecretStr | None,
        Field(
            description="Where unexpected errors are reported; needs requirements/telemetry.txt."
        ),
    ] = None


class Settings(BaseSettings):
    """The whole configuration. Nothing in `src` reads the environment by another way."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    environment: Annotated[
        Environment, Field(description="`production` refuses every embedded part.")
    ] = "development"
    host: Annotated[str, Field(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="The port to listen on.")] = 8000
    data_dir: Annotated[Path, Field(description="Where embedded parts keep their data.")] = Path(
        "data"
    )
    patience_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="How long a client may take to send a request; who keeps sending has "
            "longer.",
        ),
    ] = 20.0
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            description="How long a server that is told to stop (SIGTERM) goes on as before while "
            "`/health/serving` says 503; longer than a load balancer takes to notice.",
        ),
    ] = 0.0
    allowed_hosts: Annotated[
        tuple[str, ...],
        Field(
            description='A JSON list of the names this server is called by, such as ["chat.example'
            '.org"]; requests for other names are refused. Empty: any name.'
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        Field(
            description="A JSON list of the sites whose pages may call the API, such as "
            '["https://app.example.org"], and open its WebSocket. Cookies are never involved.'
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[IPvAnyNetwork, ...],
        Field(
            description="A JSON list of networks whose `X-Forwarded-For` is believed, such as "
            '["10.0.0.0/8"]; without it the client is who connects.'
        ),
    ] = ()
    database: DatabaseSettings = DatabaseSettings()
    qdrant: QdrantSettings = QdrantSettings()
    ollama: OllamaSettings = OllamaSettings()
    storage: StorageSettings = StorageSettings()
    auth: AuthSettings = AuthSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    documents: DocumentSettings = DocumentSettings()
    chat: ChatSettings = ChatSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    otel: OpenTelemetrySettings = OpenTelemetrySettings()
    sentry: SentrySettings = SentrySettings()

    @model_validator(mode="after")
    def _refuse_embedded_parts_in_production(self) -> Self:
        required = {
            "DATABASE_URL": self.database.url,
            "QDRANT_URL": self.qdrant.url,
            "OLLAMA_URL": self.ollama.url,
            "STORAGE_URL": self.storage.url,
            "AUTH_SECRET_KEY": self.auth.secret_key,
        }
        missing = [name for name, value in required.items() if value is None]
        if self.environment == "production" and missing:
            raise ValueError(
                f"ENVIRONMENT=production needs these settings as well: {', '.join(missing)}"
            )
        return self


def _split_addresses(text: str | None) -> list[str]:
    """Split at commas, without blanks and repetitions."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def render_configuration() -> str:
    """Write every setting in tables for people, as `docs/configuration.md` holds them."""
    sections = [_CONFIGURATION_INTRODUCTION, "## The server\n", _render_table(Settings, "")]
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Group):
            prefix = f"{name}_".upper()
            sections += [f"## `{prefix}*`\n", _render_table(type(field.default), prefix)]
    return "\n".join(sections)


_CONFIGURATION_INTRODUCTION = """\
# Configuration

Written by `make configuration` from `src/config.py`. Colloquy reads these from its environment, and
from a file `.env` in the folder that it is started in; an empty value is the same as none.
`colloquy doctor` looks at what you have set.
"""


def _render_table(group: type[BaseModel], prefix: str) -> str:
    rows = ["| setting | default | what it does |", "|---|---|---|"]
    for name, field in group.model_fields.items():
        if not isinstance(field.default, Group):
            default = _format_default(field.default)
            shown = f"`{default}`" if default else ""
            rows.append(f"| `{prefix}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join([*rows, ""])


def render_env_example() -> str:
    """Write every setting, commented out with its default, as `.env.example` holds them."""
    blocks = ["# Every setting of Colloquy with its default. Copy to .env and uncomment.\n"]
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Group):
            blocks.append(_render_fields(field.default, prefix=f"{name}_"))
    top = [
        _render_field(name, field.description, field.default)
        for name, field in Settings.model_fields.items()
        if not isinstance(field.default, Group)
    ]
    blocks.insert(1, "\n".join(top))
    return "\n".join(blocks)


def _render_fields(group: Group, prefix: str) -> str:
    fields = type(group).model_fields
    return "\n".join(
        _render_field(prefix + name, field.description, getattr(group, name))
        for name, field in fields.items()
    )


def _render_field(name: str, description: str | None, default: object) -> str:
    return f"# {description}\n#{name.upper()}={_format_default(default)}\n"


def _format_default(default: object) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    value = "" if default is None else json.dumps(default) if default == () else str(default)
    return value.lower() if isinstance(default, bool) else value
