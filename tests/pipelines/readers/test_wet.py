"""WET files: the text that somebody extracted, with the language that they found."""

from __future__ import annotations

import io
from typing import Any

from pipelines.readers.wet import Wet


def test_conversions_are_records_and_nothing_else_is(
    warc: Any, response: Any, read: Any, ranges: Any
) -> None:
    """A response in the file is a span, and the language comes as two letters."""

    def conversion(writer: Any, number: int) -> Any:
        text = f"Text {number} äöü".encode()
        return writer.create_warc_record(
            f"https://site.example/{number}",
            "conversion",
            payload=io.BytesIO(text),
            length=len(text),
            warc_content_type="text/plain",
            warc_headers_dict={
                "WARC-Identified-Content-Language": "deu,eng",
                "WARC-Record-ID": f"<urn:uuid:{number}>",
                "WARC-Date": "2024-05-01T00:00:00Z",
            },
        )

    data, offsets = warc([conversion, response(b"<p>page"), conversion])
    events = read(Wet(), data)
    assert events.kinds == ["conversion", "response", "conversion"]
    last = events.records[-1]
    assert (last.payload.decode(), last.media, last.language) == ("Text 2 äöü", "text", "de")
    assert (last.url, last.date, last.place.offset) == (
        "https://site.example/2",
        "2024-05-01T00:00:00Z",
        offsets[2],
    )
    assert Wet().splits(io.BytesIO(data))
    assert ranges(Wet(), data, [offsets[1] + 1]) == events.all
