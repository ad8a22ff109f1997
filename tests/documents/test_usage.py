"""What is known of a user beside their documents."""

from uuid import UUID

from src.config import Settings
from src.database import create_engine
from src.documents.usage import note_languages, read_languages
from src.statements import Statements
from tests.fixtures.users import User


async def test_languages_are_remembered_once_each_and_for_their_user_alone(
    settings: Settings, user: User, stranger: User
) -> None:
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    statements = Statements(engine)
    for somebody in (user, stranger):
        await somebody.add_document("A word.")
    before = await read_languages(statements, UUID(stranger.id))
    await note_languages(statements, UUID(stranger.id), ["ces"])
    for languages in (["deu", "fra"], ["fra"], [], ["deu", "ces"]):
        await note_languages(statements, UUID(user.id), languages)
    known = await read_languages(statements, UUID(user.id))
    assert {*known} - {*before} == {"ces", "deu", "fra"}
    assert len({*known}) == len(known)
    assert await read_languages(statements, UUID(stranger.id)) == [*before, "ces"]
    await engine.dispose()
