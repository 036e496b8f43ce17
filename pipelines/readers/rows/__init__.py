"""Rows, of JSON lines, Parquet and the library `datasets`: from named values to records."""
