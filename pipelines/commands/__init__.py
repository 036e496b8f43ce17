"""The commands, one file each; its ``COMMAND`` holds the name, the arguments and the function that runs it.

Adding a command is adding a file here and its name to the list in ``cli.py``.
"""
