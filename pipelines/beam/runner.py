"""Runs a pipeline: on this machine with the FnApiRunner, elsewhere as the flags after ``--`` say.

The runner is pinned because Beam's default one first tries to download a binary. One worker runs in this
process; more are forked from a server (`pipelines.beam.worker_server`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines.beam.flags import is_local
from pipelines.beam.local_worker import use_local_worker
from pipelines.beam.worker_server import WorkerDiedError
from pipelines.errors import CorpusmillError, what_to_fix

Build = Callable[[beam.Pipeline], object]

LOST_WORKER: Final = "Channel closed prematurely"
"""What Beam says (``apache_beam.runners.worker.data_plane``) where the connection to a worker broke."""

_SYSTEM_ERROR: Final = re.compile(r"^(?:RuntimeError: )?\w+: \[Errno (\d+)\] (.*?)(?:: '(.*)')?$")
_WRAPPING: Final = re.compile(r"^(RuntimeError: )?pipelines\.errors\.\w+: | \[while running .*\]$")


def run_pipeline(build: Build, workers: int, flags: Sequence[str] = (), apart: bool = False) -> None:
    """Build one pipeline and run it to its end.

    Args:
        build: applies the transforms; must name each of them.
        workers: worker processes on this machine; ignored by remote runners.
        flags: Beam flags; ``--runner`` among them leaves this machine.
        apart: even a single worker is a process of its own, so that this process survives its death.

    Raises:
        WorkerDiedError: a local worker process died, or the server that starts them.
        CorpusmillError: the pipeline failed; the message is the last line of Beam's report.
    """
    # Beam logs each worker's ordinary start at WARNING; its failures reach us as exceptions.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    runner = local_runner(workers, apart) if is_local(flags) else None
    pipeline = beam.Pipeline(runner=runner, options=pipeline_options(workers, flags))
    # For transforms in other languages; a driver that is killed, or lives in a notebook, would leave it behind.
    Path(pipeline.local_tempdir).rmdir()
    build(pipeline)
    try:
        pipeline.run().wait_until_finish()
    except CorpusmillError:
        raise
    except Exception as error:
        if isinstance(error, grpc.RpcError) or LOST_WORKER in str(error):
            raise WorkerDiedError("a worker process ended") from error
        message = last_line(str(error))
        if message.startswith(KeyboardInterrupt.__name__):  # Beam's worker in this process turns it into text
            raise KeyboardInterrupt from error
        raise CorpusmillError(message) from error


def local_runner(workers: int, apart: bool = False) -> FnApiRunner:
    """Return Beam's local runner: one worker runs in this process, more, or one `apart`, as processes."""
    if workers == 1 and not apart:
        return FnApiRunner()
    use_local_worker()
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string("forked"))


def pipeline_options(workers: int, flags: Sequence[str] = ()) -> PipelineOptions:
    """Return options from an explicit argument list; Beam would otherwise read the arguments of this program."""
    local = [f"--direct_num_workers={workers}"] if is_local(flags) else []
    # Our functions are importable; pickling __main__ would drag the command line into every worker.
    return PipelineOptions([*flags, *local], save_main_session=False)


def last_line(report: str) -> str:
    """Return the line of Beam's report of an error that is for the user; an error of the system says what to do."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    if not lines:
        return "the pipeline failed without a message; run again with --debug"
    message = _WRAPPING.sub("", lines[-1])
    of_system = _SYSTEM_ERROR.match(message)
    if of_system is None:
        return message
    number, said, path = of_system.groups()
    return what_to_fix(OSError(int(number), said, path))
