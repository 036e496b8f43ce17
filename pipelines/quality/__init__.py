"""Training a quality classifier: examples from any reader, a held-out part, figures and a card."""
