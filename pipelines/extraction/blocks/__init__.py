"""Our own HTML engine: a page becomes blocks, boosted trees say which of them are its main text."""

from typing import Final

MODEL_SHA256: Final = "da1196ff6d3a158202ab41d3c08893986a7c1e0cd43fbb8033955fbe483e74c9"
"""Of ``model.npz``, the model file that belongs to this version of the code."""
