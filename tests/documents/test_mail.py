"""Mail: its headers, its body in whatever form, and the files attached to it."""

import base64
from email.message import EmailMessage

import pytest

from src.config import DocumentSettings
from src.documents.reading.extraction import Extraction, extract
from src.documents.reading.reader import limit_reading
from tests.fixtures.files import DOCX, make_docx, make_pdf

LIMITS = limit_reading(DocumentSettings())
REPORT = b"""Content-Type: multipart/report; boundary=b

--b
Content-Type: message/delivery-status

Status: 5.1.1

Final-Recipient: someone

--b--
"""
JAPANESE = "これは日本語の文章です"


async def read(content: bytes) -> Extraction:
    return await extract(content, "message/rfc822", LIMITS)


async def read_text(content: bytes) -> str:
    return "\n\n".join(chunk.text for chunk in (await read(content)).chunks)


def make_mail(body: str = "The body.", subtype: str = "plain") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Jürgen <j@example.org>"
    mail["Subject"] = "Grüße an alle " * 10
    mail.set_content(body, subtype=subtype)
    return mail


async def test_a_mail_in_html_reads_like_a_page() -> None:
    html = "<style>p{}</style><div>alpha div</div><p>para</p><div>omega</div>"
    text = await read_text(make_mail(html, "html").as_bytes())
    subject = f"Subject: {' '.join(['Grüße an alle'] * 10)}"
    assert text == f"{subject}\nFrom: Jürgen <j@example.org>\n\nalpha div\n\npara\n\nomega"


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        ("Same words.", "<p>Same <b>words.</b>", "Same words."),
        ("Please use HTML.", "<p>What was really written here.", "What was really written here."),
    ],
)
async def test_of_alternatives_the_one_that_says_most_is_read(
    plain: str, html: str, expected: str
) -> None:
    mail = make_mail(plain)
    mail.add_alternative(html, subtype="html")
    assert (await read_text(mail.as_bytes())).endswith(f"<j@example.org>\n\n{expected}")


@pytest.mark.parametrize("transfer", ["8bit", "base64"])
@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("shift_jis", JAPANESE),
        ("iso-2022-jp", JAPANESE),
        ("gb2312", "这是一个中文的文本"),
        ("koi8-r", "Это русский текст"),
        ("iso-8859-1", "Grüße €"),
        ("us-ascii", "Grüße"),
        ("nonsense", "Grüße"),
    ],
)
async def test_the_charset_of_a_mail_is_followed(charset: str, text: str, transfer: str) -> None:
    encoding = {"iso-8859-1": "cp1252", "us-ascii": "utf-8", "nonsense": "cp1252"}
    encoded = text.encode(encoding.get(charset, charset))
    word = base64.b64encode(encoded)
    content = word if transfer == "base64" else encoded
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {transfer}\n"
    subject = b"Subject: =?%s?B?%s?= =?utf-8?Q?=5Fx_y?=\n" % (charset.encode(), word)
    assert await read_text(subject + head.encode() + b"\n" + content) == (
        f"Subject: {text}_x y\n\n{text}"
    )


async def test_attached_files_are_read_below_their_names() -> None:
    mail = make_mail()
    words = "Some words about it. " * 200
    mail.set_content(f"The body. {words}")
    files = {
        "notes.txt": f"naïve notes. {words}".encode("latin-1"),
        "guide.md": f"{words}\n\n# Wiring\n\n{words}".encode(),
        "report.pdf": make_pdf(["Page one speaks.\n" * 200]),
        "letter.docx": make_docx([(None, f"A letter. {words}")]),
    }
    for name, content in files.items():
        mail.add_attachment(content, maintype="application", subtype="x", filename=name)
    chunks = (await read(mail.as_bytes())).chunks
    text = "".join(chunk.text for chunk in chunks)
    for part in ("The body.", "naïve notes", "Page one speaks.", "A letter."):
        assert part in text
    headings = [*dict.fromkeys(chunk.heading for chunk in chunks)]
    names = ["notes.txt", "guide.md", "report.pdf", "letter.docx"]
    assert [heading for heading in headings if heading in names] == names
    assert "guide.md > Wiring" in headings


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(20), "type image/png"),
        ("sealed.pdf", make_pdf(["x"], is_encrypted=True), "password"),
        ("broken.pdf", b"%PDF-1.4 and nothing else", "."),
        ("scan.pdf", make_pdf([""]), "no text"),
        ("empty.bin", b"", "no text"),
    ],
)
async def test_what_cannot_be_read_of_a_mail_is_named(
    name: str, content: bytes, reason: str
) -> None:
    mail = make_mail()
    mail.add_attachment(content, maintype="image", subtype="png", filename=name)
    mail.add_attachment(b"and more", maintype="text", subtype="plain", filename="more.txt")
    text = await read_text(mail.as_bytes())
    said = text.partition(f"Attachment: {name}\n\nNot read: ")[2].partition("\n")[0]
    assert reason in said
    assert "and more" in text


async def test_mails_within_mails_are_read() -> None:
    forwarded = make_mail("The first words.")
    forwarded.add_attachment(b"deep", maintype="text", subtype="plain", filename="deep.txt")
    mail = make_mail("See below.")
    mail.add_attachment(forwarded)
    named = make_mail("By name.").as_bytes()
    mail.add_attachment(named, maintype="application", subtype="octet-stream", filename="x.eml")
    text = await read_text(mail.as_bytes())
    places = [text.index(part) for part in ("See below.", "The first words.", "By name.", "deep")]
    assert places == sorted(places)


async def test_only_so_many_attachments_are_read() -> None:
    mail = make_mail()
    for number in range(60):
        mail.add_attachment(
            f"text {number}".encode(), maintype="text", subtype="plain", filename="x"
        )
    text = await read_text(mail.as_bytes())
    assert "text 49" in text
    assert text.count("Not read: only 50 attachments of a mail are.") == 10


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"Subject: x\nContent-Type: multipart/mixed; boundary=a\n\nno parts", "no parts"),
        (b"Content-Type: message/rfc822\n\n" * 100 + b"\nwords", "words"),
        (b"Subject: x\nContent-Transfer-Encoding: base64\n\n!!! no base64", "Subject: x"),
        (b"Subject: =?utf-8?B?x?= =?a?Q?=ZZ?=\n\nwords", "words"),
        (b"just words without a header", "just words"),
        (b"Subject: a\0b\n\nwords\0", "words"),
        (REPORT, "Final-Recipient: someone"),
        (b"Content-Type: multipart/alternative; boundary=b\n\n--b--\n", "multipart/alternative"),
    ],
)
async def test_broken_mails_lose_no_text(content: bytes, text: str) -> None:
    assert text in await read_text(content)


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: " + b"=?a?q?" * 170_000,
        b"Subject: " + b"=?" * 500_000 + b"\n\nx",
        b"To: " + b"a@b.c, " * 140_000 + b"\n\nx",
        b"X: y\n" * 200_000 + b"\nx",
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 100_000,
        b"Content-Type: text/html\n\n" + b"<a x='>' " * 100_000,
    ],
)
async def test_no_mail_takes_long(content: bytes) -> None:
    """In more than linear time, these would take longer than a test may."""
    assert (await read(content)).chunks


async def test_word_files_keep_their_type_in_a_mail() -> None:
    mail = make_mail()
    maintype, _, subtype = DOCX.partition("/")
    mail.add_attachment(make_docx([(None, "A letter.")]), maintype=maintype, subtype=subtype)
    assert "A letter." in await read_text(mail.as_bytes())
