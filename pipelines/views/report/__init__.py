"""``report.html``: the whole run on one page that opens from a disk; a pure function of the run's files.

``run.json`` is one of them. Its times are in the section "Recipe and versions", the only one in which the reports of
two runs with equal output differ.

The charts are SVG and the page has no script at all: nothing crawled can act in it, style sheet variables make it
follow dark mode, and it opens in milliseconds. Each section is built by one module here and laid out by
the template of the same name; notebooks show the same sections.
"""
