"""How a pipeline is run: locally on the FnApiRunner, elsewhere as the flags after ``--`` say.

The runner is pinned because Beam's default one first tries to download a binary. One worker runs in this
process; more run as processes of their own, which costs about 3 CPU seconds per pipeline.
"""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines.errors import CorpusmillError

Build = Callable[[beam.Pipeline], object]


def run_pipeline(build: Build, workers: int, flags: Sequence[str] = ()) -> None:
    """Build one pipeline and run it to its end.

    Args:
        build: applies the transforms; must name each of them.
        workers: worker processes on this machine; ignored by remote runners.
        flags: Beam flags; ``--runner`` among them leaves this machine.

    Raises:
        CorpusmillError: the pipeline failed; the message is the last line of Beam's report.
    """
    # Beam logs each worker's ordinary start at WARNING; its failures reach us as exceptions.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    runner = local_runner(workers) if is_local(flags) else None
    pipeline = beam.Pipeline(runner=runner, options=pipeline_options(workers, flags))
    build(pipeline)
    try:
        pipeline.run().wait_until_finish()
    except CorpusmillError:
        raise
    except Exception as error:
        raise CorpusmillError(_last_line(str(error))) from error


def local_runner(workers: int) -> FnApiRunner:
    """Return Beam's local runner: one worker runs in this process, more run as processes of their own."""
    if workers == 1:
        return FnApiRunner()
    command = f"exec {shlex.quote(sys.executable)} -m pipelines.beam.worker"
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(command))


def pipeline_options(workers: int, flags: Sequence[str] = ()) -> PipelineOptions:
    """Return options from an explicit argument list; Beam would otherwise read this program's own."""
    local = [f"--direct_num_workers={workers}"] if is_local(flags) else []
    # Our functions are importable; pickling __main__ would drag the command line into every worker.
    return PipelineOptions([*flags, *local], save_main_session=False)


def is_local(flags: Sequence[str]) -> bool:
    """Say whether these flags leave the pipeline on this machine."""
    return not any(flag == "--runner" or flag.startswith("--runner=") for flag in flags)


def _last_line(report: str) -> str:
    lines = [line for line in report.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "the pipeline failed without a message; run again with --debug"
