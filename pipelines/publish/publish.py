"""Publishing a run: verify it, write the files, send them, read them back, and only then make them public."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.errors import CorpusmillError, InputError, OutputError, RecipeError, VerificationError, nearest
from pipelines.publish import repo_tables
from pipelines.publish.card import CardFacts, TokenizerEvaluation, dataset_card, model_card
from pipelines.publish.files import RepoFile, text_file
from pipelines.publish.public_recipe import public_recipe
from pipelines.publish.split_writer import FILE_BYTES
from pipelines.store.manifest import RunManifest, read_run_manifest
from pipelines.store.sealed import JsonObject, canonical_json
from pipelines.store.storage import Storage
from pipelines.views.run_tables import RunTables
from pipelines.views.verify import verify

if TYPE_CHECKING:  # the client takes a second to import; a dry run needs none
    from huggingface_hub import HfApi

PARTS: Final = ("documents", "shards", "tokenizer", "dropped", "ledger")
"""Parts of a run that can be published."""
DEFAULT_PARTS: Final = ("documents", "shards", "tokenizer")
CREATED: Final = f"{repo_tables.ROOT}/created.json"
"""Names of the repositories that this run created and that are still private."""


@dataclass(frozen=True)
class Target:
    """The destination of a run, and the parts to publish.

    Attributes:
        repo: ``user/name`` of the dataset repository.
        parts: some of `PARTS`.
        private: a new repository stays private.
        branch: branch to publish to.
        tokenizer_repo: the tokenizer's model repository; None = the dataset's name with ``-tokenizer``.
        license: for the cards; None = the one that follows from the readers.
    """

    repo: str
    parts: Sequence[str] = DEFAULT_PARTS
    private: bool = False
    branch: str = "main"
    tokenizer_repo: str | None = None
    license: str | None = None


@dataclass(frozen=True)
class Contents:
    """The files of one repository, with its card.

    Attributes:
        name: ``user/name``.
        kind: ``dataset`` or ``model``.
        files: all of them.
    """

    name: str
    kind: str
    files: Sequence[RepoFile]

    @property
    def card(self) -> str:
        """The text of its README.md."""
        data = next(file.content for file in self.files if file.path == "README.md")
        return data.decode() if isinstance(data, bytes) else data.read_text()


@dataclass(frozen=True)
class Published:
    """One repository after publishing.

    Attributes:
        repo: ``user/name``.
        kind: ``dataset`` or ``model``.
        commit: the commit that holds the run.
    """

    repo: str
    kind: str
    commit: str


def prepare(storage: Storage, target: Target, file_bytes: int = FILE_BYTES) -> list[Contents]:
    """Verify a run and write the files of its repositories; send nothing.

    Raises:
        VerificationError: the run disagrees with its manifests.
        RecipeError: the target is invalid, or the run lacks one of its parts.
    """
    read_run_manifest(storage)  # the lock would leave a file in a folder that holds no run
    with storage.lock():
        faults, _ = verify(storage)
        if faults:
            raise VerificationError(
                "nothing was published, because the run has faults:\n" + "\n".join(faults)
            )
        tables = RunTables(storage)
        _check_parts(tables, target)
        for relative in storage.list_files(repo_tables.ROOT):
            if relative != CREATED:
                storage.remove(relative)
        return list(_contents(tables, read_run_manifest(storage), target, file_bytes))


def _check_parts(tables: RunTables, target: Target) -> None:
    needed = {
        "documents": "dedup",
        "shards": "pack",
        "tokenizer": "train-tokenizer",
        "dropped": "dedup",
        "ledger": "filter",
    }
    for part in target.parts:
        if part not in needed:
            raise RecipeError(f"--what {part}: unknown part; {nearest(part, PARTS, 'parts')}")
        if needed[part] not in tables.manifests:
            raise RecipeError(f"--what {part}: the run has no finished stage {needed[part]}; finish it first")
    if target.repo.count("/") != 1 or not all(target.repo.split("/")):
        raise RecipeError(f"--repo {target.repo}: expected user/name")


def _contents(tables: RunTables, manifest: RunManifest, target: Target, file_bytes: int) -> list[Contents]:
    makers: dict[str, Callable[[], list[RepoFile]]] = {
        "documents": lambda: repo_tables.write_documents(tables, file_bytes),
        "dropped": lambda: repo_tables.write_dropped(tables, file_bytes),
        "ledger": lambda: repo_tables.write_ledger(tables, file_bytes),
        "shards": lambda: repo_tables.shard_files(tables),
    }
    files = [file for part, make in makers.items() if part in target.parts for file in make()]
    with_tokenizer = "tokenizer" in target.parts
    tokenizer_repo = (target.tokenizer_repo or f"{target.repo}-tokenizer") if with_tokenizer else None
    facts = CardFacts(target.repo, tokenizer_repo, target.license)
    found = []
    if files:
        card = text_file("README.md", dataset_card(tables, manifest, files, facts))
        run = text_file("corpusmill.json", canonical_json(_provenance(manifest)).decode() + "\n")
        found.append(Contents(target.repo, "dataset", [*files, run, card]))
    if tokenizer_repo is not None:
        own = repo_tables.tokenizer_files(tables)
        evaluation: TokenizerEvaluation = json.loads(
            tables.storage.path("tokenizer/evaluation.json").read_bytes()
        )
        card = text_file("README.md", model_card(tables, manifest, evaluation, facts))
        found.append(Contents(tokenizer_repo, "model", [*own, card]))
    return found


def _provenance(manifest: RunManifest) -> JsonObject:
    """Return the manifest of a run for publication, with the sha256 of the original."""
    return {
        "producer": manifest.producer,
        "recipe": public_recipe(manifest.recipe),
        "stages": {name: entry.key for name, entry in manifest.stages.items()},
        "balance": manifest.balance.as_json(),
        "manifest_sha256": manifest.sha256,
    }


def publish(
    storage: Storage, target: Target, api: HfApi, say: Callable[[str], None], file_bytes: int = FILE_BYTES
) -> list[Published]:
    """Publish a run; a second time sends only missing files, and commits only a difference.

    Args:
        storage: the run.
        target: the destination.
        api: the Hub's client.
        say: shows a line to the user.
        file_bytes: a table file of this size is closed, and the next one opened.

    Returns:
        The repositories, the dataset first.

    Raises:
        VerificationError: the run has faults, or the Hub returns other bytes than were sent.
        InputError: the Hub refuses the credentials.
        OutputError: the Hub cannot be reached; files that were sent are not sent again.
    """
    done = []
    for contents in prepare(storage, target, file_bytes):
        try:
            commit = _publish_one(storage, contents, target, api, say)
        except CorpusmillError:
            raise
        except Exception as error:
            explained = _explained(contents.name, error)
            if explained is None:
                raise
            raise explained from error
        done.append(Published(contents.name, contents.kind, commit))
    return done


def _publish_one(
    storage: Storage, contents: Contents, target: Target, api: HfApi, say: Callable[[str], None]
) -> str:
    from pipelines.publish import hub

    repo = hub.Repo(api, contents.name, contents.kind, target.branch)
    if hub.open_repo(repo, target.private):
        _note_created(storage, contents.name)
    sha256 = read_run_manifest(storage).sha256
    commit = hub.apply(repo, contents.files, f"Publish run {sha256[:12]}", say)
    hub.read_back(repo, commit, contents.files, say)
    if not target.private and contents.name in _created(storage):
        # Only a repository that this run created is made public; others keep the visibility that they have.
        hub.with_retries(
            lambda: api.update_repo_settings(contents.name, repo_type=contents.kind, private=False)
        )
        _note_public(storage, contents.name)
    return commit


def _created(storage: Storage) -> list[str]:
    return list((storage.read_json(CREATED) or {}).get("private_for_now", ()))


def _note_created(storage: Storage, name: str) -> None:
    names = sorted({*_created(storage), name})
    storage.write_bytes(CREATED, json.dumps({"private_for_now": names}).encode())


def _note_public(storage: Storage, name: str) -> None:
    names = [other for other in _created(storage) if other != name]
    storage.write_bytes(CREATED, json.dumps({"private_for_now": names}).encode())


def _explained(name: str, error: Exception) -> CorpusmillError | None:
    """Return an error with the next step for an error of the client; None for a fault of this program."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    causes = [error, error.__cause__]  # an upload that fails in a thread comes wrapped
    status = next((cause.response.status_code for cause in causes if isinstance(cause, HfHubHTTPError)), None)
    if status in (401, 403):
        return InputError(
            f"{name}: the Hub refused ({status}); log in with `hf auth login`, or set HF_TOKEN to one that may write"
        )
    if not any(isinstance(cause, (httpx2.HTTPError, OSError, ValueError)) for cause in causes):
        return None
    lines = str(causes[1] or error).strip().splitlines() or [type(error).__name__]
    return OutputError(f"{name}: {lines[0]}; publish again, what was sent is not sent again")
