"""Near-duplicate detection as pure functions: arrays in, arrays out."""
