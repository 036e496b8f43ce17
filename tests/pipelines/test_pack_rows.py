"""First step of stage pack: the order of documents, and what must not become a row."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pipelines.errors import InputError
from pipelines.stages import pack_rows
from pipelines.stages.pack_tokens import check_separators
from tokenizer_training.packing import Documents
from tokenizer_training.rows import offsets_of


def test_documents_are_ordered_by_seed_and_id_and_nothing_else() -> None:
    """Whatever order they come in, the same documents stand in the same order; another seed is another one."""
    ids = np.random.default_rng(0).integers(0, 256, (500, 16), dtype=np.uint8)
    orders = pack_rows.split_order(ids, 1, 0.2)
    names = [ids[orders[split]].tolist() for split in pack_rows.SPLITS]
    backwards = pack_rows.split_order(ids[::-1], 1, 0.2)
    assert [ids[::-1][backwards[split]].tolist() for split in pack_rows.SPLITS] == names
    other = pack_rows.split_order(ids, 2, 0.2)
    assert sorted(other["train"].tolist()) == sorted(orders["train"].tolist())
    assert other["train"].tolist() != orders["train"].tolist()
    assert sorted(np.concatenate(list(orders.values())).tolist()) == [*range(500)]


def test_an_eos_inside_a_document_is_refused_by_its_id() -> None:
    ids = np.arange(32, dtype=np.uint8).reshape(2, 16)
    documents = Documents(np.array([5, 2, 5, 2, 2], dtype=np.int32), offsets_of([2, 3]), ids)
    with pytest.raises(InputError, match=ids[1].tobytes().hex()):
        check_separators(documents, 2)


def test_the_schema_of_rows_reaches_the_workers_whole() -> None:
    """pyarrow's own pickling makes the elements of input_ids nullable."""
    for folder in pack_rows.folders(64):
        assert pickle.loads(pickle.dumps(folder)) == folder
