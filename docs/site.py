"""Pages that are made from the code: commands, settings; and links out of docs/.

mkdocs calls the functions by their names (`hooks` in mkdocs.yml).
"""

import argparse
import importlib
import pathlib
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ssrlm_jax.cli import commands
from ssrlm_jax.jobs import command

ROOT = pathlib.Path(__file__).parents[1]
_OUTWARD = re.compile(r"\]\((?:\.\./)+((?!docs/)[^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    for name, text in (("commands", _commands()), ("settings", _settings())):
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Has links to what lies outside of docs/ lead to the repository."""
    depth = page.file.src_uri.count("/")

    def outward(match: re.Match[str]) -> str:
        ups = match[0].count("../")
        if ups <= depth:  # within docs/
            return match[0]
        return f"]({config.repo_url}/blob/main/{match[1]}{match[2] or ''})"

    return _OUTWARD.sub(outward, markdown)


def _commands() -> str:
    parts = ["# Commands\n\n`ssrlm COMMAND --help` says the same.\n"]
    for name, about in (commands.OWN | commands.JOBS).items():
        parser = argparse.ArgumentParser(
            prog=f"ssrlm {name}",
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, width=88
            ),
        )
        commands.add(name, parser)
        epilog = "\nSettings: [all](settings.md).\n" if parser.epilog else ""
        parser.epilog = None
        text = parser.format_help().rstrip()
        parts.append(f"## {name}\n\n{about}\n\n```text\n{text}\n```\n{epilog}")
    return "\n".join(parts)


def _settings() -> str:
    parts = [
        "# Settings\n\nChanged by `--config.NAME=VALUE`, or in a file of `configs/`; "
        "the dataclass that is named has defaults and checks.\n"
    ]
    for name in commands.JOBS:
        job = importlib.import_module(f"ssrlm_jax.jobs.{name}").COMMAND
        if job.kind is None:
            continue
        parts.append(
            f"## {name}\n\n`config.{job.kind.__name__}`\n\n"
            "| setting | default | |\n|---|---|---|"
        )
        for setting in command.settings_of(job.kind()):
            comment = setting.comment.replace("|", "\\|")
            parts.append(f"| `{setting.name}` | `{setting.default}` | {comment} |")
        parts.append("")
    return "\n".join(parts)
