"""Packing: every token once, no avoidable cut, little padding."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer_training.shards.cutting import Documents, cut_documents
from tokenizer_training.shards.packing import Plan, fill_rows, plan_rows, shuffle_key
from tokenizer_training.shards.rows import CONTINUES, CUT, Rows, offsets_of, ragged_take
from tokenizer_training.shards.strategies import STRATEGIES, best_fit_decreasing

EOS, PAD = 2, 3


def flat(lists: Iterable[list[int]]) -> list[int]:
    return list(itertools.chain.from_iterable(lists))


VOCABULARY = 512
BYTES = np.full(VOCABULARY, -1, dtype=np.int16)
BYTES[256:] = np.arange(256)  # id 256 + b stands for byte b
WORD = st.integers(10, 250).map(lambda token: [token])
CHARACTER = st.characters(codec="utf-8", exclude_categories=["Cs"]).map(
    lambda c: [256 + b for b in c.encode()]
)
DOCUMENT = st.lists(st.one_of(WORD, CHARACTER), max_size=40).map(lambda parts: [*flat(parts), EOS])


def as_documents(lists: list[list[int]]) -> Documents:
    ids = np.arange(len(lists) * 16, dtype=np.uint8).reshape(-1, 16)
    return Documents(
        np.array(flat(lists), dtype=np.int32), offsets_of([len(tokens) for tokens in lists]), ids
    )


def pack(
    lists: list[list[int]], row_len: int, window: int = 10_000, strategy: str = "best_fit"
) -> tuple[Documents, Plan, Rows]:
    documents = as_documents(lists)
    plan = plan_rows(documents, np.arange(len(lists)), row_len, BYTES, window, strategy)
    return documents, plan, fill_rows(plan, np.arange(len(plan)), documents, PAD)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(DOCUMENT, min_size=1, max_size=15),
    st.integers(4, 40),
    st.integers(1, 6),
    st.sampled_from(sorted(STRATEGIES)),
)
def test_every_document_can_be_rebuilt_from_the_rows(
    lists: list[list[int]], row_len: int, window: int, strategy: str
) -> None:
    """The pieces of the rows, joined by their place in the document, are the documents, and nothing else."""
    _, plan, rows = pack(lists, row_len, window, strategy)
    tokens = rows.input_ids.reshape(-1)
    rebuilt: dict[bytes, dict[int, list[int]]] = defaultdict(dict)
    at = 0
    for row in range(len(rows)):
        for entry in range(rows.entries[row], rows.entries[row + 1]):
            piece = tokens[at : at + rows.doc_lens[entry]].tolist()
            rebuilt[rows.doc_ids[entry].tobytes()][int(plan.pieces.starts[entry])] = piece
            at += rows.doc_lens[entry]
        assert (tokens[at : at + rows.n_pad[row]] == PAD).all()
        at += rows.n_pad[row]
    assert at == tokens.size
    joined = {key: flat(pieces[start] for start in sorted(pieces)) for key, pieces in rebuilt.items()}
    assert joined == {as_documents(lists).ids[n].tobytes(): document for n, document in enumerate(lists)}


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(DOCUMENT, min_size=1, max_size=15), st.integers(4, 40), st.sampled_from(sorted(STRATEGIES)))
def test_lengths_and_padding_fill_each_row(lists: list[list[int]], row_len: int, strategy: str) -> None:
    _, _, rows = pack(lists, row_len, strategy=strategy)
    assert rows.input_ids.shape == (len(rows), row_len)
    assert (np.add.reduceat(rows.doc_lens, rows.entries[:-1]) + rows.n_pad == row_len).all()
    assert (rows.n_pad < row_len).all()


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(DOCUMENT, min_size=1, max_size=10), st.integers(4, 40))
def test_only_long_documents_are_cut_and_flags_say_how(lists: list[list[int]], row_len: int) -> None:
    documents = as_documents(lists)
    order = np.arange(len(lists))
    pieces = cut_documents(documents, order, row_len, BYTES)
    owner, starts, lengths, flags = pieces.documents, pieces.starts, pieces.lengths, pieces.flags
    for number, tokens in enumerate(lists):
        mine = np.flatnonzero(owner == number)
        if len(tokens) <= row_len:
            assert flags[mine].tolist() == [0]
            continue
        assert flags[mine[0]] == CUT
        assert flags[mine[-1]] == CONTINUES
        assert (flags[mine[1:-1]] == CUT | CONTINUES).all()
        assert (lengths[mine] <= row_len).all()
    last = documents.tokens[starts + lengths - 1]
    assert ((last == EOS) == (flags & CUT == 0)).all()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(WORD, CHARACTER), min_size=8, max_size=60), st.integers(4, 16))
def test_a_cut_splits_no_run_of_bytes_that_fits_a_row_and_never_a_character(
    parts: list[list[int]], row_len: int
) -> None:
    tokens = [*flat(parts), EOS]
    documents = as_documents([tokens])
    pieces = cut_documents(documents, np.arange(1), row_len, BYTES)
    for start, length in zip(pieces.starts[:-1].tolist(), pieces.lengths[:-1].tolist(), strict=True):
        cut = start + length
        before, after = BYTES[tokens[cut - 1]], BYTES[tokens[cut]]
        assert not (after >= 0 and after & 0xC0 == 0x80), "inside a character"
        if before >= 0 and after >= 0:  # only where the run of bytes fills the whole piece
            assert (BYTES[tokens[start : start + row_len + 1]] >= 0).all()


def test_a_cut_moves_back_no_further_than_to_the_start_of_the_run() -> None:
    euro = [256 + b for b in "€".encode()]
    tokens = [*range(10, 16), *euro, 20, 21, EOS]
    assert cut_documents(as_documents([tokens]), np.arange(1), 8, BYTES).lengths.tolist() == [6, 6]


def test_a_document_of_exactly_one_row_is_not_cut() -> None:
    _, _, rows = pack([[10] * 7 + [EOS], [10] * 8 + [EOS]], 8)
    assert sorted(rows.doc_lens.tolist()) == [1, 8, 8]
    assert sorted(rows.doc_flags.tolist()) == [0, CONTINUES, CUT]


def test_concat_fills_every_row_but_the_last() -> None:
    """A document goes on in the next row, and flags say so."""
    _, _, rows = pack([[10] * 4 + [EOS], [11] * 11 + [EOS], [12, EOS]], 8, strategy="concat")
    assert rows.doc_lens.tolist() == [5, 3, 8, 1, 2]
    assert rows.doc_flags.tolist() == [0, CUT, CUT | CONTINUES, CONTINUES, 0]
    assert rows.n_pad.tolist() == [0, 0, 5]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(DOCUMENT, min_size=1, max_size=10), st.integers(8, 30))
def test_concat_splits_no_run_of_bytes_that_fits_a_row(lists: list[list[int]], row_len: int) -> None:
    """And pads only where it would have."""
    documents, plan, rows = pack(lists, row_len, strategy="concat")
    ends = plan.pieces.starts + plan.pieces.lengths
    for start, end in zip(
        plan.pieces.starts[plan.pieces.flags & CUT > 0], ends[plan.pieces.flags & CUT > 0], strict=True
    ):
        if (BYTES[documents.tokens[end - 1 : end + 1]] >= 0).all():
            assert (BYTES[documents.tokens[start : start + row_len]] >= 0).all()
    runs = [len(list(group)) for is_byte, group in itertools.groupby(BYTES[documents.tokens] >= 0) if is_byte]
    assert rows.n_pad[:-1].max(initial=0) <= max(runs, default=0)


def test_one_document_per_row_pads_the_rest() -> None:
    _, _, rows = pack([[10] * 3 + [EOS], [11] * 9 + [EOS], [EOS]], 8, strategy="one_document_per_row")
    assert rows.doc_lens.tolist() == [4, 8, 2, 1]
    assert rows.n_pad.tolist() == [4, 0, 6, 7]


def naive_best_fit(lengths: list[int], row_len: int) -> list[int]:
    """The definition, in quadratic time: the fullest row with room, the latest of equals."""
    spaces: list[int] = []
    touched: list[int] = []
    rows = [0] * len(lengths)
    for time, piece in enumerate(sorted(range(len(lengths)), key=lambda p: -lengths[p])):
        fitting = [row for row, space in enumerate(spaces) if space >= lengths[piece]]
        if fitting:
            row = min(fitting, key=lambda row: (spaces[row], -touched[row]))
        else:
            row = len(spaces)
            spaces.append(row_len)
            touched.append(0)
        spaces[row] -= lengths[piece]
        touched[row] = time
        rows[piece] = row
    return rows


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 70).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(1, n), max_size=60))))
def test_best_fit_decreasing_is_its_definition(case: tuple[int, list[int]]) -> None:
    row_len, lengths = case
    found = best_fit_decreasing(np.array(lengths, dtype=np.int64), row_len).tolist()
    assert found == naive_best_fit(lengths, row_len)


@pytest.mark.parametrize("row_len", [2048, 4096, 8192])
def test_padding_of_log_normal_documents_is_below_a_tenth_of_a_percent(row_len: int) -> None:
    """Two full windows of documents with mean 789 and median 431 tokens, as of the web."""
    random = np.random.default_rng(3)
    lengths = random.lognormal(np.log(430), 1.1, 20_000).astype(np.int64) + 1
    documents = Documents(
        np.zeros(lengths.sum(), dtype=np.int32), offsets_of(lengths), np.zeros((20_000, 16), dtype=np.uint8)
    )
    plan = plan_rows(documents, np.arange(20_000), row_len, BYTES)
    assert 1 - lengths.sum() / (len(plan) * row_len) < 0.001
    assert len(np.unique(plan.pieces.documents[plan.pieces.flags > 0])) == (lengths > row_len).sum(), (
        "an avoidable cut"
    )


def test_windows_are_packed_apart() -> None:
    """The rows of two windows are those of each alone, one after the other."""
    lists = [[10 + n] * (n % 7) + [EOS] for n in range(40)]
    _, _, both = pack(lists, 8, window=25)
    documents = as_documents(lists)
    parts = [plan_rows(documents, part, 8, BYTES) for part in (np.arange(25), np.arange(25, 40))]
    alone = [fill_rows(plan, np.arange(len(plan)), documents, PAD).input_ids for plan in parts]
    assert both.input_ids.tolist() == np.concatenate(alone).tolist()


def test_rows_can_be_filled_in_any_order() -> None:
    lists = [[10 + n] * (n % 11) + [EOS] for n in range(30)]
    documents, plan, rows = pack(lists, 8)
    wanted = np.array([3, 0, len(plan) - 1])
    some, taken = fill_rows(plan, wanted, documents, PAD), rows.take(wanted)
    for name in ("input_ids", "entries", "doc_lens", "doc_flags", "doc_ids", "n_pad"):
        assert getattr(some, name).tolist() == getattr(taken, name).tolist()


def test_documents_of_one_row_keep_the_order_of_the_window() -> None:
    """Otherwise position in the row would tell the length of the document."""
    _, _, rows = pack([[10, EOS], [11, 11, 11, EOS], [12, EOS]], 8)
    assert rows.input_ids.tolist() == [[10, EOS, 11, 11, 11, EOS, 12, EOS]]


def test_no_documents_make_no_rows() -> None:
    documents = as_documents([[10, EOS]])
    plan = plan_rows(documents, np.arange(0), 8, BYTES)
    assert len(fill_rows(plan, np.arange(0), documents, PAD)) == 0


def test_a_document_without_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="document 1 has no tokens"):
        pack([[EOS], [], [EOS]], 8)


def test_ragged_take_equals_lists() -> None:
    runs = [[1, 2], [], [3], [4, 5, 6]]
    items_of = np.array(flat(runs))
    offsets, items = ragged_take(offsets_of([len(run) for run in runs]), np.array([3, 1, 0, 3]))
    taken = [items_of[items[a:b]].tolist() for a, b in itertools.pairwise(offsets)]
    assert taken == [[4, 5, 6], [], [1, 2], [4, 5, 6]]


def test_shuffle_keys_never_change_between_versions() -> None:
    assert shuffle_key(1, "unit", 0) == 14010059237028319355
    assert len({shuffle_key(seed, part) for seed in (1, 2) for part in ("a", b"a", 1)}) == 6
