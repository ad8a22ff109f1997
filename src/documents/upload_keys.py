"""`Idempotency-Key`: a client that heard no answer may ask again, and gets the one it missed."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from src.database import utc_now
from src.documents.exceptions import UploadKeyReusedError
from src.documents.models import UploadKey
from src.documents.schemas import UploadRead

_KEPT: Final = timedelta(hours=24)
# From here on a backing service is the reason.
_PASSING_STATUS: Final = 500


class UploadKeys:
    """One key of one upload. The caller has locked the user's usage: keys never race."""

    def __init__(
        self, session: AsyncSession, user_id: UUID, key: str | None, fingerprint: str
    ) -> None:
        self._session = session
        self._user_id = user_id
        self._key = key
        self._fingerprint = fingerprint

    async def find_answer(self) -> UploadRead | None:
        if self._key is None:
            return None
        await self._session.execute(
            delete(UploadKey).where(
                UploadKey.user_id == self._user_id, UploadKey.created_at < utc_now() - _KEPT
            )
        )
        found = await self._session.get(UploadKey, (self._user_id, self._key))
        if found is None:
            return None
        if found.fingerprint != self._fingerprint:
            raise UploadKeyReusedError
        return UploadRead.model_validate(found.answer)

    def keep(self, answer: UploadRead) -> None:
        """Remember the answer, unless some error in it passes: a retry is then carried out anew."""
        statuses = [result.error.status for result in answer.results if result.error]
        if self._key is not None and max(statuses, default=0) < _PASSING_STATUS:
            self._session.add(
                UploadKey(
                    user_id=self._user_id,
                    key=self._key,
                    fingerprint=self._fingerprint,
                    answer=answer.model_dump(mode="json"),
                )
            )
