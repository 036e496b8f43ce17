"""Inputs that lie elsewhere: buckets, web servers, the Hub. Read in byte ranges, and as listed or not at all.

All of them are read by plain HTTP with `requests` (which is there anyway), one module for all: fsspec's
implementations would bring three HTTP clients with retries of their own, and none of them holds an object to
the length and ETag it was listed with, shares a pace between processes, or refuses a redirect.

``corpusmill check`` never touches the network. A run lists first (`pipelines.stages.extract.pins`), pins what it found
in ``work/remote/``, and reads that and nothing else, now and whenever it is resumed.

Only hosts that the recipe names are contacted: those of its addresses, of `mirror`, and of `hosts`. Credentials come
from the environment only (`pipelines.inputs.signing`) and stand in no message and no file.
"""
