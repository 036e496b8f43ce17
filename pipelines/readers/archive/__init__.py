"""WARC and ARC: from compressed bytes to records.

The way of a record, file by file::

    file      | gzip member | gzip member | XXXXXXXX | gzip member |    bytes of one input, perhaps from the middle on
                                                                        spans/file_window      reads large blocks
    span      |------------>|------------>| Damaged  |------------>|    spans/compressed_spans finds where each starts
    chunk     |--> |--> |-->|--> |------->|          |--> |------->|    spans/compression      decodes piece by piece
    run       |=========================>|           |============>|    spans/chunk_buffer     joins up to the damage
    cut       |--record--|----record-----|           |---record--->|    archive/cutter         cuts by Content-Length
    record     Record     Rejected                    Record            archive/content        takes the payload out
    events     Span       Span            Damaged     Span              archive/events         puts all in file order

Why so many steps:

- Resync. Damage costs the records that it touches: the walk over spans goes on at the next one that decodes, and the
  cutter at the next header that looks like one (`layout` knows the signs of WARC and of ARC).
- Ranges. A worker starts anywhere and must find the same spans as one that starts at byte 0: `boundary`.
- Bounded memory. A span may inflate without limit, a record may end some spans further on: nothing but the chunks of
  the record at hand is held, and `chunk_buffer` knows for each byte in which span of the file it lies.

`format` finds out how a file is compressed and laid out, `header_block` parses headers, `http_payload` undoes the
encodings of HTTP, and `block_digest` checks a record's digest.
"""
