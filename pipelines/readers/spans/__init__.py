"""Compressed files as spans that can be decoded on their own."""
