"""A child whose engine obeys its page: crash, hang, leave, eat memory. Started by test_sandbox.py only."""

from __future__ import annotations

import ctypes
import os
import time

from pipelines.extraction import child
from pipelines.extraction.engines import Engine
from pipelines.extraction.messages import Answer, Request


def respond(request: Request, engine: Engine) -> Answer:
    match request.payload:
        case b"segfault":
            ctypes.string_at(0)
        case b"leave":
            os._exit(3)
        case b"burn":
            while True:
                pass
        case b"sleep":
            time.sleep(60)
        case b"eat":
            return Answer(str(len(bytearray(8 << 30))))
    return child.respond(request, engine)


if __name__ == "__main__":
    child.main(respond)
