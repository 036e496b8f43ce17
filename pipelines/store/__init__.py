"""Where a run lies: files, manifests, tables and their balance."""
