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
# # Where did the documents go?
#
# Every record that was read is kept, dropped with a reason, or an error. This notebook shows the funnel of a run,
# by step and reason, language and measure, and what other limits would have kept.
#
# Run `make demo` first, or set `CORPUSMILL_RUN` to the folder of another run.

# %%
import os

from pipelines.views.report.page import Report

RUN = os.environ.get("CORPUSMILL_RUN", "../runs/demo")
report = Report(RUN)
report.section("summary")

# %% [markdown]
# ## The funnel
#
# Open a line to see its reasons.

# %%
report.section("funnel")

# %% [markdown]
# ## Languages, before and after

# %%
report.section("languages")

# %% [markdown]
# ## What each step measured
#
# A dotted line is a limit of the recipe; documents beyond it were dropped, here or by an earlier step.

# %%
report.section("measures")

# %% [markdown]
# ## What if
#
# The ledger holds every measure, so other limits are judged in a moment, without reading a text. A document that
# passes the step that dropped it is `unknown` if later steps did not measure it; with `ledger: full` in the recipe
# they do.

# %%
from pipelines.views.notebook import other_limits

other_limits(RUN, "gopher_quality.min_words=100", "fineweb_quality.max_short_lines=0.8")
