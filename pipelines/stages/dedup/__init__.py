"""The dedup stage: duplicates are removed, and one document of each cluster stays.

::

    filtered/ --1--> signatures/             one row of hashes per document, kept for later runs
                         |
                   bands, URLs, contents     2 candidates: a document sends each of its keys to a partition,
                         v                     and those with a key in common meet there
                    partitions
                         |
                       edges                 3 components: edges between documents of several partitions become
                         v                     connected components, in rounds
                    components
                         |
                    work groups              4 decisions: whole components are decided by the rule of
                         v                     `filters.dedup.clusters`: at most one document of a cluster stays
                     decisions
                         |
                  lines, passages            5 lines, 6 substrings: those that repeat in what is left are found
                         v
    filtered/ --7--> documents/  duplicates/  removed_lines/  removed_substrings/

Texts stay in files: only hashes, signatures and decisions are shuffled, `Search.partitions` bounds the memory, and the
result depends on neither the units nor their order. What earlier runs kept takes part with its signatures (`against`),
as far as their ``index/`` says that it has a key in common with this run.

`stage` runs the steps, `plan` and `search` say how the work is cut, `graph` wires the steps for Beam, and `records` is
what travels between them.
"""
