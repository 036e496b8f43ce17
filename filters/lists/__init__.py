"""What steps look up: lists of addresses, evaluation texts, fastText models."""
