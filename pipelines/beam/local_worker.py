"""Watches a local worker process, so that its death is noticed and never blocks the driver.

Beam 2.77's own handler only waits for answers: when a worker dies during a transform without output, the run
hangs; and when a run fails or is interrupted, it waits until every worker has done all its work. Both are in
code that Beam keeps private; ``tests/pipelines/beam/test_local_worker.py`` names each such member and fails when a
new Beam has changed one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any, Final

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from google.protobuf import json_format, text_format

from pipelines.beam.worker_server import WorkerDiedError, WorkerProcess, worker_server

REPEAT_S: Final = 0.5
"""Seconds between two reports of a death: some threads begin to wait for the worker only after it has died."""


class LocalWorker(GrpcWorkerHandler):  # type: ignore[misc]  # mypy sees no Beam
    """One worker process, from its start to its end. Beam makes it and calls its methods by these names."""

    def __init__(self, _command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._process: WorkerProcess | None = None
        self._closed = threading.Event()
        self._watch: threading.Thread
        # The connections to a process that died end in errors; `_report_death` tells those who need to know.
        read = _without_rpc_errors(self.control_conn._read)
        self.control_conn._read_thread = threading.Thread(target=read, daemon=True)
        self.data_conn._read_inputs = _without_rpc_errors(self.data_conn._read_inputs)

    def start_worker(self) -> None:
        """Start the process and watch it.

        Raises:
            WorkerDiedError: the server that forks workers has ended.
        """
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(self.control_address),
            "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(self.logging_api_service_descriptor().url),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "WORKER_ID": self.worker_id,
        }
        self._process = worker_server().fork({**os.environ, **environment})
        self._watch = threading.Thread(
            target=self._report_death, args=(self._process,), name="watch worker", daemon=True
        )
        self._watch.start()

    def stop_worker(self) -> None:
        """Wait until the process has ended."""
        if self._process is not None:
            self._process.wait()
            self._watch.join()

    def close(self) -> None:
        """End the process; kill it if it still works on a request, whose answer is no longer needed."""
        self._closed.set()
        if self._process is not None and self.control_conn._futures_by_id:
            self._process.kill()
        self.control_conn.close()
        with contextlib.suppress(grpc.RpcError):  # the connection to a dead process
            self.data_conn.close()
        self.stop_worker()

    def _report_death(self, process: WorkerProcess) -> None:
        error = WorkerDiedError(f"a worker process ended (exit code {process.wait()})")
        while not self._closed.wait(REPEAT_S):
            self.control_conn.abort(error)
            with contextlib.suppress(grpc.RpcError):
                self.data_conn.close()


def _without_rpc_errors(read: Callable[..., None]) -> Callable[..., None]:
    def read_quietly(*arguments: Any) -> None:
        with contextlib.suppress(grpc.RpcError):
            read(*arguments)

    return read_quietly


def _descriptor(url: str) -> str:
    return str(text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url)))


def use_local_worker() -> None:
    """Have Beam's local runner start its worker processes this way."""
    WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(LocalWorker)
