"""Datasets of the Hugging Face Hub, or in its layout in a local folder: any split with a column of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from filters.step import FieldFault
from pipelines.errors import InputError
from pipelines.inputs.file import InputFile, Listing
from pipelines.inputs.hub_dataset import HubDataset, format_of, is_hub_name, local_files
from pipelines.readers.jsonl import Jsonl
from pipelines.readers.parquet import Parquet
from pipelines.readers.record import Event, Reader
from pipelines.readers.rows.columns import columns_of
from pipelines.readers.rows.dataset_rows import dataset_rows

_MAGIC: Final = b"PAR1"
_HEAD_BYTES: Final = 64


@dataclass(frozen=True)
class Huggingface:
    """Reads the text of each row.

    Parquet and JSON lines are read as by `parquet` and `jsonl`, in byte ranges and with offsets; CSV, Arrow and other
    JSON by the library `datasets`, each file as a whole. A file is named by its path in the dataset.

    Attributes:
        dataset: ``OWNER/NAME`` on the Hub, or a folder, written ``./data`` or ``/data``.
        config: configuration; None = the default one.
        split: split.
        revision: branch, tag or commit on the Hub; a run stays with the commit that it finds first.
        text: column of the text; ``meta.text`` is the field ``text`` of ``meta``.
        id: column of the identifier; None = no column has it.
        url: column of the address; None = no column has it.
        date: column of the time; None = no column has it.
        language: column of the language code; None = no column has it.
    """

    SOURCE: ClassVar[str] = "huggingface"

    dataset: str
    config: str | None = None
    split: str = "train"
    revision: str = "main"
    text: str = "text"
    id: str | None = "id"
    url: str | None = "url"
    date: str | None = "date"
    language: str | None = None

    def __post_init__(self) -> None:
        if not is_hub_name(self.dataset) and not self._is_folder():
            what = f"dataset must be OWNER/NAME on the Hub or a folder such as ./data; found {self.dataset!r}"
            raise FieldFault(what, "dataset")
        if self._is_folder() and self.revision != "main":
            raise FieldFault("revision belongs to a dataset on the Hub; a folder has none", "revision")

    def locate(self, base: Path) -> Sequence[InputFile | Listing]:
        """Return the files of a folder, or the listing to ask the Hub for.

        Args:
            base: folder that a relative one refers to.

        Raises:
            InputError: the folder does not hold the split.
        """
        if not self._is_folder():
            return [HubDataset(self.dataset, self.config, self.split, self.revision)]
        folder = base / self.dataset
        if not folder.is_dir():
            raise InputError(
                f"{self.dataset}: there is no such folder in {base}; check `dataset:` of the input"
            )
        return local_files(folder, self.config, self.split)

    def splits(self, stream: BinaryIO) -> bool:
        """Return True if `parquet` or `jsonl` can read this file in byte ranges."""
        reader = self._reader(stream)
        return reader is not None and reader.splits(stream)

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``.

        Raises:
            InputError: a column that the recipe names is not there, or the text column holds no text.
        """
        reader = self._reader(stream)
        if reader is not None:
            yield from reader.read(stream, start, end)
        elif start == 0:
            kind = format_of(str(getattr(stream, "name", ""))) or "json"
            yield from dataset_rows(stream, kind, columns_of(self), columns_of(Parquet()))

    def _is_folder(self) -> bool:
        return self.dataset.startswith(("./", "../", "/"))

    def _reader(self, stream: BinaryIO) -> Reader | None:
        """Return the reader of files of this format; None if `datasets` has to read it."""
        stream.seek(0)
        head = stream.read(_HEAD_BYTES)
        columns = (self.text, self.id, self.url, self.date, self.language)
        if head.startswith(_MAGIC):
            return Parquet(*columns)
        kind = format_of(str(getattr(stream, "name", "x.json")))
        if kind == "parquet":
            return Parquet(*columns)  # it reports the fault of the file
        return None if kind != "json" or head.lstrip().startswith(b"[") else Jsonl(*columns)
