"""Training a quality classifier: examples from any readers, a held-out part, figures, a card."""
