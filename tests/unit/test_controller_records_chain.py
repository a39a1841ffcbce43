"""The canonical form and the chain, against values that were worked out by hand."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from typing import Any

import pytest

from controller.errors import RecordError
from controller.records.chain import GENESIS, Chain, canonical, canonical_entry
from controller.records.entries import BODY_BYTES_MAX, Draft, draft

AT = datetime(2026, 11, 22, 14, 3, 5, 250_999, tzinfo=UTC)
KEY = bytes(range(32))


class Level(IntEnum):
    """An integer with a name."""

    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "{}"),
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        ({"\u00e9": 1, "z": 2, "\U0001f58a": 3}, '{"z":2,"\u00e9":1,"\U0001f58a":3}'),
        (
            {"a": 'quote " backslash \\ / tab \t \u2028'},
            '{"a":"quote \\" backslash \\\\ / tab \\t \u2028"}',
        ),
        ({"a": "\x00\x1f\x7f"}, '{"a":"\\u0000\\u001f\x7f"}'),
        ({"a": (1, -(2**63)), "b": 2**63 - 1}, f'{{"a":[1,{-(2**63)}],"b":{2**63 - 1}}}'),
        ({"level": Level.HIGH}, '{"level":3}'),
    ],
)
def test_canonical_form_is_sorted_and_without_blanks(value: dict[str, Any], expected: str) -> None:
    """One value has one text: sorted keys, no blanks, nothing escaped that need not be."""
    assert expected == canonical(value)


def nested(depth: int) -> Any:
    """Return that many lists, one in the other."""
    return [] if depth == 1 else [nested(depth - 1)]


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        b"bytes",
        {1: "a"},
        {None: "a"},
        {"a": {2: "b"}},
        {"a": [1, [2, 3.5]]},
        {"a": {1}},
        AT,
        2**63,
        -(2**63) - 1,
        "\ud800",
        {"\udfff": 1},
        nested(17),
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    """Floats, NaN, bytes, half characters and the like never come into the record."""
    with pytest.raises(RecordError, match="body: "):
        canonical(value)


def test_nesting_is_taken_up_to_its_limit() -> None:
    """Sixteen deep is still taken."""
    assert "[" * 16 + "]" * 16 == canonical(nested(16))


def test_entry_is_hashed_as_the_documented_text() -> None:
    """The canonical entry is the canonical text of its five fields."""
    expected = '{"at":"t\u00e9","body":{"a":1},"kind":"k\\"","seq":12,"session":"s"}'.encode()

    assert expected == canonical_entry(12, "s", 'k"', "t\u00e9", '{"a":1}')


@pytest.mark.req("SR-014", "R03")
def test_link_is_the_documented_hmac() -> None:
    """A mac is HMAC-SHA256 over domain, previous mac and entry; any other program can check it."""
    entry = b'{"at":"t","body":{},"kind":"k","seq":1,"session":"s"}'
    chain = Chain(KEY)
    first = chain.link(GENESIS, entry)
    second = chain.link(first, entry)

    expected = hmac.new(KEY, b"penpilot-record-v1\0" + first + entry, hashlib.sha256).digest()
    assert expected == second
    assert "f04ea1c826902d9c51c6d93fd06e2edc0a317942560cdc86861eba6f89d25c1c" == first.hex()


def test_draft_is_canonical_and_in_utc() -> None:
    """An entry is brought into its form where it is made, with the time in UTC."""
    berlin = AT.astimezone(timezone(timedelta(hours=1)))

    actual = draft("s1", "stop", {"b": 1, "a": 2}, berlin)

    assert Draft("s1", "stop", "2026-11-22T14:03:05.250Z", '{"a":2,"b":1}') == actual


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    ("session", "kind", "body", "at"),
    [
        ("", "k", {}, AT),
        ("s" * 65, "k", {}, AT),
        ("line\nbreak", "k", {}, AT),
        (None, "k", {}, AT),
        ("s", "", {}, AT),
        ("s", 7, {}, AT),
        ("s", "k", [], AT),
        ("s", "k", {"a": "\u00e9" * (BODY_BYTES_MAX // 2)}, AT),
        ("s", "k", {}, AT.replace(tzinfo=None)),
    ],
)
def test_draft_is_refused_where_it_is_made(session: Any, kind: Any, body: Any, at: Any) -> None:
    """What cannot be written is refused before it reaches the thread that writes."""
    with pytest.raises(RecordError, match=r"^(session|kind|body|at): must "):
        draft(session, kind, body, at)


def test_longest_body_is_taken() -> None:
    """A body of exactly the greatest length is taken."""
    body = {"a": "x" * (BODY_BYTES_MAX - len('{"a":""}'))}

    assert BODY_BYTES_MAX == len(draft("s", "k", body, AT).body)
