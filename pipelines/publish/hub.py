"""One repository on the Hub: its difference to a run, the upload in one commit, and reading it back.

An interrupted upload goes on: the Hub is not sent content that it has. Its client retries uploads and downloads, but
not the calls that create, commit or ask for information; `with_retries` does. If the answer to a commit is lost, the
files of the repository show that the commit was made.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import httpx2
import pyarrow.parquet as pq
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile as RemoteFile

from pipelines.errors import OutputError, VerificationError
from pipelines.inputs.retry import RETRYABLE_STATUS, Attempts, Retry, RetryableError, retry_after
from pipelines.publish.files import CONFIG_FOLDERS, RepoFile

Answer = TypeVar("Answer")

RETRY: Final = Retry(attempts=6, base_s=2.0, longest_wait_s=300.0)
READ_BYTES: Final = 8 << 20
FILES_PER_UPLOAD: Final = 50


@dataclass(frozen=True)
class Repo:
    """A repository, and the branch to publish to.

    Attributes:
        api: the client.
        name: ``user/name``.
        kind: ``dataset`` or ``model``.
        branch: created from ``main`` if it does not exist.
    """

    api: HfApi
    name: str
    kind: str
    branch: str = "main"


@dataclass(frozen=True)
class Change:
    """The difference between a repository and the files that it should hold.

    Attributes:
        head: the commit that was compared.
        add: files to add or replace.
        remove: paths to remove.
    """

    head: str
    add: Sequence[RepoFile]
    remove: Sequence[str]


def open_repo(repo: Repo, private: bool) -> bool:
    """Create the repository and its branch if they do not exist; a new repository is private at first.

    Returns:
        True if the repository was created and is to become public.
    """
    created = False
    try:
        with_retries(lambda: repo.api.repo_info(repo.name, repo_type=repo.kind))
    except RepositoryNotFoundError:
        with_retries(
            lambda: repo.api.create_repo(repo.name, repo_type=repo.kind, private=True, exist_ok=True)
        )
        created = not private
    if repo.branch != "main":
        with_retries(
            lambda: repo.api.create_branch(repo.name, branch=repo.branch, repo_type=repo.kind, exist_ok=True)
        )
    return created


def difference(repo: Repo, files: Sequence[RepoFile]) -> Change:
    """Return the change after which the repository holds these files, and no others in `CONFIG_FOLDERS`."""
    head = str(
        with_retries(lambda: repo.api.repo_info(repo.name, repo_type=repo.kind, revision=repo.branch)).sha
    )
    there = _tree(repo, head)
    add = [file for file in files if not _same(file, there.get(file.path))]
    wanted = {file.path for file in files}
    ours = [path for path in there if path.partition("/")[0] in CONFIG_FOLDERS and "/" in path]
    return Change(head, add, sorted(path for path in ours if path not in wanted))


def _tree(repo: Repo, revision: str) -> dict[str, RemoteFile]:
    tree = with_retries(
        lambda: list(
            repo.api.list_repo_tree(repo.name, recursive=True, revision=revision, repo_type=repo.kind)
        )
    )
    return {entry.path: entry for entry in tree if isinstance(entry, RemoteFile)}


def _same(file: RepoFile, remote: RemoteFile | None) -> bool:
    """Return True if the Hub has exactly this content at the file's path."""
    if remote is None or remote.size != file.size:
        return False
    return remote.lfs.sha256 == file.sha256 if remote.lfs is not None else remote.blob_id == file.git_oid()


def apply(repo: Repo, files: Sequence[RepoFile], message: str, say: Callable[[str], None]) -> str:
    """Make the repository hold these files, in one commit, or in none if it holds them already.

    Returns:
        The commit that holds them.

    Raises:
        OutputError: somebody else changed the branch meanwhile.
    """
    change = difference(repo, files)
    if not change.add and not change.remove:
        say(f"{repo.name}: unchanged")
        return change.head
    size = sum(file.size for file in change.add)
    say(f"{repo.name}: {len(change.add)} files to send ({size:,} bytes), {len(change.remove)} to remove")
    additions = [_addition(file) for file in change.add]
    for first in range(0, len(additions), FILES_PER_UPLOAD):
        some = additions[first : first + FILES_PER_UPLOAD]
        with_retries(
            partial(
                repo.api.preupload_lfs_files,
                repo.name,
                some,
                repo_type=repo.kind,
                revision=repo.branch,
                free_memory=False,
            )
        )
        say(
            f"{repo.name}: {min(first + FILES_PER_UPLOAD, len(additions))} of {len(additions)} files are there"
        )
    return with_retries(lambda: _commit(repo, files, change.head, message))


def _addition(file: RepoFile) -> CommitOperationAdd:
    return CommitOperationAdd(
        file.path, file.content if isinstance(file.content, bytes) else str(file.content)
    )


def _commit(repo: Repo, files: Sequence[RepoFile], head: str, message: str) -> str:
    """Commit the uploaded files, unless an earlier attempt, whose answer was lost, has done so."""
    change = difference(repo, files)
    if not change.add and not change.remove:
        return change.head
    if change.head != head:
        raise OutputError(f"{repo.name}: somebody else changed {repo.branch} meanwhile; publish again")
    operations: list[CommitOperationAdd | CommitOperationDelete] = [*map(_addition, change.add)]
    operations += map(CommitOperationDelete, change.remove)
    made = repo.api.create_commit(
        repo.name,
        operations,
        commit_message=message,
        repo_type=repo.kind,
        revision=repo.branch,
        parent_commit=head,
    )
    return str(made.oid)


def read_back(repo: Repo, commit: str, files: Sequence[RepoFile], say: Callable[[str], None]) -> None:
    """Read every file of a commit back and compare it with the sent one.

    Raises:
        VerificationError: the Hub returns other bytes or rows; the message names the file.
    """
    prefix = "datasets/" if repo.kind == "dataset" else ""
    system = HfFileSystem(endpoint=repo.api.endpoint, token=repo.api.token, skip_instance_cache=True)
    for n, file in enumerate(files, 1):
        path = f"{prefix}{repo.name}@{commit}/{file.path}"
        found = with_retries(partial(_sha256, system, path))
        if found != file.sha256:
            raise VerificationError(
                f"{repo.name}/{file.path}: the Hub has other bytes (sha256 {found}); publish again"
            )
        if file.rows is not None:
            rows = with_retries(partial(_rows, system, path))
            if rows != file.rows:
                raise VerificationError(
                    f"{repo.name}/{file.path}: has {rows} rows on the Hub, {file.rows} here"
                )
        if n % FILES_PER_UPLOAD == 0 or n == len(files):
            say(f"{repo.name}: {n} of {len(files)} files read back and equal")


def _sha256(system: HfFileSystem, path: str) -> str:
    digest = hashlib.sha256()
    with system.open(path, "rb", block_size=READ_BYTES) as file:
        while data := file.read(READ_BYTES):
            digest.update(data)
    return digest.hexdigest()


def _rows(system: HfFileSystem, path: str) -> int:
    with system.open(path, "rb") as file:
        return int(pq.read_metadata(file).num_rows)


def with_retries(call: Callable[[], Answer]) -> Answer:
    """Return the result of a call, which is retried while the Hub is busy or cannot be reached.

    Raises:
        Exception: of the call, if it may not be retried or has failed too often.
    """
    attempts = Attempts(RETRY)
    while True:
        try:
            return call()
        except Exception as error:
            failure = _retryable(error)
            if failure is None or not attempts.again(failure):
                raise


def _retryable(error: BaseException) -> RetryableError | None:
    """Return the retryable failure behind an error; None if there is none."""
    cause: BaseException | None = error
    while cause is not None:
        # A busy gateway answers with a page where the client expects JSON.
        if isinstance(cause, (httpx2.TransportError, json.JSONDecodeError)):
            return RetryableError(str(cause))
        if isinstance(cause, HfHubHTTPError) and cause.response.status_code in RETRYABLE_STATUS:
            wait = retry_after(cause.response.headers.get("Retry-After"), time.time())
            return RetryableError(str(cause), wait_s=wait)
        cause = cause.__cause__
    return None
