"""How a text is cut into words, sentences, n-grams and marks."""
