"""Packed rows and the shards that hold them."""
