"""`foremend refusals`: what could not be kept as a reading is listed, and goes through the front door again."""

import json
import sys
from collections import Counter
from typing import Annotated, Any, Self

import typer

from api.cli._api import ask
from api.cli._options import HERE, Api

Reason = Annotated[str | None, typer.Option("--reason", help="Only these, such as UNKNOWN_DEVICE.")]
DeviceId = Annotated[str | None, typer.Option("--device", help="Only of this device, as its topic says it.")]
Topic = Annotated[str | None, typer.Option("--topic", help="Only where the topic has this in it.")]
From = Annotated[str | None, typer.Option("--from", help="A day (UTC) or a moment: 2026-11-20, 2026-11-20T08:00:00Z.")]
To = Annotated[str | None, typer.Option("--to", help="The last day, or the moment after the last.")]


def register(app: typer.Typer) -> None:
    refusals = typer.Typer(no_args_is_help=True, help="What could not be kept as a reading.")
    app.add_typer(refusals, name="refusals")

    @refusals.callback()
    def _several() -> None:
        """What could not be kept as a reading."""

    refusals.command("list")(_list)

    @refusals.command("replay")
    def command(
        *,
        reason: Reason = None,
        device: DeviceId = None,
        topic: Topic = None,
        since: From = None,
        before: To = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Send nothing; say what would be refused again.")
        ] = False,
        api: Api = HERE,
    ) -> None:
        """Send their bytes to the log again, as if the devices did: after a fix, such as registering a device."""
        asked = _asked(reason=reason, device=device, topic=topic, since=since, before=before)
        _tell(*_pages(api, {**asked, "dry_run": dry_run}), dry_run=dry_run)


def _list(
    *,
    reason: Reason = None,
    device: DeviceId = None,
    topic: Topic = None,
    since: From = None,
    before: To = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known of each, a line each.")] = False,
    api: Api = HERE,
) -> None:
    """List them, newest first: number, when, how often, reason, topic, metric, what became of them since, and why."""
    asked = _asked(reason=reason, device=device, topic=topic, since=since, before=before)
    told = 0
    while told < limit:
        page = ask(api, "GET", "/api/refusals", params={**asked, "limit": min(500, limit - told)})
        for each in page["refusals"]:
            typer.echo(json.dumps(each, ensure_ascii=False) if as_json else _in_a_line(each))
        told += len(page["refusals"])
        if page["next"] is None:
            return
        asked["older_than"] = page["next"]


def _in_a_line(each: dict[str, Any]) -> str:
    names = ("refusal_no", "received_at", "seen", "reason", "topic", "metric", "replayed", "detail")
    return "\t".join(str(each[name] or "-") for name in names)


def _asked(
    *, reason: str | None, device: str | None, topic: str | None, since: str | None, before: str | None
) -> dict[str, Any]:
    said = {"reason": reason, "device": device, "topic": topic, "from": since, "to": before}
    return {name: value for name, value in said.items() if value is not None}


def _pages(api: str, asked: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """How many went, and why some would be refused again."""
    sent, refused = 0, Counter[str]()
    with _Bar() as bar:
        page: dict[str, Any] = {}
        while True:
            answer = ask(api, "POST", "/api/refusals/replay", json={**asked, **page})
            bar.show(sent := sent + answer["sent"], sent - answer["sent"] + answer["matching"])
            refused.update(answer["refused"])
            if answer["after"] is None:
                return sent, refused
            page = {"after": answer["after"], "up_to": answer["up_to"]}


def _tell(sent: int, refused: dict[str, int], *, dry_run: bool) -> None:
    if not sent:
        typer.echo("Nothing to send again: no refusal matches that was not sent already.")
        return
    if not dry_run:
        typer.echo(f"{sent:,} sent again. What is refused once more shows on the desk under Refusals.")
        return
    again = sum(refused.values())
    typer.echo(f"{sent:,} would be sent again; {sent - again:,} of them would be taken now.")
    for reason, count in sorted(refused.items(), key=lambda each: -each[1]):
        typer.echo(f"  {count:>8,}  would be refused again: {reason}")


class _Bar:
    """How far it is, on a terminal; elsewhere only the result counts."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        shown = Console(stderr=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=shown, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)
