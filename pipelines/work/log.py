"""The log of a run, ``work/log.txt``: what each call said, with times, so that the morning can see what the night did.

It is appended to and read by people only. A call that was killed has no last line.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from typing import Final

from pipelines.store.folders import LOG
from pipelines.store.storage import Storage
from pipelines.terminal import escape

log: Final = logging.getLogger("corpusmill")
"""What a run says goes here; `logged` connects it with a file."""
log.setLevel(logging.INFO)
log.propagate = False  # the console has its own lines


class _LogFile(logging.Handler):
    """Appends records to the log of a run."""

    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage
        form = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        form.converter = time.gmtime
        self.setFormatter(form)

    def emit(self, record: logging.LogRecord) -> None:
        # A full disk ends the run at its next table, with a message of its own.
        with contextlib.suppress(OSError):
            self._storage.append_line(LOG, escape(self.format(record)))


@contextlib.contextmanager
def logged(storage: Storage, call: str) -> Iterator[None]:
    """Write what is said meanwhile to the log of a run, and how it ends.

    Args:
        storage: the run.
        call: what is going to be done.
    """
    file = _LogFile(storage)
    log.addHandler(file)
    log.info("%s; process %d on %s", call, os.getpid(), socket.gethostname())
    try:
        yield
        log.info("done")
    except KeyboardInterrupt:
        log.warning("interrupted")
        raise
    except Exception as error:
        log.exception("%s", error)
        raise
    finally:
        log.removeHandler(file)
