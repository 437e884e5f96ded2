"""The verbs, and how a refusal is told. What a verb does lies in the module that it imports when it is called.

Those imports stand in the functions on purpose: `haigio --help` and a start at which nothing is to do must not wait a
second for libraries that they never use.
"""

# ruff: noqa: PLC0415 -- the reason is the paragraph above

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from app.commands.place import Place, Refused, step
from app.config import SettingsError
from app.core.errors import DomainError
from geo.errors import GeoError


class Verbs(click.Group):
    """Commands whose refusals are one clear message and exit code 1 (wrong usage is 2); anything else is a bug."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; what it refuses becomes its message."""
        try:
            return super().invoke(ctx)
        except (Refused, SettingsError, GeoError) as refusal:
            raise click.ClickException(str(refusal)) from refusal
        except DomainError as refusal:
            raise click.ClickException(refusal.detail("en")) from refusal
        except Exception as error:
            from sqlalchemy.exc import OperationalError

            if isinstance(error, OperationalError):
                raise click.ClickException(f"the database does not answer: {_first_line(error)}") from error
            raise


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def haigio(ctx: click.Context) -> None:
    """Hai Giờ: the administrator's commands. Each may be run again; what is done already stays as it is."""
    ctx.obj = Place()
    ctx.call_on_close(ctx.obj.close)


@haigio.group()
def wards() -> None:
    """Ward boundaries."""


@wards.command("import")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sketch", is_flag=True, help="the hand-drawn sketch that ships with the project")
@click.pass_obj
def import_wards(place: Place, files: tuple[Path, ...], *, sketch: bool) -> None:
    """Take the ward versions of GeoJSON FILES in, all or nothing; every ward gets a unit."""
    if sketch == bool(files):
        raise click.UsageError("give either FILES or --sketch")
    from app.commands import wards as importing

    click.echo(importing.import_wards(place, files or (importing.SKETCH,)))


@haigio.group()
def catalogue() -> None:
    """What may be reported, and on what it rests."""


@catalogue.command("load")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="instead of the shipped one")
@click.pass_obj
def load_catalogue(place: Place, file: Path | None) -> None:
    """Bring in the kinds, targets, bodies and questions of an edition."""
    from app.commands import catalogue as loading

    step("Catalogue", lambda: loading.load(place, file))


@haigio.group()
def calendar() -> None:
    """On which days and hours time counts, for targets that do not count it round the clock."""


@calendar.command("load")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def load_calendar(place: Place, file: Path | None) -> None:
    """Bring in the calendars and free days of FILE, or of the file that ships with the project."""
    from app.commands import targets

    step("Calendars", lambda: targets.load_calendars(place, file))


@calendar.command("check")
@click.pass_obj
def check_calendar(place: Place) -> None:
    """Tell how sure each year is; exit code 1 if a calendar that judges cases lacks this year or the next."""
    from app.commands import targets

    for line in targets.check_calendars(place):
        click.echo(line)


@haigio.group("targets")
def targets_() -> None:
    """How long a case may take."""


@targets_.command("list")
@click.pass_obj
def list_targets(place: Place) -> None:
    """Show what holds now and what will."""
    from app.commands import targets

    for line in targets.listed(place):
        click.echo(line)


@targets_.command("set")
@click.option("--minutes", type=click.IntRange(1, 525_600), required=True, help="how long a case may take")
@click.option("--field", help="for a field: sidewalk, environment or construction")
@click.option("--kind", help="for a kind of the catalogue")
@click.option("--unit", help="for a unit that acts today, by its code")
@click.option("--urgent", is_flag=True, help="for urgent cases")
@click.option("--calendar", help="count the minutes in its hours only (default: round the clock)")
@click.option("--from", "starts", required=True, help="a day (2027-01-01) or an instant with its offset, to come")
@click.pass_obj
def set_target(
    place: Place,
    *,
    minutes: int,
    field: str | None,
    kind: str | None,
    unit: str | None,
    urgent: bool,
    calendar: str | None,
    starts: str,
) -> None:
    """Let a target hold from an instant to come, for every case or for those that one option describes."""
    if sum(map(bool, (field, kind, unit, urgent))) > 1:
        raise click.UsageError("give one of --field, --kind, --unit and --urgent, or none")
    from app.commands import targets

    wanted = targets.Wanted(minutes, calendar, field=field, kind=kind, unit=unit, urgent=urgent or None)
    click.echo(targets.set_target(place, wanted, starts))


@haigio.group("photos")
def photos_() -> None:
    """What lies in the photo store, and how long."""


@photos_.command("scrub")
@click.option("--delete-strays", is_flag=True, help="take away what no row names; never what one does")
@click.option(
    "--older-than",
    type=click.IntRange(1, 24 * 3650),
    default=24,
    show_default=True,
    help="hours: what is younger may be on its way, and is nobody's stray",
)
@click.pass_obj
def scrub_photos(place: Place, *, delete_strays: bool, older_than: int) -> None:
    """Read every original again; exit code 1 when one is damaged or missing."""
    from app.commands import photos

    for line in photos.scrub(place, delete_strays=delete_strays, older_than=timedelta(hours=older_than)):
        click.echo(line)


@photos_.command("expire")
@click.option("--dry-run", is_flag=True, help="only say what would go")
@click.pass_obj
def expire_photos(place: Place, *, dry_run: bool) -> None:
    """Erase the photos whose time is over. The schedule does the same every hour."""
    from app.commands import photos

    for line in photos.expire(place, dry_run=dry_run):
        click.echo(line)


@photos_.command("remake")
@click.pass_obj
def remake_photos(place: Place) -> None:
    """Have the copies made, in full size and for the public, of photos that have none: once after an upgrade."""
    from app.commands import photos

    click.echo(photos.remake(place))


@photos_.group("retention")
def retention() -> None:
    """How many days after a case ended its photos go."""


@retention.command("list")
@click.pass_obj
def list_retention(place: Place) -> None:
    """Show what holds now and what will."""
    from app.commands import photos

    for line in photos.listed(place):
        click.echo(line)


@retention.command("set")
@click.option("--days", type=click.IntRange(1, 36_500), help="photos go so many days after the case ended")
@click.option("--never", is_flag=True, help="photos are kept")
@click.option("--recorded", is_flag=True, help="for cases with a record of a violation (default: for all others)")
@click.option("--from", "starts", required=True, help="for cases that end from this day on (2027-01-01), to come")
@click.pass_obj
def set_retention(place: Place, *, days: int | None, never: bool, recorded: bool, starts: str) -> None:
    """Let a policy hold for cases that end from a day to come; the first one of a city may begin on any day."""
    if (days is None) == (not never):
        raise click.UsageError("give either --days or --never")
    from app.commands import photos

    click.echo(photos.set_retention(place, recorded=recorded, days=days, starts=starts))


@haigio.group()
def staff() -> None:
    """People who work here."""


@staff.command("add")
@click.option("--username", required=True, help="what they sign in with")
@click.option("--name", required=True, help="what colleagues see")
@click.option("--role", required=True, help="officer, chair, dispatcher, leader, admin or volunteer")
@click.option("--ward", help="code of today's ward, for an officer or a chair")
@click.pass_obj
def add_staff(place: Place, username: str, name: str, role: str, ward: str | None) -> None:
    """Let somebody work here, or give them another password. It is asked for, or read from the first line of stdin."""
    from app.commands import staff as adding

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    click.echo(adding.add(place, username=username, name=name, role=role, ward=ward, password=password))


@haigio.group()
@click.pass_obj
def demo(place: Place) -> None:
    """Invented people and reports, to try things on. Never in production."""
    place.not_in_production()


@demo.command("staff")
@click.option(
    "--accounts", type=click.Path(dir_okay=False, path_type=Path), required=True, help="file for the passwords"
)
@click.pass_obj
def add_demo_staff(place: Place, accounts: Path) -> None:
    """Give every ward of today an officer and a chair, and the city its other roles."""
    from app.commands.demo import steps

    step("Staff", lambda: steps.staff(place, accounts))


@demo.command("history")
@click.pass_obj
def load_history(place: Place) -> None:
    """Load the two years of closed reports, unless they are there."""
    from app.commands.demo import steps

    step("History", lambda: steps.history(place))


@demo.command("live")
@click.pass_obj
def load_live(place: Place) -> None:
    """Load some forty open and fresh cases with photos, unless they are there."""
    from app.commands.demo import steps

    step("Live cases", lambda: steps.live(place))


@haigio.command()
@click.option("--per-minute", type=click.FloatRange(min=0, min_open=True, max=600), required=True, help="reports")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="stop after so many (default: Ctrl-C)")
@click.option("--speed", type=click.FloatRange(min=0.1, max=1000), default=1.0, help="handle so many times faster")
@click.pass_obj
def simulate(place: Place, per_minute: float, minutes: float | None, speed: float) -> None:
    """Let demo residents report and demo officers handle, until Ctrl-C. Never in production."""
    place.not_in_production()
    from app.commands.demo import steps

    try:
        for line in steps.simulate(place, per_minute=per_minute, minutes=minutes, speed=speed):
            click.echo(line)
    except KeyboardInterrupt:
        click.echo("stopped")


@haigio.command()
@click.option("--wards", "files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--accounts", type=click.Path(dir_okay=False, path_type=Path), help="file for the demo's passwords")
@click.option("--empty", is_flag=True, help="no demo reports")
@click.option("--production", is_flag=True, help="no demo at all")
@click.pass_obj
def prepare(place: Place, *, files: tuple[Path, ...], accounts: Path | None, empty: bool, production: bool) -> None:
    """Everything that a start needs: schema, wards, catalogue, and in development the demo. Fast when it is there."""
    from app.commands import preparing

    if not production:
        place.not_in_production()
        if accounts is None:
            raise click.UsageError("--accounts FILE is needed, except with --production")
    preparing.prepare(place, preparing.Wanted(files, None if production else accounts, reports=not empty))


@haigio.command()
def migrate() -> None:
    """Bring the database to the newest schema (as the owner of the tables)."""
    from app.commands import schema

    step("Schema", schema.migrate)


@haigio.group("dead-letters")
def dead_letters() -> None:
    """What was promised to the outside and given up."""


@dead_letters.command("list")
@click.option("--topic", help="only those on this topic")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="the last so many")
@click.pass_obj
def list_dead_letters(place: Place, topic: str | None, limit: int) -> None:
    """Show what was given up, last first: when, how often it was tried, and why it failed."""
    from app.commands import dead_letters as looking

    for line in looking.table(place, topic=topic, limit=limit):
        click.echo(line)


@dead_letters.command("retry")
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1))
@click.option("--topic", help="everything that was given up on this topic")
@click.pass_obj
def retry_dead_letters(place: Place, ids: tuple[int, ...], topic: str | None) -> None:
    """Have the dead letters with these IDS, or those on one topic, tried again at once."""
    if (topic is None) == (not ids):
        raise click.UsageError("give either IDS or --topic")
    from app.commands import dead_letters as looking

    click.echo(looking.retry(place, ids) if topic is None else looking.retry_topic(place, topic))


@dead_letters.command("drop")
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1))
@click.pass_obj
def drop_dead_letters(place: Place, ids: tuple[int, ...]) -> None:
    """Let the dead letters with these IDS be: nobody will be told."""
    from app.commands import dead_letters as looking

    click.echo(looking.drop(place, ids))


@haigio.command()
@click.option("--english", is_flag=True, help="in English")
@click.pass_obj
def status(place: Place, *, english: bool) -> None:
    """Say on one screen what runs, what waits and what to do. Exit code 1 when something needs a person."""
    from app.commands import status as standing

    told, needs_a_person = standing.status(place, "en" if english else "vi")
    click.echo(told)
    if needs_a_person:
        sys.exit(1)
