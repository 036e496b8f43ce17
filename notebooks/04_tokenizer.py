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
# # The tokenizer
#
# How much text a token holds, language by language, and how words are split. A language with few bytes per token
# costs more twice: in training and in every answer.

# %%
import os

from pipelines.views.notebook import pieces
from pipelines.views.report.page import Report

RUN = os.environ.get("CORPUSMILL_RUN", "../runs/demo")
Report(RUN).section("tokenizer")

# %% [markdown]
# ## Try a text of your own

# %%
pieces(RUN, "The miller's daughter said: „Guten Morgen!“ — 1,234 grains of wheat, السلام عليكم, こんにちは.")

# %% [markdown]
# ## The same ids in transformers
#
# `tokenizer/` is a Hugging Face folder. Text that spells a control token stays text with `split_special_tokens`.

# %%
from pathlib import Path

from transformers import AutoTokenizer

from tokenizer_training.model.tokenizer import Tokenizer

text = "A literal </s> in web text must not end a document.\n\n\tIndented  twice."
ours = Tokenizer.load(Path(RUN) / "tokenizer").encode(text).tolist()
theirs = AutoTokenizer.from_pretrained(f"{RUN}/tokenizer")(text, split_special_tokens=True)["input_ids"]
ours == theirs, len(ours)
