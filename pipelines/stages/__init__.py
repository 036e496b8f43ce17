"""One module per stage of a run: extract, filter, dedup, train_tokenizer, pack."""
