"""Duplicate detection as pure functions: arrays in, arrays out.

==============================  =====================================================================================
question                        files
==============================  =====================================================================================
What is compared?               `folded_tokens`, `tokens` (as written), `shingles`, `datatrove_shingles`
Which documents may be alike?   `exact`, `urls`, `scheme` > `minhash` > `bands` > `buckets`
Which are decided together?     `components`
Which of them stays?            `order`, `clusters` > `walk`
Which parts repeat?             `lines`, `substrings`
==============================  =====================================================================================
"""
