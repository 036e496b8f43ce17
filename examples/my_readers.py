"""A reader of your own: plain-text books as Project Gutenberg ships them, one book per file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from filters.document import Place
from pipelines.readers.reasons import OwnReason
from pipelines.readers.record import Event, Record, Rejected, Span

BOOK = re.compile(rb"\*\*\* START OF [^\n]*\*\*\*\s*\n(.*)\n\*\*\* END OF ", re.DOTALL)


@dataclass(frozen=True)
class Gutenberg:
    """Reads the text between the two lines that mark a book; the licence around it is left out.

    Attributes:
        charset: encoding of the files.
    """

    SOURCE: ClassVar = "gutenberg"

    charset: str = "utf-8"

    def splits(self, stream: BinaryIO) -> bool:
        """Return False: a book is one record, so one worker reads the whole file."""
        return False

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the book, or why there is none, then the bytes that it took: all of the file."""
        data = stream.read()
        place = Place(0, len(data), 0)
        book = BOOK.search(data)
        if book:
            yield Record(place, book[1], "text", charset=self.charset)
        else:
            yield Rejected(
                place, OwnReason("no_book"), message="there is no '*** START OF …', or no '*** END OF …'"
            )
        yield Span(0, len(data), "book")
