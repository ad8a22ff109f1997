"""Pages: every text that a browser shows is read, nothing else is, and no page takes long."""

import contextlib

import pytest

from src.config import DocumentSettings
from src.documents.exceptions import EmptyDocumentError
from src.documents.reading.extraction import Extraction, extract
from src.documents.reading.reader import limit_reading

LIMITS = limit_reading(DocumentSettings())
# In more than linear time, this would take longer than a test may.
LONG = 300_000
PIECES = (
    "<!--|<a |</|<|<!|<a x='>' |<a =\">\"|<b>|<b>x|<td>|<h1>x|&|&#9|<template>|<script>|<pre>|"
    "<a ==|<script></script>|<table><tr>|<style><a>"
)
ELEMENTS = (
    "div section article main aside header footer nav blockquote figcaption address label details"
    " summary dl dt dd center form fieldset legend button option noscript span b a unknown"
    " my-element svg text td caption"
)


async def read(page: str | bytes) -> Extraction:
    content = page.encode() if isinstance(page, str) else page
    return await extract(content, "text/html", LIMITS)


async def read_text(page: str | bytes) -> str:
    return "".join(chunk.text for chunk in (await read(page)).chunks)


@pytest.mark.parametrize(
    "name",
    ELEMENTS.split(),
)
async def test_text_of_any_element_is_read_beside_a_paragraph(name: str) -> None:
    assert (await read_text(f"<p>one</p><{name}>alpha</{name}>")).split() == ["one", "alpha"]
    assert (await read_text(f"<{name}>alpha<p>one</p>omega")).split() == ["alpha", "one", "omega"]


@pytest.mark.parametrize("depth", [70, 1_000, 100_000])
async def test_text_is_read_however_deep_it_stands(depth: int) -> None:
    page = "<div>" * depth + "<p>in</p>beside" + "</div>" * depth + "<h1>out</h1>bare"
    assert (await read_text(page)).split() == ["in", "beside", "out", "bare"]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<div>alpha div</div><p>para</p><div>omega</div>", "alpha div\n\npara\n\nomega"),
        ("<p>some<b>thing</b>\n <i>else</i> and\nmore</p>", "something else and more"),
        ("one<br>two<hr>three", "one\ntwo\n\nthree"),
        ("<ul><li>a<li>b<ol><li><p>c</p></ol></ul>", "a\nb\n\nc"),
        ("<dl><dt>term<dd>meaning</dl>", "term\nmeaning"),
        (
            "<table><tr><th></th><th>h<th>i<tr><td><p>1</p></td><td></td>\n<td>3</table>after",
            "| h | i\n1 | | 3\n\nafter",
        ),
        ("<pre>\nif a:\r\n    <b>b</b>()\n</pre><p>c", "if a:\n    b()\n\n\nc"),
        ("a &lt;b&gt; &amp;amp; &eacute;&#233;&#xe9; &nope;", "a <b> &amp; ééé &nope;"),
        ("1 < 2, 3 > 2 & a <3 <", "1 < 2, 3 > 2 & a <3 <"),
        ("<p title=it's>it's</p> <a href=x?a='b>c'>d</a>", "it's\n\nd"),
        ("<title>On &amp; off</title><p>x", "On & off\n\nx"),
        ("&#0;&#xD800;&#99999999;\0&#1;x", "\ufffd\ufffd\ufffd x"),
        (f"&#{'9' * 5_000};x", "\ufffdx"),
        ("<table><tr><td>&#8;</td><td>x</table>", "| x"),
    ],
)
async def test_pages_read_well(page: str, text: str) -> None:
    assert await read_text(page) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>if (a<b) show('</p>hidden <p>');</script>",
        "<SCRIPT type='x'>hidden</SCRIPT >",
        "<script>hidden",
        "<script src='hidden.js'/>",
        "<style>p > a {content: 'hidden'}</style>",
        "<!-- hidden > <p>hidden</p> -->",
        "<!-->",
        "<!-- hidden --!>",
        "<!-- hidden <p>",
        "<!doctype hidden>",
        "<?xml hidden?>",
        "</3 hidden>",
        "<template><b>hidden</b><template>hidden</template>hidden</template>",
        "<svg><style>hidden</style></svg>",
        "<p title='hidden > hidden' data-x = \"hidden>hidden\" hidden='>'>",
        f"<img src='data:image/png;base64,{'A' * 1_000_000}'>",
    ],
)
async def test_what_a_browser_never_shows_is_not_read(hidden: str) -> None:
    assert await read_text(f"<div>alpha</div>{hidden}") == "alpha"
    with pytest.raises(EmptyDocumentError):
        await read(hidden)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('alpha <a href="x>beta</a> gamma', "alpha beta gamma"),
        ("alpha <a href='x>beta</a> <b title=\"y>gamma</b>", "alpha beta gamma"),
        ("alpha <b", "alpha <b"),
        ("</div></p></template>alpha</pre></h1>", "alpha"),
        ("<h1>alpha<p>beta", "alpha\n\nbeta"),
        ("<script src=x />alpha", "alpha"),
    ],
)
async def test_broken_pages_lose_no_text(page: str, text: str) -> None:
    assert await read_text(page) == text


async def test_passages_of_pages_know_their_headings() -> None:
    body = f"<div>{'Some words about it. ' * 200}</div>"
    page = (
        f"<h1><a href='#'>The\n <b>Guide</b></a></h1>{body}<div><h2>Wiring{body}<h3></h3>"
        f"<h2><p>Fuses</p></h2>{body}<h1>{'x' * 300}</h1>{body}"
    )
    chunks = (await read(page)).chunks
    assert {chunk.heading for chunk in chunks} == {"The Guide", "The Guide > Fuses"}
    assert chunks[0].text.startswith("The Guide\n")
    fuses = next(chunk for chunk in chunks if chunk.heading != "The Guide")
    assert fuses.text.startswith("Fuses\n")


async def test_a_heading_that_nobody_closed_ends_where_a_paragraph_begins() -> None:
    page = f"<h1>Guide<p>{'Some words about it. ' * 200}"
    assert {chunk.heading for chunk in (await read(page)).chunks} == {"Guide"}


@pytest.mark.parametrize(
    "piece",
    PIECES.split("|"),
)
async def test_no_page_takes_long(piece: str) -> None:
    """The parser of the standard library takes two minutes for 140 kB of `<a x='>' `."""
    for tail in ("", "x>", "'>x", '">x'):
        with contextlib.suppress(EmptyDocumentError):
            await read(piece * (LONG // len(piece)) + tail)


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("shift_jis", "これは日本語の文章です"),
        ("EUC-JP", "これは日本語の文章です"),
        ("iso-2022-jp", "これは日本語の文章です"),
        ("gb2312", "这是一个中文的文本朱镕基"),
        ("big5", "這是一個中文的文本"),
        ("windows-1251", "Это русский текст"),
        ("koi8-r", "Это русский текст"),
        ("iso-8859-1", "Grüße “quoted” €"),
        ("iso-8859-2", "Zażółć gęślą jaźń"),
        ("utf-8", "Grüße"),
        ("nonsense", "Grüße"),
        ("base64", "Grüße"),
    ],
)
async def test_the_charset_that_a_page_declares_is_followed(charset: str, text: str) -> None:
    names = {"gb2312": "gbk", "iso-8859-1": "cp1252", "nonsense": "utf-8", "base64": "cp1252"}
    encoding = names.get(charset, charset)
    for declaration in (
        f"<meta charset='{charset}'>",
        f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">',
    ):
        assert await read_text(f"{declaration}<p>{text}".encode(encoding)) == text


async def test_utf_8_is_recognised_whatever_a_page_declares() -> None:
    assert await read_text("<meta charset=windows-1251><p>Grüße") == "Grüße"
