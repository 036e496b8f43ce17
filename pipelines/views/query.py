"""A query of ``corpusmill show``, and the SQL condition that finds its records. Loads no database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Between:
    """Bounds of one column of the ledger: a measure, ``language_score`` or ``bytes``; None = no bound."""

    column: str
    low: float | None
    high: float | None

    @classmethod
    def parse(cls, text: str) -> Between:
        """Return the bounds of ``NAME=LOW:HIGH``; either bound may be left out.

        Raises:
            ValueError: the text has another form.

        >>> Between.parse("language_score=0.65:")
        Between(column='language_score', low=0.65, high=None)
        """
        name, equals, bounds = text.partition("=")
        low, colon, high = bounds.partition(":")
        if not (name and equals and colon):
            raise ValueError(f"{text!r} is not NAME=LOW:HIGH")
        return cls(name, float(low) if low else None, float(high) if high else None)


@dataclass(frozen=True)
class Query:
    """Which records to show.

    Attributes:
        dropped: name of a step, or ``step.reason``; documents it dropped.
        errors: only records that are errors.
        doc: id, or its first characters; that record.
        where: an SQL condition on the ledger's columns: ``"gopher_quality.words" > 500``.
        limit: show at most this many; None = all.
        language: only of this language.
        domain: only from this host and its subdomains.
        between: bounds on measures.
        skip: leave out this many first.
    """

    dropped: str | None = None
    errors: bool = False
    doc: str | None = None
    where: str | None = None
    limit: int | None = 10
    language: str | None = None
    domain: str | None = None
    between: tuple[Between, ...] = ()
    skip: int = 0


def condition(query: Query) -> tuple[str, list[object]]:
    """Return the SQL condition of a query and its values.

    It is on ``ledger l LEFT JOIN duplicates u``. A query that names no fate means kept documents.
    """
    fates, values = _fate_condition(query)
    parts = list(fates)
    if query.language is not None:
        parts.append("l.language = ?")
        values.append(query.language)
    if query.domain is not None:
        parts.append("(host(l.url) = ? OR ends_with(host(l.url), '.' || ?))")
        values += [query.domain.lower()] * 2
    for bound in query.between:
        column = 'l."{}"'.format(bound.column.replace('"', '""'))
        for sign, limit in ((">=", bound.low), ("<=", bound.high)):
            if limit is not None:
                parts.append(f"{column} {sign} ?")
                values.append(limit)
    if not fates:
        parts.append("l.decision = 'kept'")
    return " AND ".join(parts), values


def _fate_condition(query: Query) -> tuple[list[str], list[object]]:
    """Return the conditions on the fate of a record, and their values."""
    parts: list[str] = []
    values: list[object] = []
    if query.dropped is not None:
        step, _, reason = query.dropped.partition(".")
        parts.append("l.decision = 'dropped' AND l.step = ?")
        values.append(step)
        if reason:
            parts.append("l.reason = ?")
            values.append(reason)
    if query.errors:
        parts.append("l.decision = 'error'")
    if query.doc is not None:
        parts.append("starts_with(l.id, ?)")
        values.append(query.doc)
    if query.where is not None:
        parts.append(f"({query.where})")
    return parts, values
