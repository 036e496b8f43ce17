"""The page: the facts of each section, laid out by its template, in one file."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any, Final

import jinja2
import yaml
from markupsafe import Markup

from pipelines.recipe.recipe import Recipe
from pipelines.recipe.typed import keys_of
from pipelines.store.balance import balance, broken_laws
from pipelines.store.fate import ERROR, total
from pipelines.store.folders import REPORT, TIMES
from pipelines.store.manifest import RunManifest, read_run_manifest
from pipelines.store.storage import FileFact, Storage
from pipelines.terminal import counted, escape
from pipelines.views.report import breakdowns, charts, clusters, comparison, ends, samples, shown
from pipelines.views.report.funnel import levels
from pipelines.views.run_tables import RunTables

SEAL: Final = b"<!-- sha256 of all before: "


class Report:
    """The report of a run, as a whole or section by section.

    Args:
        out: folder of the run.
        against: folder of another run to compare it with.

    Raises:
        VerificationError: there is no run, or one of its manifests was changed.
    """

    def __init__(self, out: str | Storage, against: str | Storage | None = None) -> None:
        self._tables = RunTables(_storage(out))
        self._other = None if against is None else RunTables(_storage(against))

    def section(self, name: str) -> Section:
        """Return one section; its name is one of `SECTIONS`."""
        return Section(self._body(name))

    def page(self) -> str:
        """Return the whole page."""
        names = [name for name in SECTIONS if name != "comparison" or self._other is not None]
        bodies = {name: self._body(name) for name in names}
        sections = {name: body for name, body in bodies.items() if body.strip()}
        title = self._manifest().recipe["name"]
        return render("page.html", style=_style(), name=title, titles=SECTIONS, sections=sections)

    def _body(self, name: str) -> Markup:
        body: Markup = getattr(self, f"_{name}")()
        return body

    def _manifest(self) -> RunManifest:
        return read_run_manifest(self._tables.storage)

    def _summary(self) -> Markup:
        found = levels(self._tables)
        counted = balance(self._tables.manifests)
        return render(
            "summary.html",
            counted=counted,
            errors=total(counted.decisions, ERROR),
            faults=broken_laws(self._tables.manifests),
            first=found[0],
            last=found[-1],
            packed=ends.packing(self._tables),
        )

    def _comparison(self) -> Markup:
        if self._other is None:
            return Markup()
        return render("comparison.html", compared=comparison.compare(self._tables, self._other))

    def _funnel(self) -> Markup:
        return render("funnel.html", levels=levels(self._tables))

    def _languages(self) -> Markup:
        return render("languages.html", table=breakdowns.languages(self._tables))

    def _domains(self) -> Markup:
        before, after = (breakdowns.domains(self._tables, order) for order in ("before", "after"))
        return render("domains.html", before=before, after=after)

    def _lengths(self) -> Markup:
        tokens = breakdowns.token_lengths(self._tables)
        return render("lengths.html", bytes=breakdowns.lengths(self._tables), tokens=tokens)

    def _measures(self) -> Markup:
        measured = breakdowns.measures(self._tables)
        others = {}
        if self._other is not None:
            axes = {f"{m.step}.{m.name}": m.counted.axis for m in measured if m.counted}
            others = {(m.step, m.name): m.counted for m in breakdowns.measures(self._other, axes)}
        return render("measures.html", measures=measured, others=others)

    def _duplicates(self) -> Markup:
        return render("duplicates.html", found=clusters.duplicates(self._tables))

    def _documents(self) -> Markup:
        return render("documents.html", groups=samples.samples(self._tables))

    def _tokenizer(self) -> Markup:
        return render("tokenizer.html", facts=ends.tokenizer(self._tables))

    def _packing(self) -> Markup:
        header = ends.shard_header(self._tables)
        return render("packing.html", packed=ends.packing(self._tables), header=header)

    def _inputs(self) -> Markup:
        return render("inputs.html", files=ends.input_files(self._tables))

    def _recipe(self) -> Markup:
        manifest = self._manifest()
        order = [*keys_of(Recipe), *manifest.recipe]  # the manifest's own is that of the alphabet
        recipe = {key: manifest.recipe[key] for key in dict.fromkeys(order) if key in manifest.recipe}
        return render(
            "recipe.html",
            recipe=yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True),
            stages=self._tables.manifests,
            times=self._tables.storage.read_json(TIMES),
            manifest=manifest,
        )


class Section:
    """One section as a notebook shows it: with the style sheet, without the page around it."""

    def __init__(self, body: Markup) -> None:
        self._body = body

    def _repr_html_(self) -> str:
        return f'<style>{_style()}</style><div class="corpusmill part">{self._body}</div>'


SECTIONS: Final = {
    "summary": "Summary",
    "comparison": "Comparison",
    "funnel": "Funnel",
    "languages": "Languages",
    "domains": "Domains",
    "lengths": "Lengths",
    "measures": "Measures",
    "duplicates": "Duplicates",
    "documents": "Documents",
    "tokenizer": "Tokenizer",
    "packing": "Packing",
    "inputs": "Inputs and errors",
    "recipe": "Recipe and versions",
}
"""Names of the sections and their titles, in order."""


def render(template: str, **facts: Any) -> Markup:
    """Return a template of the report, filled with some facts."""
    return Markup(_environment().get_template(template).render(**facts))  # noqa: S704 - it escapes


def write_report(storage: Storage, against: Storage | None = None) -> FileFact:
    """Write ``report.html`` into the run, its sha256 at its end."""
    page = Report(storage, against).page().encode()
    return storage.write_bytes(REPORT, page + _seal(page))


def is_whole(data: bytes) -> bool:
    """Return True if a report has the bytes that were written."""
    page, mark, _ = data.rpartition(SEAL)
    return data == page + _seal(page) if mark else False


def _seal(page: bytes) -> bytes:
    return SEAL + hashlib.sha256(page).hexdigest().encode() + b" -->\n"


def _storage(out: str | Storage) -> Storage:
    return out if isinstance(out, Storage) else Storage(out)


@functools.cache
def _environment() -> jinja2.Environment:
    """Return an environment in which every text is made safe, even where a template forgets it."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines.views.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    for function in (
        shown.number,
        shown.about,
        shown.decimals,
        shown.share,
        shown.size,
        shown.shown,
        shown.breakable,
        shown.with_code,
        counted,
    ):
        environment.filters[function.__name__] = function
    tools: tuple[Callable[..., Any], ...] = (charts.histogram_chart, charts.layers_chart, charts.bar)
    environment.globals.update({tool.__name__: tool for tool in tools})
    environment.filters["plain"] = escape
    environment.globals["text_characters"] = samples.TEXT_CHARACTERS
    environment.globals.update(chart_width=charts.WIDTH, chart_height=charts.HEIGHT, chart_floor=charts.FLOOR)
    return environment


def _safe(value: object) -> object:
    return shown.shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _style() -> Markup:
    environment = jinja2.Environment()  # noqa: S701 - a style sheet, not filled in
    source, _, _ = jinja2.PackageLoader("pipelines.views.report").get_source(environment, "style.css")
    return Markup(source)  # noqa: S704 - our own file
