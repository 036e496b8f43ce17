"""``corpusmill publish``: a finished run becomes a dataset repository on the Hugging Face Hub, its tokenizer a model.

Everything that is sent is first a file on this disk (under ``work/publish/``; shards and tokenizer as they are), so
its hash is known before, its upload can be resumed, and the same run gives the same repository. All files of a
repository become visible in one commit, and are read back and compared before a new repository is made public.
"""
