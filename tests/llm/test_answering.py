import re

import pytest

from src.llm.offline.answering import answer
from src.llm.offline.passages import Passage, find_passages, find_question
from src.llm.offline.sentences import extract_terms, split_sentences
from src.llm.schemas import ChatMessage

PASSAGES = """Answer from these passages only.
<passage number="1" title="Normans">
The Normans were a people in Normandy. They gave their name to Normandy in the 10th century.
</passage>
<passage number="2" title="Ada Lovelace">
Ada Lovelace was born in London in 1815. She wrote notes on Charles Babbage's
Analytical Engine. Her program computed Bernoulli numbers [7] and needed 25 operations.
</passage>
<passage number="3" title="R&amp;D">Profit was &lt; 5 % &amp; fell.</passage>
"""


def ask(question: str, context: str = PASSAGES) -> str:
    return answer([ChatMessage("system", context), ChatMessage("user", question)])


@pytest.mark.parametrize(
    ("question", "quoted", "number"),
    [
        ("When was Ada Lovelace born?", "1815", 2),
        ("How many operations did the program of Ada Lovelace need?", "25 operations", 2),
        ("Who designed the Analytical Engine?", "Charles Babbage", 2),
        ("In which century did Normandy get its name?", "10th century", 1),
        ("Did the profit fall?", "Profit was < 5 % & fell.", 3),
    ],
)
def test_the_best_sentence_is_quoted_and_cited(question: str, quoted: str, number: int) -> None:
    reply = ask(question)
    assert reply.startswith("From the passages: ")
    first = re.search(r'"([^"]+)" \[(\d)\]', reply)
    assert first is not None
    assert quoted in first[1]
    assert int(first[2]) == number


def test_reference_marks_inside_a_quotation_are_no_citations() -> None:
    reply = ask("Which numbers did the program compute?")
    assert "Bernoulli numbers  and" in reply
    assert "[7]" not in reply


def test_nothing_relevant_is_said_plainly() -> None:
    reply = ask("What is the boiling point of mercury?")
    assert reply.startswith("None of the passages answers this.")
    assert "built-in offline model" in reply
    assert "[" not in reply


@pytest.mark.parametrize("messages", [[], [ChatMessage("user", "Hello?")]])
def test_without_passages_it_says_what_it_is(messages: list[ChatMessage]) -> None:
    reply = answer(messages)
    assert reply.startswith("There are no passages")
    assert "can only quote documents" in reply


def test_a_summary_quotes_the_openings() -> None:
    reply = ask("Please summarise the documents.")
    assert re.findall(r"\[(\d)\]", reply) == ["1", "2", "3"]


def test_the_same_sentence_is_quoted_once() -> None:
    sky = "The sky is blue.</passage>"
    twice = f'<passage number="1">{sky}<passage number="2">{sky}'
    assert ask("What colour is the blue sky?", twice).count("The sky is blue.") == 1


def test_passages_are_read_from_any_message() -> None:
    messages = [
        ChatMessage("assistant", '<passage number="4" title="a &quot;b&quot;">x &lt; y</passage>'),
        ChatMessage(
            "user", '<passage title="no number">z</passage> <passage number="5">w</passage>'
        ),
    ]
    assert find_passages(messages) == [Passage(4, 'a "b"', "x < y"), Passage(5, "", "w")]


@pytest.mark.parametrize(
    "text",
    [
        "Why?",
        '<passages><passage number="1">Question: no</passage></passages>\n\nQuestion: Why?',
        'Read this.\n<passage number="1">x</passage>\nQuery: Why?\n',
    ],
)
def test_the_question_is_outside_the_passages(text: str) -> None:
    assert find_question([ChatMessage("user", "Earlier?"), ChatMessage("user", text)]) == "Why?"


def test_sentences_end_neither_at_initials_nor_abbreviations() -> None:
    text = "Dr. A. Smith came. He left at\n5 p.m. on Monday! Did he?\n- Item\n\nNew block"
    assert split_sentences(text) == [
        "Dr. A. Smith came.",
        "He left at 5 p.m. on Monday!",
        "Did he?",
        "- Item",
        "New block",
    ]


def test_terms_meet_across_endings() -> None:
    assert extract_terms("The founders' founding") == extract_terms("founded founder")
