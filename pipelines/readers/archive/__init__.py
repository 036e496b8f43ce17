"""WARC and ARC: from decompressed bytes to records."""
