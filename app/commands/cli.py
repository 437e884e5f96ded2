"""The verbs, and how a refusal is told. What a verb does lies in the module that it imports when it is called.

Those imports stand in the functions on purpose: `haigio --help` and a start at which nothing is to do must not wait a
second for libraries that they never use.
"""

# ruff: noqa: PLC0415 -- the reason is the paragraph above

from pathlib import Path
from typing import Any

import click

from app.commands.place import Place, Refused, step
from app.config import SettingsError
from app.core import clock
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
@click.pass_obj
def demo(place: Place) -> None:
    """Invented people and reports, to try things on. Never in production."""
    place.not_in_production()


@demo.command("history")
@click.pass_obj
def load_history(place: Place) -> None:
    """Load the two years of closed reports, unless they are there."""
    from app.commands.demo import history

    def load() -> str:
        with place.database.unit_of_work() as session:
            return history.load(session, place.settings.city_id, clock.now())

    step("History", load)


@haigio.command()
def migrate() -> None:
    """Bring the database to the newest schema (as the owner of the tables)."""
    from app.commands import schema

    step("Schema", schema.migrate)
