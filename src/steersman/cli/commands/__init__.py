"""One file a command, or a family of them; each offers `apps: dict[name, typer.Typer]`."""
