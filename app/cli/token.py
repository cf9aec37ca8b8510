"""`gad token`: who may ask `gad serve` for predictions."""

from typing import Annotated

import typer

from app.cli.options import DataDir, Json
from app.cli.reach import print_json
from app.services.access_tokens import AccessTokens
from storage.data_directory import DataDirectory

token = typer.Typer(no_args_is_help=True, help="Make, list and revoke tokens for `gad serve`.")

Name = Annotated[str, typer.Argument(help="Which program or person uses it.")]


@token.command()
def create(name: Name, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make a token and print it, this once."""
    secret = AccessTokens(DataDirectory.find(data_dir)).create(name)
    if as_json:
        print_json({"name": name, "token": secret})
        return
    typer.echo("Keep it: it is stored as a hash and cannot be shown again.", err=True)
    typer.echo(secret)


@token.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the tokens by name and date."""
    found = AccessTokens(DataDirectory.find(data_dir)).listed()
    if as_json:
        print_json({"tokens": [{"name": t.name, "created": t.created} for t in found]})
        return
    for each in found:
        typer.echo(f"{each.created}  {each.name}")


@token.command()
def revoke(name: Name, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Take a token back; a running server refuses it from then on."""
    AccessTokens(DataDirectory.find(data_dir)).revoke(name)
    print_json({"revoked": name}) if as_json else typer.echo(f"'{name}' is revoked.")
