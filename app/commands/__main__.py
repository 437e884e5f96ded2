"""`python -m app.commands VERB`."""

from app.commands.cli import haigio

if __name__ == "__main__":
    haigio(prog_name="haigio")
