"""What Beam's flags, as given after ``--``, say about a run; reads without Beam."""

from __future__ import annotations

from collections.abc import Sequence


def is_local(flags: Sequence[str]) -> bool:
    """Say whether these flags leave the pipeline on this machine."""
    return not any(flag == "--runner" or flag.startswith("--runner=") for flag in flags)
