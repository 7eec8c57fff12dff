"""`pyconnect completion`: the script that teaches a shell our commands, options and topics."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from connectors_core.cli.options import examples

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog=examples(
        'eval "$(pyconnect completion bash)"        # in ~/.bashrc',
        'eval "$(pyconnect completion zsh)"         # in ~/.zshrc',
        "pyconnect completion fish | source         # in config.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    if found := get_completion_class(shell):
        root = ctx.find_root().command
        click.echo(found(root, {}, "pyconnect", "_PYCONNECT_COMPLETE").source())


def complete_topic(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the topics of the log; nothing if they can't be read."""
    from contextlib import closing

    from connectors_core.api.errors import PyconnectError
    from connectors_core.app import Asked, find_place, open_reader

    asked = Asked(**{name: ctx.params.get(name) for name in ("data_dir", "kafka", "worker")})
    try:
        with closing(open_reader(find_place(asked))) as reader:
            names = [topic.name for topic in reader.topics()]
    except PyconnectError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
