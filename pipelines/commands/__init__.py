"""The verbs of the command line: one file each, whose ``COMMAND`` says what it is called, takes and does.

Adding a command is adding a file here and its name to the list in ``cli.py``.
"""
