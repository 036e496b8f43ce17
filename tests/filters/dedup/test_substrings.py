"""Which passages go: against a reference that compares every place of every text with every other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.dedup.substrings import PASSAGE, Substrings
from filters.dedup.tokens import cut_tokens

CORPORA = st.lists(st.lists(st.sampled_from("abc"), max_size=25).map(" ".join), min_size=1, max_size=5)


def in_order(texts: list[str], rule: Substrings) -> np.ndarray:
    """Return the passages of texts whose anchors stand twice; the place in the list is the keep order."""
    anchors, made = [], []
    for text in texts:
        anchors.append(rule.anchors(cut_tokens(text).hashes)[0])
    values, counts = np.unique(np.concatenate(anchors), return_counts=True)
    for number, text in enumerate(texts):
        tokens = cut_tokens(text)
        chosen = np.flatnonzero(np.isin(rule.anchors(tokens.hashes)[1], values[counts > 1]))
        passages = np.zeros(len(chosen), dtype=PASSAGE)
        high, low = rule.passages(tokens.hashes)
        passages["high"], passages["low"] = high[chosen], low[chosen]
        passages["rank"], passages["doc"] = number, number
        passages["id"] = np.frombuffer(bytes([255 - number]) * 16, dtype="V16")
        passages["token"], passages["start"] = chosen, tokens.starts[chosen]
        made.append(passages)
    return np.concatenate(made)


def by_definition(texts: list[str], least: int) -> list[set[int]]:
    """Return the tokens of each text that go, with words compared one by one."""
    cut = [text.split() for text in texts]
    gone: list[set[int]] = [set() for _ in texts]
    places = [(n, t) for n, words in enumerate(cut) for t in range(len(words) - least + 1)]
    for n, t in places:
        passage = cut[n][t : t + least]
        first = next((m, s) for m, s in places if cut[m][s : s + least] == passage)
        if first[0] != n or t >= first[1] + least:
            gone[n] |= set(range(t, t + least))
    return gone


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(CORPORA, st.integers(2, 5), st.randoms(use_true_random=False))
def test_what_goes_is_the_definition(texts: list[str], least: int, chance) -> None:  # type: ignore[no-untyped-def]
    """No repeat is missed, nothing else goes, whatever the order of the passages; each span names its first."""
    rule = Substrings(least)
    passages = in_order(texts, rule)
    order = list(range(len(passages)))
    chance.shuffle(order)
    repeats = rule.repeats(passages[order])
    spans = rule.spans(repeats)
    assert spans.tobytes() == rule.spans(rule.repeats(passages)).tobytes()
    gone: list[set[int]] = [set() for _ in texts]
    for span in spans:
        tokens = set(range(span["token"], span["end"]))
        assert tokens
        assert not tokens & gone[span["doc"]]
        gone[span["doc"]] |= tokens
        first = texts[255 - span["first"].tobytes()[0]][span["first_start"] :].split()
        assert first[: len(tokens)] == texts[span["doc"]].split()[span["token"] : span["end"]]
    assert gone == by_definition(texts, least)


def test_fresh_text_has_few_anchors() -> None:
    """2 / (width of the window + 1) of the tokens, as the docstring says: one in 13.5 at 50."""
    tokens = np.random.default_rng(1).integers(0, 1 << 63, 100_000, dtype=np.uint64)
    distinct, of_passages = Substrings().anchors(tokens)
    assert len(of_passages) == len(tokens) - 49
    assert len(tokens) / len(distinct) == pytest.approx(13.5, rel=0.03)


def test_a_text_that_repeats_itself_keeps_one_passage() -> None:
    """One word a hundred times, and two in turn: what overlaps the first passage is no repeat of it."""
    rule = Substrings(10)
    for text in ("a " * 100, "a b " * 50):
        spans = rule.spans(rule.repeats(in_order([text], rule)))
        assert spans["token"][0] >= 10
        assert spans["end"].tolist() == [*spans["token"][1:].tolist(), 100]
        assert len(spans) == 9


def test_limits_are_checked() -> None:
    for wrong in (1, 1001):
        with pytest.raises(ValueError, match=f"min_tokens must be from 2 to 1000; found {wrong}"):
            Substrings(wrong)
