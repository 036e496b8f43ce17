"""Floor 0: what a document is, and whether it stays. Pure functions; no Beam, no files written."""
