"""The members of Beam that are private and used all the same, and a worker that cannot be started."""

from __future__ import annotations

import inspect
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.worker import data_plane

from pipelines.beam import local_worker
from pipelines.beam.local_worker import LocalWorker
from pipelines.beam.runner import LOST_WORKER, local_runner
from pipelines.beam.worker_server import WorkerDiedError, WorkerServer

WAIT_S = 20.0


@pytest.fixture
def worker() -> Iterator[LocalWorker]:
    """A worker as Beam makes it, not started."""
    provision = ExtendedProvisionInfo()
    manager = worker_handlers.WorkerHandlerManager({}, provision)
    server = worker_handlers.GrpcServer(manager.state_servicer, provision, manager)
    yield LocalWorker(b"", manager.state_servicer, provision, server)
    server.close()


def test_the_control_connection_reads_with_the_thread_that_is_put_there() -> None:
    connection = worker_handlers.ControlConnection()
    answers: list[object] = []
    assert callable(connection._read)
    connection._read_thread = threading.Thread(target=lambda: answers.extend(connection._input))
    connection.set_input(["an answer"])
    connection._read_thread.join(WAIT_S)
    assert answers == ["an answer"]


def test_the_control_connection_knows_the_requests_without_an_answer_and_can_abort_them() -> None:
    connection = worker_handlers.ControlConnection()
    assert len(connection._futures_by_id) == 0
    future = connection.push(beam_fn_api_pb2.InstructionRequest())
    assert list(connection._futures_by_id.values()) == [future]
    connection.abort(WorkerDiedError("dead"))
    with pytest.raises(WorkerDiedError, match="dead"):
        future.get()


def test_the_data_connection_reads_with_the_function_that_is_put_there() -> None:
    connection, read = data_plane._GrpcDataChannel(), threading.Event()
    assert callable(connection._read_inputs)
    connection._read_inputs = lambda _inputs: read.set()
    connection.set_inputs(iter(()))
    assert read.wait(WAIT_S)


def test_a_worker_has_what_its_environment_is_made_of(worker: LocalWorker) -> None:
    assert worker.worker_id
    assert "localhost" in worker.control_address
    assert "localhost" in worker.logging_api_service_descriptor().url
    assert len(worker.provision_info.provision_info.pipeline_options) == 0


def test_the_local_runner_makes_our_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(worker_handlers.WorkerHandler._registered_environments)
    monkeypatch.setattr(worker_handlers.WorkerHandler, "_registered_environments", known)
    local_runner(2)
    assert LocalWorker in {handler for handler, _ in known.values()}


def test_a_broken_connection_is_reported_in_the_words_that_are_looked_for() -> None:
    assert LOST_WORKER in inspect.getsource(data_plane)


def test_a_new_pipeline_has_an_empty_folder_that_is_removed() -> None:
    folder = Path(beam.Pipeline().local_tempdir)
    assert list(folder.iterdir()) == []
    folder.rmdir()


@pytest.mark.integration
def test_a_server_that_dies_before_the_request_is_a_dead_worker(
    worker: LocalWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = WorkerServer()
    assert server.alive
    os.kill(server.pid, signal.SIGKILL)
    monkeypatch.setattr(local_worker, "worker_server", lambda: server)
    with pytest.raises(WorkerDiedError, match="has ended"):
        worker.start_worker()
    worker.close()
    worker.stop_worker()
    server.close()
