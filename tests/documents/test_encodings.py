"""Text in the encodings of other scripts is recognised; Western text stays what it was."""

import pytest

from src.config import DocumentSettings
from src.documents.reading.extraction import extract
from src.documents.reading.reader import limit_reading

LIMITS = limit_reading(DocumentSettings())
JAPANESE = "これは日本語の文章です。東京は日本の首都であり、人口が多い都市です。"
RUSSIAN = "Это русский текст. Москва является столицей России, и там много людей."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Toto je český text."


async def read_text(content: bytes, mime_type: str = "text/plain") -> str:
    return "".join(chunk.text for chunk in (await extract(content, mime_type, LIMITS)).chunks)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp932", JAPANESE),
        ("euc_jp", JAPANESE),
        ("iso2022_jp", JAPANESE),
        ("gbk", "这是一个中文的文本文件。北京是中国的首都。"),
        ("big5", "這是一個中文的文本檔案。臺北是臺灣的首都。"),
        ("cp949", "이것은 한국어 텍스트 파일입니다."),
        ("cp1251", RUSSIAN),
        ("koi8-r", RUSSIAN),
        ("cp866", RUSSIAN),
        ("iso8859-5", RUSSIAN),
        ("cp1250", CZECH),
        ("iso8859-2", CZECH),
        ("cp1253", "Αυτό είναι ένα ελληνικό κείμενο."),
        (
            "cp1254",
            "Türkçe bir metin: İstanbul güzel, çok güzel şeyler, ağaçlar, öğrenciler, güneş.",
        ),
        ("cp1255", "זה טקסט בעברית לבדיקה של הקידוד"),
        ("cp1256", "هذا نص باللغة العربية لاختبار الترميز"),
    ],
)
async def test_text_of_other_scripts_is_recognised(encoding: str, text: str) -> None:
    assert await read_text(text.encode(encoding)) == text
    late = "Plain words come first.\n" * 20 + text
    assert (await read_text(late.encode(encoding))).endswith(text)
    table = f'name,"{text}",12'.encode(encoding)
    assert text in await read_text(table, "text/csv")
    page = f"<div>{text}</div>".encode(encoding)
    assert await read_text(page, "text/html") == text


@pytest.mark.parametrize(
    "text",
    [
        "Grüße",
        "naïve",
        "5 °C ± 2 µm, §3",
        "Voilà été où les élèves préféraient déjà la forêt. Ça coûte 5 €.",
        "El niño comió mañana. ¿Qué pasó? ¡Adiós!",
        "Não há informações à disposição.",
        "Rødgrød med fløde på. Så går vi på gåtur.",
        "Hyvää päivää! Täällä on kylmä ja pimeä yö.",
        "Þetta er íslenskur texti með öðrum stöfum.",
    ],
)
async def test_western_text_stays_what_it_was(text: str) -> None:
    assert await read_text(text.encode("cp1252")) == text
    assert await read_text(text.encode()) == text


async def test_too_few_letters_for_a_guess_are_read_as_western() -> None:
    assert await read_text("Да".encode("cp1251")) == "Äà"


async def test_a_mistake_in_utf_8_spoils_nothing_else() -> None:
    text = "Grüße из Москвы. " * 20
    content = text.encode() + b"\xfc\n" + text.encode()
    assert await read_text(content) == f"{text}\ufffd\n{text}".strip()


@pytest.mark.parametrize(
    "piece", ["日本語", "\n日", ",日", '"日', "日\t;|", "\r日", "日" + "x" * 99]
)
async def test_no_encoding_takes_long_to_find(piece: str) -> None:
    content = piece.encode("cp932") * (1_000_000 // len(piece))
    assert await read_text(content)
