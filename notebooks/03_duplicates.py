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
# # Copies of copies
#
# A document was removed only if its similarity to a kept document was measured: there are no chains. The largest
# clusters come with the text of their least similar copy, compared with the kept document.

# %%
import os

from pipelines.store.storage import Storage
from pipelines.views.notebook import compare
from pipelines.views.report.page import Report
from pipelines.views.run_tables import RunTables

RUN = os.environ.get("CORPUSMILL_RUN", "../runs/demo")
Report(RUN).section("duplicates")

# %% [markdown]
# ## The closest calls
#
# The removed documents that were least similar to their keeper. If these should have stayed, raise
# `dedup.minhash.similarity`.

# %%
closest = RunTables(Storage(RUN)).query(
    "SELECT id, keeper, similarity FROM duplicates WHERE layer = 'minhash' AND against IS NULL "
    "ORDER BY similarity, id LIMIT 3"
)
closest

# %%
compare(RUN, closest[0]["keeper"], closest[0]["id"])
