"""How the driver looks after a local worker process: it notices its death, and never waits for one in vain.

Beam 2.77's own handler only waits for answers: when a worker dies during a transform without output, the run
stands still for ever; and when a run fails or is interrupted, it waits until every worker has done all its work.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from google.protobuf import json_format, text_format

from pipelines.beam.worker_server import worker_server
from pipelines.errors import CorpusmillError

AGAIN_S = 0.5
"""How often those who wait for a dead worker are told; some begin to wait after its death."""


class WorkerDiedError(CorpusmillError):
    """A worker process on this machine ended before its work did."""


class LocalWorker(GrpcWorkerHandler):  # type: ignore[misc]
    """One worker process, from its start to its end; made by Beam, under the names that Beam calls."""

    def __init__(self, _command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._closed = threading.Event()
        # The connections to a process that died end in errors; `_await_death` tells who needs to know.
        read = _quiet(self.control_conn._read)
        self.control_conn._read_thread = threading.Thread(target=read, daemon=True)
        self.data_conn._read_inputs = _quiet(self.data_conn._read_inputs)

    def start_worker(self) -> None:
        """Start the process and begin to watch it."""
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(self.control_address),
            "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(self.logging_api_service_descriptor().url),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "WORKER_ID": self.worker_id,
        }
        self._process = worker_server().fork({**os.environ, **environment})
        self._watch = threading.Thread(target=self._await_death, name="watch worker", daemon=True)
        self._watch.start()

    def stop_worker(self) -> None:
        """Wait until the process has ended."""
        self._process.wait()
        self._watch.join()

    def close(self) -> None:
        """End the process: at once, if the run is over before its work is."""
        self._closed.set()
        if self.control_conn._futures_by_id:  # an answer is due, which nobody waits for any more
            self._process.kill()
        self.control_conn.close()
        with contextlib.suppress(grpc.RpcError):  # the connection to a dead process
            self.data_conn.close()
        self.stop_worker()

    def _await_death(self) -> None:
        code = self._process.wait()
        error = WorkerDiedError(f"a worker process ended (exit code {code})")
        while not self._closed.wait(AGAIN_S):
            self.control_conn.abort(error)
            with contextlib.suppress(grpc.RpcError):
                self.data_conn.close()


def _quiet(read: Callable[..., None]) -> Callable[..., None]:
    def read_quietly(*arguments: Any) -> None:
        with contextlib.suppress(grpc.RpcError):
            read(*arguments)

    return read_quietly


def _descriptor(url: str) -> str:
    return str(text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url)))


def use_local_worker() -> None:
    """Have Beam's local runner start its worker processes this way."""
    WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(LocalWorker)
