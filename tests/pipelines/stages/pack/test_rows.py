"""First step of stage pack: the order of documents, and what must not become a row."""

from __future__ import annotations

import dataclasses
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pipelines.errors import InputError
from pipelines.stages.pack import rows as pack_rows
from pipelines.stages.pack.tokens import Choice, Corpus, check_separators
from tokenizer_training.shards.cutting import Documents
from tokenizer_training.shards.rows import offsets_of


def make_corpus(count: int, choice: Choice) -> tuple[np.ndarray[Any, Any], Corpus]:
    """Return ids, and documents without tokens; every third is of source wikipedia, every second German."""
    ids = np.random.default_rng(0).integers(0, 256, (count, 16), dtype=np.uint8)
    corpus = Corpus.empty()
    for n, row in enumerate(ids):
        source, language = "wikipedia" if n % 3 == 0 else "web", "de" if n % 2 else "en"
        copies, group = choice.of(row.tobytes(), source, language)
        corpus.copies.append(copies)
        corpus.groups.append(group)
    return ids, corpus


def backwards(corpus: Corpus) -> Corpus:
    return dataclasses.replace(corpus, copies=corpus.copies[::-1], groups=corpus.groups[::-1])


@pytest.mark.parametrize("choice", [Choice(0.2, {}, False), Choice(0.2, {"wikipedia": 2.5}, True)])
def test_documents_are_ordered_by_seed_and_id_and_nothing_else(choice: Choice) -> None:
    """Whatever order they come in, the same documents stand in the same order; another seed is another one."""
    ids, corpus = make_corpus(500, choice)
    orders = pack_rows.group_orders(ids, corpus, 1)
    names = {group: ids[order].tolist() for group, order in orders.items()}
    again = pack_rows.group_orders(ids[::-1], backwards(corpus), 1)
    assert {group: ids[::-1][order].tolist() for group, order in again.items()} == names
    other = pack_rows.group_orders(ids, corpus, 2)
    for group, order in orders.items():
        assert sorted(other[group].tolist()) == sorted(order.tolist())
        assert other[group].tolist() != order.tolist()
    assert sorted(np.concatenate(list(orders.values())).tolist()) == [
        n for n in range(500) for _ in range(corpus.copies[n])
    ]


def test_a_mix_packs_the_documents_of_a_source_more_or_less_often() -> None:
    """Epochs as asked for, halves by a hash of the id; what is held out comes once at most."""
    choice = Choice(0.2, {"wikipedia": 2.5, "web": 0.25}, False)
    ids, corpus = make_corpus(6000, choice)
    copies, wiki = np.array(corpus.copies), np.arange(6000) % 3 == 0
    train = np.array([group == "train" for group in corpus.groups])
    assert set(copies[wiki & train].tolist()) == {2, 3}
    assert abs(copies[wiki & train].mean() - 2.5) < 0.05
    assert set(copies[~wiki & train].tolist()) == {0, 1}
    assert abs(copies[~wiki & train].mean() - 0.25) < 0.05
    assert set(copies[wiki & ~train].tolist()) == {1}
    order = pack_rows.group_orders(ids, corpus, 1)["train"].tolist()
    repeats = [later - earlier for n in range(0, 300, 3) for earlier, later in pairwise(places(order, n))]
    assert min(repeats) < 100 < max(repeats), "copies are spread, not side by side"


def places(order: list[int], document: int) -> list[int]:
    return [place for place, found in enumerate(order) if found == document]


def test_languages_have_groups_of_their_own() -> None:
    choice = Choice(0.2, {}, True)
    _, corpus = make_corpus(200, choice)
    assert set(corpus.groups) == {"de/train", "de/validation", "en/train", "en/validation"}
    assert choice.of(bytes(16), "web", "../../etc")[1] in ("______etc/train", "______etc/validation")
    assert choice.of(bytes(16), "web", None)[1].startswith("und/")


def test_an_eos_inside_a_document_is_refused_by_its_id() -> None:
    ids = np.arange(32, dtype=np.uint8).reshape(2, 16)
    documents = Documents(np.array([5, 2, 5, 2, 2], dtype=np.int32), offsets_of([2, 3]), ids)
    with pytest.raises(InputError, match=ids[1].tobytes().hex()):
        check_separators(documents, 2)


def test_the_schema_of_rows_reaches_the_workers_whole() -> None:
    """pyarrow's own pickling makes the elements of input_ids nullable."""
    for folder in pack_rows.folders(64):
        assert pickle.loads(pickle.dumps(folder)) == folder
