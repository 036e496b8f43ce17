"""From text to a tokenizer's model, and from text to ids."""
