"""``report.html``: what a run did, on one page that opens from a disk; a pure function of the run's files.

``run.json`` is one of them: the times it holds are in the section "Recipe and versions", so there the reports of two
runs with equal output differ, and nowhere else.

The charts are SVG and the page has no script at all, so that nothing crawled can act in it, it follows dark mode
through style sheet variables, and it opens in milliseconds. Each section is built by one module here and laid out by
the template of the same name; notebooks show the same sections.
"""
