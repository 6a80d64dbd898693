"""Pages that are made: commands and settings from the code, tutorials from notebooks.

mkdocs calls the functions by their names (`hooks` in mkdocs.yml). Links out of docs/
lead to the repository. Where SSRLM_EXECUTED names a directory in which
tests/test_notebooks.py has left what it ran, tutorials show what came out.
"""

import argparse
import importlib
import os
import pathlib
import re

import nbconvert
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ssrlm_jax.cli import commands

ROOT = pathlib.Path(__file__).parents[1]
_READING = "## How the paper is read\n"
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\](\([^)]*\))")
_OUTWARD = re.compile(r"\]\((?:\.\./)+((?!docs/)[^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    made: dict[str, str | bytes] = {
        "reference/commands.md": _commands(),
        "reference/settings.md": _settings(),
        "reading.md": _reading(),
    }
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        made |= _tutorial(path)
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
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


def _reading() -> str:
    """Returns the section of CONTRIBUTING that is for everybody."""
    _, _, text = (ROOT / "CONTRIBUTING.md").read_text().partition(_READING)
    return f"# {_READING.strip('# ')}{text.partition('## ')[0]}"


def _commands() -> str:
    parts = ["# Commands\n\n`ssrlm COMMAND --help` says the same.\n"]
    for name, about in (commands.OWN | commands.JOBS).items():
        parser = argparse.ArgumentParser(
            prog=f"ssrlm {name}",
            conflict_handler="resolve",
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
        for setting in job.settings(job.kind()):
            comment = setting.comment.replace("|", "\\|")
            parts.append(f"| `{setting.name}` | `{setting.default}` | {comment} |")
        parts.append("")
    return "\n".join(parts)


def _tutorial(path: pathlib.Path) -> dict[str, str | bytes]:
    """Returns the page of a notebook, and its pictures, by their places."""
    ran = pathlib.Path(os.environ.get("SSRLM_EXECUTED", os.devnull), path.name)
    is_ran = ran.exists()
    name, held = path.stem, nbformat.read(ran if is_ran else path, as_version=4)
    kept = {"unique_key": name, "output_files_dir": f"{name}_files"}
    text, found = nbconvert.MarkdownExporter().from_notebook_node(held, kept)
    note = (
        "*What is shown was made on the small settings of the tests.*"
        if is_ran
        else "*Open it to see what it shows.*"
    )
    text = _BADGE.sub(rf"[Open in Colab]\1{{ .md-button }}\n\n{note}", text, count=1)
    text = text.replace("```python\n%%bash\n", "```sh\n")
    pictures = found["outputs"] or {}
    return {f"tutorials/{name}.md": text} | {
        f"tutorials/{place}": content for place, content in pictures.items()
    }
