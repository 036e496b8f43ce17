"""Limits that come with a profile: a field that a recipe does not set takes the value that the profile publishes.

The limits of the default profile are the plain defaults of the fields. A step names the other profiles' limits with
`with_profile`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from filters.step import Values

AnyStep = TypeVar("AnyStep")


def with_profile(complete: Callable[[Values], Values]) -> Callable[[type[AnyStep]], type[AnyStep]]:
    """Return a decorator for a step whose defaults depend on the profile; it stands above ``@dataclass``.

    Args:
        complete: takes the given values of the fields, and returns them together with the limits of the profile that
            they choose. A field that it leaves out has its own default.
    """

    def decorate(cls: type[AnyStep]) -> type[AnyStep]:
        plain, signature = cls.__init__, inspect.signature(cls)

        @functools.wraps(plain)
        def build(self: AnyStep, *arguments: Any, **named: Any) -> None:  # Any: what the dataclass takes
            given = signature.bind_partial(*arguments, **named).arguments
            plain(self, **complete(given))

        cls.__init__ = build  # type: ignore[assignment]  # the same fields with other defaults
        return cls

    return decorate
