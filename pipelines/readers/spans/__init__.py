"""Compressed files as chains of spans that can be decoded on their own; drawn in `pipelines.readers.archive`."""
