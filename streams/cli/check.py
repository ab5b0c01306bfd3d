"""``weir check``."""

import os
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.input import open_input


def check(
    file: Annotated[Path | None, typer.Argument(help="JSON lines; standard input when absent or '-'.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy file; by default the one for a public chatbot.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=4096, help="Lines guarded in one call.")] = 32,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 1,
) -> None:
    """Judge prompts and responses from JSON lines, without Kafka.

    A line is `{"id", "prompt", "response", "context": [...]}`; prompt (a string or chat messages) or response
    may be missing. One JSON line comes out for each line, in order. Exit status: 1 if any line was unreadable.

    `echo '{"id": 1, "prompt": "Mail me at ann@example.org"}' | weir check`
    """
    from streams.check import Checked, Workers, check_batch, read_batches
    from streams.judging.loading import load_pipeline
    from streams.policies.files import read_policy, shipped_policy
    from streams.settings import load_settings

    settings = load_settings()
    chosen = read_policy(policy) if policy else shipped_policy()
    load = partial(load_pipeline, settings, [chosen])
    checked: Iterable[Checked]
    unreadable = 0
    with open_input(file) as stream:
        batches = read_batches(stream, batch_size)
        if jobs > 1:
            checked = Workers(jobs, load, chosen).check(batches)
        else:
            pipeline = load()
            checked = (check_batch(batch, pipeline, chosen) for batch in batches)
        for result in checked:
            unreadable += result.unreadable
            try:
                sys.stdout.write("".join(f"{line}\n" for line in result.lines))
                sys.stdout.flush()
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has had enough
                raise typer.Exit(0) from None
    raise typer.Exit(1 if unreadable else 0)
