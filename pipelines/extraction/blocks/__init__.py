"""Our own HTML engine: a page becomes blocks, boosted trees say which of them are its main text."""

from typing import Final

MODEL_SHA256: Final = "666c9cdb5eaf334aa5c4f1bb0acb72b88817e21ab6da2e36c60c7776a81f94b4"
"""Of ``model.npz``, the model file that belongs to this version of the code."""
