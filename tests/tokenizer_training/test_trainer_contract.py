"""A real model trained on packed rows sees each document alone: packed and separate give the same numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from tokenizer_training.loader import IGNORED, make_batch
from tokenizer_training.rows import Rows

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LENGTHS = [5, 16, 3, 40, 9, 1, 1, 11, 7]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_packed_logits_and_loss_equal_those_of_single_documents(
    make_rows: Callable[..., Rows], attention: str
) -> None:
    """The loader's position_ids alone, without attention mask or cache, keep documents of a row apart."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=1000,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        attn_implementation=attention,
    )
    model = transformers.LlamaForCausalLM(config).eval()
    batch = make_batch(make_rows(LENGTHS, 16))
    ids = torch.from_numpy(batch["input_ids"])
    with torch.no_grad():
        packed = model(
            ids,
            position_ids=torch.from_numpy(batch["position_ids"]),
            labels=torch.from_numpy(batch["labels"]),
            use_cache=False,
        )
        bounds = batch["cu_seqlens"].tolist()
        alone = [
            model(ids.reshape(1, -1)[:, a:b], use_cache=False).logits[0]
            for a, b in itertools.pairwise(bounds)
        ]
    separate = torch.cat(alone)
    assert torch.allclose(packed.logits.reshape(separate.shape), separate, atol=1e-5)
    targets = torch.from_numpy(batch["labels"].reshape(-1)[1:])
    loss = torch.nn.functional.cross_entropy(separate[:-1], targets, ignore_index=IGNORED)
    assert abs(float(packed.loss) - float(loss)) < 1e-5
    assert np.count_nonzero(targets.numpy() != IGNORED) == sum(LENGTHS) - 11, "one less for each entry"
