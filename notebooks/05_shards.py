# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From shards to a training step
#
# The rows of `shards/` are what a trainer reads. This notebook looks at them, then trains a tiny model for a few
# steps to see that the loss falls. It needs the extra `torch`; a processor is enough.

# %%
import os

from pipelines.views.report.page import Report

RUN = os.environ.get("CORPUSMILL_RUN", "../runs/demo")
Report(RUN).section("packing")

# %% [markdown]
# ## One batch
#
# Position ids begin again at every document, and no loss is counted for its first token: nothing in the row's
# past predicts it.

# %%
from tokenizer_training.loader import ShardLoader

batch = next(iter(ShardLoader(f"{RUN}/shards", batch_size=4, seed=1)))
{name: getattr(value, "shape", value) for name, value in batch.items()}

# %%
from pathlib import Path

from tokenizer_training.model.tokenizer import Tokenizer

tokenizer = Tokenizer.load(Path(RUN) / "tokenizer")
starts = (batch["position_ids"][0] == 0).nonzero()[0].tolist()
[tokenizer.decode(batch["input_ids"][0][start : start + 20]) for start in starts[:6]]

# %% [markdown]
# ## Train a few steps
#
# A two-layer model with random weights. Documents of a row do not see each other because the model gets their
# position ids, no attention mask, and no cache.

# %%
import warnings
from itertools import islice

warnings.filterwarnings("ignore", "IProgress not found")  # a progress bar we do not need

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
torch.set_num_threads(1)
config = LlamaConfig(
    vocab_size=tokenizer.vocab_size,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    use_cache=False,
)
model = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
losses = []
for batch in islice(ShardLoader(f"{RUN}/shards", batch_size=4, seed=1), 15):
    inputs = {name: torch.as_tensor(batch[name]).long() for name in ("input_ids", "labels", "position_ids")}
    loss = model(**inputs).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(round(loss.item(), 2))
losses[0], losses[-1]

# %%
assert losses[-1] < losses[0], losses
