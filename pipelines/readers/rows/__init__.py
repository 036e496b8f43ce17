"""Readers of rows, of JSON lines and Parquet."""
