"""Files that steps use: lists of addresses, evaluation texts, fastText models."""
