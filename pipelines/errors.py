"""The errors of the program on one page, with the exit code of each, and how foreign errors become them.

Errors that a user reads::

    CorpusmillError             3  a fault in words for the user: what, where, why, and the next step
        RecipeError             2  the recipe or the command line is wrong
        VerificationError       1  the files on disk disagree with the manifests, or the balance is broken
        InputError              3  an input cannot be opened or read
        OutputError             3  an output cannot be written
        WorkerDiedError         3  a local worker process ended early; the stage restarts it first

Errors that are caught in the folder that raises them, and become a row of ``errors/``, a retry or an error above::

    extraction
        ModelError              the built-in model file does not fit this code
        UndecodableError        the payload is in no known text encoding
        CapError                the page exceeds a limit on tags, depth or attributes
        _LostError              the extraction process is dead
        _StuckError             the extraction process does not answer
    readers
        DecodeError             compressed bytes are damaged
        HeaderError             a WARC or HTTP header block cannot be parsed
        PayloadError            an HTTP body cannot be decoded
        HeadError               a Wikipedia dump does not start as one
        PageError               a Wikipedia page is not well-formed XML
        _UnreadableError        a Parquet file cannot be read at all
    inputs
        RetryableError          a request failed and may succeed when it is sent again
        DownloadError           a model file cannot be downloaded
    recipe
        _NotHereError           one of the places to look does not hold a model file

Errors of the packages below, which know nothing of this one::

    FieldFault                  a field of a step or a recipe section has an impossible value
    TokenizerError              a tokenizer cannot be trained, read or exported
    ShardError                  a token shard disagrees with its contract or its manifest
        NoRowsError             a split, or a language of it, has no rows

`mapped` turns the last group and the errors of libraries into the first, by one table.
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

INTERRUPTED: Final = "interrupted; the same command continues from the last finished unit"
"""The message after Ctrl-C and SIGTERM."""
INTERRUPTED_CODE: Final = 130
"""Exit code after them, as shells have it: 128 + SIGINT."""


class CorpusmillError(Exception):
    """A fault with a message for the user: what, where, why, and what to do next."""

    exit_code = 3


class RecipeError(CorpusmillError):
    """The recipe or the command line is wrong. The message lists every fault, one a line."""

    exit_code = 2


class VerificationError(CorpusmillError):
    """The files on disk disagree with the manifests, or the balance is broken."""

    exit_code = 1


class InputError(CorpusmillError):
    """An input cannot be opened or read."""


class OutputError(CorpusmillError):
    """An output cannot be written."""


class _Foreign(NamedTuple):
    """A row of the table: a foreign error, the error it becomes, and its reason in our words."""

    error: type[Exception]
    ours: type[CorpusmillError]
    reason: Callable[[Any], str]


def _table() -> tuple[_Foreign, ...]:
    """Return the table of foreign errors; the first row that fits an error counts.

    Its imports are in here because only an error needs them: `corpusmill --help` loads none of these libraries.
    """
    import duckdb
    import pyarrow as pa
    import yaml

    from tokenizer_training.model.sentencepiece_model import TokenizerError
    from tokenizer_training.shards.schema import ShardError

    return (
        _Foreign(TokenizerError, InputError, str),
        _Foreign(ShardError, InputError, str),
        _Foreign(UnicodeDecodeError, InputError, lambda error: f"byte {error.start:,} is not UTF-8"),
        _Foreign(OSError, InputError, lambda error: f"cannot be read ({error.strerror or error})"),
        _Foreign(pa.ArrowException, InputError, lambda error: f"cannot be read ({error})"),
        _Foreign(zlib.error, InputError, lambda error: f"cannot be decompressed ({error})"),
        _Foreign(duckdb.Error, RecipeError, str),
        _Foreign(yaml.YAMLError, RecipeError, lambda error: f"is not valid YAML: {error}"),
        _Foreign(ValueError, InputError, str),
    )


@contextmanager
def mapped(
    *foreign: type[Exception], where: object = "", advice: str = "", to: type[CorpusmillError] | None = None
) -> Iterator[None]:
    """Raise foreign errors of the block as errors of this program: ``where: reason; advice``.

    Args:
        foreign: the classes to map, each in the table; other errors pass as they are.
        where: the file, address, flag or step at fault, which begins the message.
        advice: the next step for the user, which ends it.
        to: the class to raise; None = the table's.

    >>> with mapped(OSError, where="a.warc.gz", advice="restore the file"):
    ...     raise FileNotFoundError(2, "No such file or directory")
    Traceback (most recent call last):
    pipelines.errors.InputError: a.warc.gz: cannot be read (No such file or directory); restore the file
    """
    try:
        yield
    except foreign as error:
        row = next(row for row in _table() if isinstance(error, row.error))
        start = f"{where}: " if str(where) else ""
        end = f"; {advice}" if advice else ""
        raise (to or row.ours)(f"{start}{row.reason(error)}{end}") from error


def what_to_fix(error: OSError) -> str:
    """Return the message about a file that cannot be read or written."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; fix the cause and rerun the same command; finished work is kept"


def nearest(name: str, names: Iterable[str], what: str = "known keys") -> str:
    """Return the end of a message: the closest valid name, or all of them.

    >>> nearest("min_word", ["min_words", "max_words"])
    "did you mean 'min_words'?"
    >>> nearest("x", ["min_words", "max_words"])
    'known keys: max_words, min_words'
    """
    choices = sorted(set(names))
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"{what}: {', '.join(choices) or 'none'}"
