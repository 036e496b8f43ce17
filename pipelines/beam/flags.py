"""Where a pipeline runs, by Beam's flags as given after ``--``; imports no Beam."""

from __future__ import annotations

from collections.abc import Sequence


def is_local(flags: Sequence[str]) -> bool:
    """Return True if these flags leave the pipeline on this machine."""
    return not any(flag == "--runner" or flag.startswith("--runner=") for flag in flags)
