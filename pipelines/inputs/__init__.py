"""Input files, local and remote: which files, where they are, and how they are reached.

Remote files lie in buckets, on web servers or on the Hub. They are read in byte ranges, each as the version that was
listed. One HTTP client serves all of them (`pipelines.inputs.client`): fsspec's implementations would bring three
with retries of their own, and none of them compares an object with the length and ETag that it was listed with,
shares a pace between processes, or refuses a redirect.

``corpusmill check`` never uses the network. A run lists first (`pipelines.stages.extract.pins`) and pins the files in
``work/remote/``. It reads these files and no others, also when it is resumed.

A run contacts only hosts that the recipe names: those of its addresses, of `mirror` and of `hosts`. Credentials come
from environment variables only (`pipelines.inputs.signing`) and appear in no message and no file.
"""
