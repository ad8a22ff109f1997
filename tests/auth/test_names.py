"""Names and addresses that are the same to a person have the same key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.auth.names import fold_email, fold_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@example.org", "ANNA@EXAMPLE.ORG"),
        ("anna@example.org", "ａｎｎａ@example.org"),  # noqa: RUF001, full-width letters
        ("anna@example.org", "аnna@example.org"),  # noqa: RUF001, a Cyrillic letter
        ("anna@example.org", "anna@exаmple.org"),  # noqa: RUF001, the same in the domain
        ("оо@example.org", "oo@example.org"),  # noqa: RUF001, nothing but Cyrillic letters
        ("straße@example.org", "STRASSE@example.org"),
        ("ﬁnn@example.org", "finn@example.org"),
        ("jose\u0301@example.org", "jos\u00e9@example.org"),
        ("anna@münchen.de", "anna@xn--mnchen-3ya.de"),
        ("anna@münchen.de", "anna@MU\u0308NCHEN.DE"),
        ("an\u200dna@example.org", "anna@example.org"),
    ],
)
def test_look_alikes_are_the_same(one: str, other: str) -> None:
    assert fold_email(one) == fold_email(other)


def test_others_are_not() -> None:
    assert fold_email("anna@example.org") != fold_email("hanna@example.org")
    assert fold_email("анна@example.org") != fold_email("anna@example.org")


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)
    assert fold_name(text.upper().lower()) == fold_name(fold_name(text.upper().lower()))


@given(st.text(max_size=40))
def test_whatever_is_typed_has_a_key(text: str) -> None:
    fold_email(text)
