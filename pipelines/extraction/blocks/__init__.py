"""Our own HTML engine: it cuts a page into blocks, and boosted trees decide which of them are main text."""

from typing import Final

MODEL_SHA256: Final = "666c9cdb5eaf334aa5c4f1bb0acb72b88817e21ab6da2e36c60c7776a81f94b4"
"""sha256 of ``model.npz``, the model file of this version of the code."""
