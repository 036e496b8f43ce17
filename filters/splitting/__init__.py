"""How a text is cut into words, sentences, n-grams and marks.

The thresholds of FineWeb and similar corpora are based on the words of ``spacy.blank("en")``, so the steps need exactly
these. spaCy itself takes 1.9 s per MB of text; here it takes 0.05 s, 38 times as fast, with the same words
(`tests/bench/filter_cost.py` measures, `tests/filters/test_text.py` compares). The rules come from the installed spaCy,
so a new version of spaCy changes them here as well.

A text passes through the files in this order. A *chunk* is a run of characters between white space; an *affix* is a
mark that spaCy cuts off at its end, an *infix* one at which it cuts in the middle.

==================  ================================================================================================
`words`             the entry: chooses the rules of a language; characters or a dictionary for scripts without spaces
`spacy_rules`       one language: sends each chunk to one of the next two, and follows spaCy's steps for hard chunks
`plain_words`       compiled: cuts plain chunks (97 in 100), whose marks depend on their neighbours alone
`plain_tables`      what a mark is between two neighbours, asked of spaCy's own rules once per process
`word_numbers`      the result: each distinct word once, and its number at each place
`sentences`         sentences, counted from the same pieces
`ngrams`            repeated n-grams and segments, counted from the numbers
`punctuation`       sets of marks that the published rules use
`spacy_itself`      spaCy without any of this: the reference in tests, and a switch for doubt
==================  ================================================================================================
"""
