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
# # Read what was kept, and what was not
#
# Numbers say how much a filter takes; only reading says whether it should. The samples are drawn by a hash of the
# documents' ids, so everybody who opens this run reads the same documents.

# %%
import os

from pipelines.views.notebook import documents
from pipelines.views.query import Between
from pipelines.views.report.page import Report

RUN = os.environ.get("CORPUSMILL_RUN", "../runs/demo")
Report(RUN).section("documents")

# %% [markdown]
# ## Documents that one reason took
#
# `dropped` is a step, or a step and a reason. The red text gives the measure that decided, and its limit.

# %%
documents(RUN, dropped="gopher_quality.too_few_words", limit=3)

# %% [markdown]
# ## Documents that a step only just kept
#
# `between` takes any measure of the ledger. Here: documents of at least 50 words, the limit, and at most 70.

# %%
documents(RUN, between=(Between("gopher_quality.words", 50, 70),), limit=3)

# %% [markdown]
# ## In one language
#
# Text that runs from right to left is shown so.

# %%
documents(RUN, language="ar", limit=2)
