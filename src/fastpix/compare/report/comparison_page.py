"""`write_report`: a comparison as one file of HTML; `write_history`: several, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastpix.compare.comparison import Comparison, PartRecord
from fastpix.compare.readers import FASTPIX
from fastpix.compare.report import comparison_charts as charts
from fastpix.compare.report.history_charts import HEIGHT, history_plots, time_of
from fastpix.new_files import write_whole
from fastpix.pages.page_templates import SHARED, environment_of, policy_of, script_of, style_of

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "fastpix.compare.report"
TITLES = {"images": "Images", "series": "Series to volumes", "batches": "Batches"}
THINGS = {"images": "image", "series": "series", "batches": "batch"}
MANY = {"images": "images", "series": "series", "batches": "batches"}


def check_libraries() -> None:
    """Refuse to begin without what the page needs.

    Raises
    ------
    ImportError
        The message says what to install.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "the page of a comparison needs Jinja2: pip install 'fastpix[bench]'"
        ) from error


def write_report(record: Comparison, path: str | Path) -> None:
    """Write the page of a comparison, whole or not at all.

    Parameters
    ----------
    record : Comparison
    path : path
        A file that is there is replaced.

    Raises
    ------
    OSError, ImportError
    """
    write_whole(path, report_of(record))


def write_history(records: Sequence[Comparison], path: str | Path) -> None:
    """Write the page of several comparisons, whole or not at all.

    Parameters
    ----------
    records : sequence of Comparison
    path : path
        A file that is there is replaced.

    Raises
    ------
    OSError, ImportError
    """
    write_whole(path, history_of(records))


def report_of(record: Comparison) -> str:
    """Return the page of a comparison.

    Parameters
    ----------
    record : Comparison

    Raises
    ------
    ImportError
        Jinja2 is not installed.
    """
    versions = {
        each.reader: each.version
        for part in record.parts
        for each in part.readers
        if each.installed
    }
    absent = {each.reader for part in record.parts for each in part.readers} - versions.keys()
    return _rendered(
        "comparison.html",
        record=record,
        options=asdict(record.options),
        parts=[_part_of(part) for part in record.parts],
        versions=versions,
        absent=sorted(absent),
    )


def history_of(records: Sequence[Comparison]) -> str:
    """Return the page of several comparisons, the oldest first whatever their order here.

    Parameters
    ----------
    records : sequence of Comparison

    Raises
    ------
    ImportError
        Jinja2 is not installed.
    """
    ordered = sorted(records, key=time_of)
    machines = {record.machine.processor for record in ordered}
    return _rendered(
        "history.html",
        records=[(record, _version_of(record)) for record in ordered],
        plots=history_plots(ordered),
        height=HEIGHT,
        several_machines=len(machines) > 1,
    )


def _version_of(record: Comparison) -> str:
    found = [e.version for part in record.parts for e in part.readers if e.reader == FASTPIX]
    return found[0] if found else "–"


def _part_of(part: PartRecord) -> dict[str, object]:
    return {
        "record": part,
        "title": TITLES.get(part.part, part.part),
        "things": (THINGS if part.items == 1 else MANY).get(part.part, part.part),
        "ratios": charts.ratio_plot(part),
        "speeds": charts.speed_rows(part),
        "passes": charts.pass_plot(part),
        "kinds": charts.kinds_of(part),
        "groups": charts.group_table(part),
    }


def _rendered(template: str, **values: object) -> str:
    check_libraries()
    style, script = style_of(PACKAGE), script_of({SHARED: ("theme.js",)})
    return (
        environment()
        .get_template(template)
        .render(
            style=style,
            script=script,
            policy=policy_of(style, script),
            shades=charts.shades(),
            pass_height=charts.HEIGHT,
            titles=TITLES,
            ours=FASTPIX,
            **values,
        )
    )


@cache
def environment() -> Environment:
    """Return what renders the templates of this page."""
    return environment_of(PACKAGE, {"times": charts.times})
