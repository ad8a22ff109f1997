"""Runs generations, each in a task of its own: whoever asked may leave, nothing is lost."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from src.chat.following import Answer, FollowedAnswer
from src.chat.gauge import TokenGauge
from src.chat.generation import Generation, Question
from src.chat.live import LiveAnswer
from src.chat.recording import AnswerRecorder
from src.chat.records import AnswerText, forget_keys, mark_interrupted
from src.chat.schemas import MessageRead, SourceRead
from src.chat.titles import retitle
from src.config import ChatSettings
from src.database import DatabaseUnavailableError, Sessions
from src.documents.search import SearchService
from src.exceptions import AppError
from src.llm.service import LLMService

log = structlog.get_logger(__name__)

_STORED_AT_ONCE = 3
_SWEEP_SECONDS = 5.0
_STOP_SECONDS = 5.0
# For as long a server that stops waits for a database that is away.
_STORE_SECONDS = 20.0


@dataclass(slots=True)
class _Run:
    """A generation at work. It ends early when it is stopped by its user, or cut by us."""

    generation: Generation
    task: asyncio.Task[None]
    is_stopped: bool = False

    @property
    def question(self) -> Question:
        return self.generation.question

    @property
    def text(self) -> AnswerText:
        return self.generation.text

    @property
    def sources(self) -> Sequence[SourceRead] | None:
        return self.generation.sources

    def stop(self) -> None:
        self.is_stopped = True
        self.task.cancel()

    def drop(self) -> None:
        self.task.cancel()


class AnswerEngine:
    """Runs the answers of this process. Made in the lifespan and closed there."""

    def __init__(
        self, sessions: Sessions, search: SearchService, llm: LLMService, settings: ChatSettings
    ) -> None:
        self.gauge = TokenGauge()
        # Questions are stored a few at a time (docs/decisions/0092).
        self.doorway = asyncio.Semaphore(_STORED_AT_ONCE)
        self._sessions = sessions
        self._search = search
        self._llm = llm
        self._settings = settings
        self._runs: dict[UUID, _Run] = {}
        self._conductors: set[asyncio.Task[None]] = set()
        self._namings: set[asyncio.Task[None]] = set()
        self.recorder = AnswerRecorder(sessions, settings.save_interval_seconds)
        self._recording = asyncio.create_task(self.recorder.run())

    def start(self, question: Question) -> LiveAnswer:
        """Begin to generate; the question must be committed."""
        generation = Generation(question, self._search, self._llm, self.gauge, self._settings)
        run = _Run(generation, asyncio.create_task(generation.run()))
        self._runs[question.message_id] = run
        self.recorder.add(run)
        conductor = asyncio.create_task(self._conduct(run))
        self._conductors.add(conductor)
        conductor.add_done_callback(self._conductors.discard)
        return generation.live

    def count_running(self) -> int:
        return len(self._runs)

    def open(self, message_id: UUID) -> Answer:
        """Return a stored answer for readers, wherever it is generated."""
        run = self._runs.get(message_id)
        if run is not None:
            return run.generation.live
        return FollowedAnswer(self._sessions, message_id, self._settings.follow_interval_seconds)

    async def stop(self, message_id: UUID) -> None:
        """End an answer and wait until it is stored, but not for ever.

        An answer of another process ends when that one sees the mark in the row.
        """
        if run := self._runs.get(message_id):
            run.stop()
        with contextlib.suppress(TimeoutError, AppError):
            async with asyncio.timeout(_STOP_SECONDS):
                await self.open(message_id).wait()

    async def sweep(self, pause_seconds: float = _SWEEP_SECONDS) -> None:
        """Mark what crashed processes left behind, now and then, until cancelled."""
        while True:
            try:
                if count := await mark_interrupted(self._sessions, self.recorder.open_ids):
                    log.warning("answers were interrupted", count=count)
                await forget_keys(self._sessions)
            except DatabaseUnavailableError:
                pass  # Whoever needs it now says so.
            except Exception:
                log.exception("sweep failed")
            await asyncio.sleep(pause_seconds)

    async def close(self) -> None:
        """Let the answers finish for a while, then cut the rest and store what there is of them."""
        if self._conductors:
            await asyncio.wait(self._conductors, timeout=self._settings.shutdown_grace_seconds)
        for run in self._runs.values():
            run.task.cancel()
        for naming in self._namings:
            naming.cancel()
        await self.recorder.wait_until_stored(_STORE_SECONDS)
        self._recording.cancel()

    async def _conduct(self, run: _Run) -> None:
        question, live = run.generation.question, run.generation.live
        try:
            message = await self._see_through(run)
            live.complete(message)
            if self._settings.has_model_titles and message.status == "completed":
                self._start_naming(question, message)
        except AppError as error:
            live.fail(error, question.request_id)
        except Exception:  # the outermost edge of the task: no reader may wait for ever
            log.exception("answer lost", message_id=str(question.message_id))
            live.fail(AppError(), question.request_id)
        finally:
            del self._runs[question.message_id]

    def _start_naming(self, question: Question, message: MessageRead) -> None:
        if question.history:
            return
        said = (question.request.query, message.content)
        user_id, session_id = question.user_id, question.session_id
        naming = asyncio.create_task(
            retitle(self._sessions, self._llm, question.model, user_id, session_id, said)
        )
        self._namings.add(naming)
        naming.add_done_callback(self._namings.discard)

    async def _see_through(self, run: _Run) -> MessageRead:
        """Wait for the end of a generation, and store how it ended."""
        generation = run.generation
        error: AppError | None = None
        try:
            await run.task
            end = generation.conclude("completed")
        except asyncio.CancelledError:
            end = generation.conclude("stopped" if run.is_stopped else "interrupted")
        except AppError as exc:
            error = exc
            end = generation.conclude("failed", error)
        except Exception:
            log.exception("answer failed", message_id=str(generation.question.message_id))
            error = AppError()
            end = generation.conclude("failed", error)
        message = await self.recorder.finish(generation.question, end)
        if error is not None:
            raise error
        return message
