"""A real model trained on packed rows sees each document alone: packed and separate give the same numbers.

The consumers are real: transformers' Llama under every kind of attention that a CPU has, its `Trainer`, and
`datasets` reading the shards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokenizer_training.loader import ShardLoader
from tokenizer_training.shards.batches import IGNORED, make_batch
from tokenizer_training.shards.rows import Rows

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizer_training.collate import Collator  # noqa: E402
from tokenizer_training.torch_dataset import TokenDataset, document_mask, to_tensors  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*flex_attention called without")
torch.set_num_threads(1)  # more only wait for each other on a busy machine
LENGTHS = [5, 16, 3, 40, 9, 1, 1, 11, 7]


def tiny_llama(attention: str = "sdpa", vocab_size: int = 1000) -> Any:
    """Return a two-layer model; the same weights at every call."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        attn_implementation=attention,
    )
    return transformers.LlamaForCausalLM(config)


def separate_logits(model: Any, batch: dict[str, Any]) -> Any:
    """Return the logits of every document (and run of padding) computed alone, one after the other."""
    ids = torch.from_numpy(batch["input_ids"]).reshape(1, -1)
    bounds = itertools.pairwise(batch["cu_seqlens"].tolist())
    return torch.cat([model(ids[:, a:b], use_cache=False).logits[0] for a, b in bounds])


@pytest.mark.slow
@pytest.mark.parametrize("flatten", [False, True], ids=["rows", "flat"])
@pytest.mark.parametrize("attention", ["eager", "sdpa", "flex_attention"])
def test_packed_logits_and_loss_equal_those_of_single_documents(
    make_rows: Callable[..., Rows], attention: str, flatten: bool
) -> None:
    """The position_ids alone, without attention mask or cache, keep documents of a row apart."""
    model = tiny_llama(attention).eval()
    batch = make_batch(make_rows(LENGTHS, 16))
    rows = [{name: value[n : n + 1] for name, value in batch.items() if name in ROW_WISE} for n in range(6)]
    features = [{**to_tensors(row), "cu_seqlens": bounds_of(row)} for row in rows]
    # Uncompiled: torch 2.13 makes C++ of flex attention that does not compile for some widths, and takes a minute.
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        packed = model(**Collator(flatten)(features), use_cache=False)
        separate = separate_logits(model, batch)
    assert torch.allclose(packed.logits.reshape(separate.shape), separate, atol=1e-5)
    targets = torch.from_numpy(batch["labels"].reshape(-1)[1:])
    loss = torch.nn.functional.cross_entropy(separate[:-1], targets, ignore_index=IGNORED)
    assert abs(float(packed.loss) - float(loss)) < 1e-5
    assert np.count_nonzero(targets.numpy() != IGNORED) == sum(LENGTHS) - 11, "one less for each entry"


ROW_WISE = ("input_ids", "position_ids", "labels")


def bounds_of(row: dict[str, Any]) -> Any:
    """Return the bounds of the sequences of one row."""
    starts = np.flatnonzero(row["position_ids"][0] == 0)
    return torch.tensor([*starts.tolist(), row["input_ids"].shape[1]], dtype=torch.int32)


@pytest.mark.slow
def test_an_attention_mask_lets_documents_see_each_other(make_rows: Callable[..., Rows]) -> None:
    """Why the collator gives none: this test fails when transformers mends it."""
    model = tiny_llama().eval()
    batch = make_batch(make_rows(LENGTHS, 16))
    inputs = Collator()([to_tensors(batch)])
    with torch.no_grad():
        masked = model(**inputs, attention_mask=torch.ones_like(inputs["input_ids"]), use_cache=False).logits
        separate = separate_logits(model, batch)
    assert (masked.reshape(separate.shape) - separate).abs().max() > 0.01


def test_the_flex_mask_is_its_definition(make_rows: Callable[..., Rows]) -> None:
    """Attention under the mask equals attention within each document."""
    batch = to_tensors(make_batch(make_rows([50, 128, 30, 90, 17, 4], 128)))
    torch.manual_seed(1)
    query, key, value = torch.randn(3, len(batch["input_ids"]), 2, 128, 16)
    flex = torch.nn.attention.flex_attention.flex_attention
    found = flex(query, key, value, block_mask=document_mask(batch["seq_idx"]))
    same = batch["seq_idx"][:, :, None] == batch["seq_idx"][:, None, :]
    causal = torch.ones(128, 128, dtype=torch.bool).tril()
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=(same & causal)[:, None]
    )
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.integration
def test_the_collator_gives_the_same_for_rows_that_datasets_reads(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    files = sorted(str(path) for path in (demo / "shards").glob("train-*.parquet"))
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    single = TokenDataset(ShardLoader(demo / "shards", batch_size=1))
    for flatten in (False, True):
        one, other = Collator(flatten)(list(rows)), Collator(flatten)(list(single))
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.integration
def test_200_steps_on_the_demo_shards_lower_the_loss(demo: Path) -> None:
    loader = ShardLoader(demo / "shards", batch_size=2, seed=1, epochs=None)
    model = tiny_llama(vocab_size=loader.shards.header.vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for batch in itertools.islice(TokenDataset(loader), 200):
        loss = model(**Collator()([batch]), use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[0] > 8, "that of a uniform guess among 4,096 pieces is 8.3"
    assert np.mean(losses[-20:]) < 7


@pytest.mark.integration
def test_the_trainer_of_transformers_lowers_the_loss(demo: Path, tmp_path: Path) -> None:
    """Through its own data loading, with the arguments that the module recommends."""
    pytest.importorskip("accelerate")
    loader = ShardLoader(demo / "shards", batch_size=1, seed=1, epochs=None)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=40,
        per_device_train_batch_size=2,
        learning_rate=3e-3,
        logging_steps=10,
        remove_unused_columns=False,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    model = tiny_llama(vocab_size=loader.shards.header.vocab_size)
    trainer = transformers.Trainer(
        model, arguments, data_collator=Collator(), train_dataset=TokenDataset(loader)
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
