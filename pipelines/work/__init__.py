"""Units done by workers: tasks, marks, parts, restarts, progress."""
