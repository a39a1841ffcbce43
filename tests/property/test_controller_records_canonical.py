"""Properties of the canonical form: one value, one text, whoever writes it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.records.chain import canonical, canonical_entry

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


@given(VALUES)
def test_text_is_that_of_another_encoder(value: Any) -> None:
    """Python's own encoder, told to sort and not to pad, writes the same text."""
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert expected == canonical(value)


@given(VALUES)
def test_text_gives_the_value_back(value: Any) -> None:
    """Reading a text gives the value, and writing it again gives the text."""
    text = canonical(value)

    assert value == json.loads(text)
    assert text == canonical(json.loads(text))


@given(st.dictionaries(TEXTS, LEAVES, min_size=2), st.randoms())
def test_text_does_not_depend_on_the_order_of_keys(value: dict[str, Any], rng: Any) -> None:
    """The same fields in any order give the same text."""
    items = list(value.items())
    rng.shuffle(items)

    assert canonical(value) == canonical(dict(items))


@given(st.integers(1, 2**63 - 1), TEXTS, TEXTS, TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3))
def test_entry_is_the_canonical_text_of_its_fields(
    seq: int, session: str, kind: str, at: str, body: dict[str, Any]
) -> None:
    """The entry that is put together by hand is the one that the encoder would write."""
    fields = {"seq": seq, "session": session, "kind": kind, "at": at, "body": body}

    assert canonical(fields).encode() == canonical_entry(seq, session, kind, at, canonical(body))
