"""Remote files: every byte as in the original, or an error that says what is wrong; only hosts that are named."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError
from pipelines.inputs.address import Pin, parse_address
from pipelines.inputs.allowed_hosts import AllowedHosts
from pipelines.inputs.client import Client
from pipelines.inputs.ranged_file import MOST_BYTES, RangedFile
from pipelines.inputs.retry import Attempts, Retry, RetryableError

DATA = random.Random(1).randbytes(300_000)


def fetch(
    client: Client, server: Any, start: int = 0, stop: int | None = None, pin: Pin | None = None
) -> bytes:
    """Pin a file of the server and read a range of it."""
    server.files["/a.gz"] = DATA
    address = parse_address(f"{server.url}/a.gz")
    pin = pin or client.pin(address)
    return client.read(address, pin, start, pin.size if stop is None else stop)


def test_a_range_is_read(client: Client, server: Any) -> None:
    assert fetch(client, server, 1000, 2000) == DATA[1000:2000]


def test_connections_that_break_off_are_taken_up_where_they_did(
    client: Client, server: Any, fault: Any
) -> None:
    server.fault = lambda n, path: fault(cut=20_000, reset=n % 2 == 0) if n and n % 5 else None
    assert fetch(client, server) == DATA
    ranges = [headers["range"] for _, headers in server.seen[1:]]
    assert ranges[0] == f"bytes=0-{len(DATA) - 1}"
    assert all(
        int(later[6:].split("-")[0]) >= int(sooner[6:].split("-")[0])
        for sooner, later in itertools.pairwise(ranges)
    )


def test_an_answer_without_a_length_may_end_early_too(client: Client, server: Any, fault: Any) -> None:
    """Nothing but the range says how much there should be: the connection just ends."""
    nameless = fault(headers=(("Content-Length", None),), cut=50_000)
    server.fault = lambda n, path: nameless if 0 < n < 4 else None
    assert fetch(client, server) == DATA
    assert len(server.seen) == 5
    server.fault = lambda n, path: fault(headers=(("Content-Length", None),), cut=0)
    with pytest.raises(InputError, match=r"the connection ended at byte 0, 9 times"):
        fetch(client, server, pin=Pin(len(DATA), f'"{_etag()}"'))


@pytest.mark.parametrize("status", [403, 408, 429, 500, 502, 503, 504])
def test_answers_that_may_pass_are_waited_out(client: Client, server: Any, fault: Any, status: int) -> None:
    server.fault = lambda n, path: fault(status=status) if n % 3 else None
    assert fetch(client, server) == DATA


@pytest.mark.parametrize(("status", "requests"), [(403, 4), (503, 9), (404, 1), (401, 1), (418, 1)])
def test_answers_that_do_not_pass_become_errors(
    client: Client, server: Any, fault: Any, status: int, requests: int
) -> None:
    server.fault = lambda n, path: fault(status=status)
    with pytest.raises(InputError, match=rf"a\.gz.*{status}.*; "):
        fetch(client, server)
    assert len(server.seen) == requests


def test_a_host_that_forbids_what_it_gave_before_is_waited_for(
    client: Client, server: Any, fault: Any
) -> None:
    """Common Crawl answers 403 to those who ask too much."""
    server.fault = lambda n, path: fault(status=403) if 0 < n < 9 else None
    assert fetch(client, server) == DATA


def test_a_server_that_only_ever_cuts_ends_in_an_error(client: Client, server: Any, fault: Any) -> None:
    server.fault = lambda n, path: fault(cut=0) if n else None
    with pytest.raises(InputError, match=r"bytes 0 to 300000: .*9 times.*run the same command again"):
        fetch(client, server)


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        (
            {"Content-Range": "bytes 0-299999/400000"},
            "changed since the run listed it .*300000 bytes; now 400000",
        ),
        ({"Content-Range": "bytes 5-300004/300000"}, "asked for bytes 0 to 300000"),
        ({"Content-Range": "bytes 0-99/300000"}, "asked for bytes 0 to 300000"),
        ({"Content-Range": "bytes 0-300000/300000"}, "asked for bytes 0 to 300000"),
        ({"Content-Range": "all of it"}, "answers a byte range with 206"),
        ({"Content-Length": "299999"}, "asked for bytes 0 to 300000"),
        ({"ETag": '"other"'}, "changed since the run listed it .*other"),
    ],
)
def test_a_server_that_lies_is_found_out(
    client: Client, server: Any, fault: Any, lie: dict[str, str], says: str
) -> None:
    server.fault = lambda n, path: fault(headers=tuple(lie.items())) if n else None
    with pytest.raises(InputError, match=rf"a\.gz: .*{says}"):
        fetch(client, server)


def test_a_length_too_great_is_found_at_the_end(client: Client, server: Any) -> None:
    pin = Pin(len(DATA) + 10, f'"{_etag()}"')
    with pytest.raises(InputError, match="changed since the run listed it"):
        fetch(client, server, 0, pin.size, pin)
    with pytest.raises(InputError, match=r"changed since the run listed it .*300010 bytes; now 300000"):
        fetch(client, server, len(DATA), pin.size, pin)


def _etag() -> str:
    import hashlib

    return hashlib.md5(DATA).hexdigest()


def test_more_than_was_asked_for_is_refused(client: Client, server: Any, fault: Any) -> None:
    more = (("Content-Range", "bytes 0-1999/300000"), ("Content-Length", "2000"))
    server.fault = lambda n, path: fault(headers=more, body=DATA[:2000]) if n else None
    with pytest.raises(InputError, match="asked for bytes 0 to 1000"):
        fetch(client, server, 0, 1000)


def test_a_shorter_range_than_asked_for_is_taken_up(client: Client, server: Any, fault: Any) -> None:
    """RFC 9110, 15.3.7: a server may send less than was asked for, if it says so."""

    def less(n: int, path: str) -> Any:
        if n != 1:
            return None
        return fault(
            headers=(("Content-Range", "bytes 0-9/300000"), ("Content-Length", "10")), body=DATA[:10]
        )

    server.fault = less
    assert fetch(client, server) == DATA


def test_a_server_without_ranges_serves_whole_files_only(client: Client, server: Any, fault: Any) -> None:
    server.fault = lambda n, path: fault(ranges=False)
    assert fetch(client, server) == DATA
    with pytest.raises(InputError, match="does not answer byte ranges"):
        fetch(client, server, 0, 1000)


def test_an_empty_file_has_no_bytes(client: Client, server: Any) -> None:
    server.files["/empty"] = b""
    assert client.pin(parse_address(f"{server.url}/empty")).size == 0


def test_a_silent_server_is_left(
    client: Client, server: Any, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.inputs.client.SILENCE_S", 0.1)
    server.fault = lambda n, path: fault(pause_s=0.4) if n == 1 else None
    assert fetch(client, server) == DATA
    assert len(server.seen) == 3


def test_a_crawling_server_is_left(
    client: Client, server: Any, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.inputs.answers.SLOW_S", 0.0)
    monkeypatch.setattr("pipelines.inputs.answers.SLOW_BYTES_PER_S", 1 << 50)
    with pytest.raises(InputError, match=r"only .* bytes came in"):
        fetch(Client(client._allowed, Retry(failures=5, base_s=0.001)), server)


def test_a_redirect_on_the_host_is_followed(client: Client, server: Any, fault: Any) -> None:
    server.fault = lambda n, path: (
        fault(status=302, headers=(("Location", "/a.gz"),)) if path == "/old" else None
    )
    server.files["/a.gz"] = DATA
    address = parse_address(f"{server.url}/old")
    assert client.read(address, client.pin(address), 5, 50) == DATA[5:50]


def test_a_redirect_to_another_host_is_refused(
    client: Client, server: Any, start: Callable[[], Any], fault: Any
) -> None:
    other = start()
    other.files["/a.gz"] = DATA
    server.fault = lambda n, path: fault(status=302, headers=(("Location", f"{other.url}/a.gz"),))
    with pytest.raises(InputError, match=f"redirects to the host {other.host}"):
        fetch(client, server)
    assert not other.seen


def test_a_redirect_to_a_host_that_is_named_is_followed_without_credentials(
    server: Any, start: Callable[[], Any], fault: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start()
    other.files["/x"] = DATA
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", "canary")
    server.fault = lambda n, path: fault(status=302, headers=(("Location", f"{other.url}/x"),))
    client = Client(AllowedHosts(str(tmp_path), (server.host, other.host)))
    address = parse_address("hf://datasets/me/it@main/a.gz")
    assert client.read(address, client.pin(address), 0, 10) == DATA[:10]
    assert server.seen[0][1]["authorization"] == "Bearer canary"
    assert "authorization" not in other.seen[0][1]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("http://[::1", "invalid address"),
        ("http://a:port/", "invalid address"),
        ("ftp://a/", "from http to ftp"),
    ],
)
def test_a_redirect_to_nowhere_is_an_error(
    client: Client, server: Any, fault: Any, target: str, says: str
) -> None:
    server.fault = lambda n, path: fault(status=302, headers=(("Location", target),))
    with pytest.raises(InputError, match=rf"a\.gz: redirects .*{says}"):
        fetch(client, server)
    assert len(server.seen) == 1


def test_connections_are_kept_also_over_redirects(client: Client, server: Any, fault: Any) -> None:
    server.fault = lambda n, path: (
        fault(status=302, headers=(("Location", "/a.gz"),)) if path == "/old" else None
    )
    server.files["/a.gz"] = DATA
    address = parse_address(f"{server.url}/old")
    pin = client.pin(address)
    for start in range(0, len(DATA), 30_000):
        assert client.read(address, pin, start, start + 30_000) == DATA[start : start + 30_000]
    assert len(server.seen) == 22
    assert server.connections == 1


def test_threads_share_a_client(client: Client, server: Any, fault: Any) -> None:
    server.fault = lambda n, path: fault(cut=10_000) if n % 7 == 3 else None
    server.files["/a.gz"] = DATA
    address = parse_address(f"{server.url}/a.gz")
    pin = client.pin(address)
    starts = range(0, len(DATA), 5_000)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda start: client.read(address, pin, start, start + 5_000), starts))
    assert b"".join(parts) == DATA


@pytest.mark.integration
def test_a_fork_uses_connections_of_its_own(client: Client, server: Any) -> None:
    """Two processes on one connection would read each other's answers."""
    assert fetch(client, server, 0, 100) == DATA[:100]
    address = parse_address(f"{server.url}/a.gz")
    pin = Pin(len(DATA), f'"{_etag()}"')
    child = os.fork()
    if child == 0:
        right = all(client.read(address, pin, n, n + 100) == DATA[n : n + 100] for n in range(100, 110))
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections == 2
    assert client.read(address, pin, 200, 300) == DATA[200:300]
    assert server.connections == 2, "the parent's connection outlives the child"


def test_a_host_that_has_no_address_is_tried_three_times(client: Client) -> None:
    client = Client(AllowedHosts(str(client._allowed.root), ("nowhere.invalid",)), Retry(base_s=0.001))
    with pytest.raises(
        InputError, match=r"address cannot be found, 3 times .*check the name and the network"
    ):
        client.pin(parse_address("https://nowhere.invalid/a.gz"))


def test_a_port_that_nobody_listens_on_is_tried_again(client: Client, server: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        client = Client(AllowedHosts(str(client._allowed.root), (host,)), Retry(base_s=0.001))
        with pytest.raises(InputError, match=r"the connection failed \(Connection refused\), 9 times"):
            client.pin(parse_address(f"http://{host}/a.gz"))


def test_redirects_in_a_circle_end(client: Client, server: Any, fault: Any) -> None:
    server.fault = lambda n, path: fault(status=301, headers=(("Location", "/a.gz"),))
    with pytest.raises(InputError, match="more than 5 redirects"):
        fetch(client, server)


def test_a_host_that_is_not_named_is_not_contacted(client: Client, start: Callable[[], Any]) -> None:
    other = start()
    with pytest.raises(InputError, match="not named in the recipe"):
        client.pin(parse_address(f"{other.url}/a.gz"))
    assert not other.seen


def test_no_secret_stands_in_an_error(
    server: Any, fault: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "canary")
    client = Client(AllowedHosts(str(tmp_path), (server.host,)), Retry(base_s=0.001))
    for status in (401, 403, 404, 503):
        server.fault = lambda n, path, status=status: fault(status=status)
        with pytest.raises(InputError) as caught:
            client.pin(parse_address("s3://bucket/a.gz"))
        assert "canary" not in str(caught.value)
        assert "canary" in server.seen[-1][1]["authorization"]


def test_pauses_double_and_are_bounded() -> None:
    retry = Retry()
    longest = [retry.pause(n, 0.999999) for n in range(1, 12)]
    assert [round(pause, 2) for pause in longest] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert retry.pause(3, 0.0) == 1.0


def test_an_attempt_waits_as_long_as_the_host_asks() -> None:
    slept: list[float] = []
    attempts = Attempts(Retry(attempts=4), slept.append, lambda: 0.0)
    assert attempts.again(RetryableError("503", wait_s=7.0))
    assert attempts.again(RetryableError("503"))
    assert attempts.again(RetryableError("503"), progress=True)
    assert attempts.again(RetryableError("503", wait_s=1e9))
    assert slept == [7.0, 0.5, 0.25, 600.0]
    assert attempts.again(RetryableError("503"))
    assert not attempts.again(RetryableError("503"))
    assert str(attempts) == "6 times in 0 s"


def test_a_stream_reads_like_a_local_file(client: Client, server: Any) -> None:
    server.files["/a.gz"] = DATA
    address = parse_address(f"{server.url}/a.gz")
    stream = RangedFile(client, address, client.pin(address))
    chance = random.Random(7)
    for _ in range(200):
        at, size = chance.randrange(len(DATA) + 10), chance.choice([0, 1, 100, 70_000])
        assert stream.seek(at) == at
        assert stream.read(size) == DATA[at : at + size]
        assert stream.tell() == max(at, min(at + size, len(DATA)))
    assert stream.seek(-5, 2) == len(DATA) - 5
    assert stream.read() == DATA[-5:]


def test_ranges_grow_while_reading_goes_on(client: Client, server: Any) -> None:
    data = bytes(20 << 20)
    server.files["/a.gz"] = data
    address = parse_address(f"{server.url}/a.gz")
    stream = RangedFile(client, address, client.pin(address))
    while stream.read(1 << 16):
        pass
    sizes = [
        int(last) - int(first) + 1
        for first, last in (headers["range"][6:].split("-") for _, headers in server.seen[1:])
    ]
    assert sizes[:6] == [1 << 18, 1 << 19, 1 << 20, 2 << 20, 4 << 20, MOST_BYTES]
    assert sum(sizes) == len(data)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("HTTPS_PROXY", "ftp://x:1"), ("SSL_CERT_FILE", "/no/such/file")],
)
def test_settings_that_allow_no_connection_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"no connection can be made .*{variable}"):
        Client(AllowedHosts(str(tmp_path), ("host",)))
