"""Fail points: places where a test can make a run break on purpose.

Unless the environment asks for it, a fail point does nothing and costs one comparison. ``CORPUSMILL_FAIL`` is
``POINT:N:ACTION``: at the N-th passage (from 1; 0 = at each) of a point whose name matches the pattern POINT,
the process does ACTION: ``kill`` (SIGKILL), ``segv``, ``term``, ``int``, ``stop``, or the name of an error such as
``ENOSPC``, which is raised as `OSError`. Passages are counted in this process, or, with a file in
``CORPUSMILL_FAIL_COUNT``, in all processes that share it, so that there is only one N-th in a run.

Points: ``create``, ``write``, ``fsync``, ``rename``, ``fsync_folder`` at every operation of `pipelines.store.storage`;
``STAGE.start``, ``STAGE.record.NUMBER``, ``STAGE.batch``, ``STAGE.parts``, ``STAGE.done`` around every unit of a stage;
``HOME.begin`` and ``HOME.manifest`` around every stage; ``run.manifest``; ``worker.start``.
"""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

VARIABLE: Final = "CORPUSMILL_FAIL"
COUNT_VARIABLE: Final = "CORPUSMILL_FAIL_COUNT"
_SIGNALS: Final = {
    name: getattr(signal, f"SIG{name.upper()}") for name in ("kill", "segv", "term", "int", "stop")
}


@dataclass
class Plan:
    """One planned fault.

    Attributes:
        point: pattern of the names of fail points.
        number: the passage of them that fails; 0 = each.
        action: kill, segv, term, int, stop, or the name of an error.
        count_file: file in which all processes count their passages; None = this process counts.
        passed: passages so far, where this process counts.
    """

    point: str
    number: int
    action: str
    count_file: str | None = None
    passed: int = field(default=0, compare=False)

    @classmethod
    def from_environment(cls) -> Plan | None:
        """Return the fault that the environment asks for, if it asks for one."""
        text = os.environ.get(VARIABLE)
        if text is None:
            return None
        point, number, action = text.split(":")
        return cls(point, int(number), action, os.environ.get(COUNT_VARIABLE))

    def passage(self, point: str) -> None:
        """Count the passage of a point, and break if it is the planned one."""
        if not fnmatchcase(point, self.point):
            return
        self.passed = self._count()
        if self.number not in (0, self.passed):
            return
        if self.action in _SIGNALS:
            signal.raise_signal(_SIGNALS[self.action])  # to this thread, which stops at once
            return
        code = getattr(errno, self.action)
        raise OSError(code, os.strerror(code))

    def _count(self) -> int:
        if self.count_file is None:
            return self.passed + 1
        descriptor = os.open(self.count_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, b".")
            return os.lseek(descriptor, 0, os.SEEK_CUR)  # the end of our own byte, even if others write too
        finally:
            os.close(descriptor)


plan: Plan | None = Plan.from_environment()
"""The fault planned for this process; tests in this process set it."""


def fail_point(point: str) -> None:
    """Break here, if this passage of this point is planned to."""
    if plan is not None:
        plan.passage(point)
