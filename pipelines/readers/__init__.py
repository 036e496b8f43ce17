"""Readers turn the bytes of one source into records; one file per format, found by its name."""
