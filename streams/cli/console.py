"""``weir console``: the reviewers' page, in a browser of this machine."""

import webbrowser
from typing import Annotated

import typer

from streams.cli.tables import output


def console(
    by: Annotated[str | None, typer.Option(help="Who reads; by default your account.")] = None,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open it in a browser.")] = True,
) -> None:
    """Serve the reviewers' page to this machine's browser: what is held, the sample, labels, how far readers agree.

    Only the address that it prints opens it. Ends on Ctrl-C; what somebody was reading is anybody's after 15 minutes.
    """
    from streams.account import account
    from streams.console.process import run_console
    from streams.console.service import Reader
    from streams.logs import set_up_logs
    from streams.stack.attachment import attached_settings

    settings, name = attached_settings(), account()
    set_up_logs("console", settings.log_level, settings.log_format)

    def tell(url: str) -> None:
        output().print(f"the console: {url}", soft_wrap=True)
        if browser:
            webbrowser.open(url)

    raise typer.Exit(run_console(settings, Reader(name if by is None else by, name), tell))
