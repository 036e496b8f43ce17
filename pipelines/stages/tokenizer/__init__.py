"""The train-tokenizer stage."""
