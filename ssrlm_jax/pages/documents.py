"""HTML that needs nothing else: scripts, styles and data are in it, and no network.

The browser is told so by a Content-Security-Policy: only the scripts whose hashes it
names run, and no request leaves the page. Data are JSON in which no letter can end the
element that holds it, so a name with markup is text.
"""

import base64
import hashlib
import html
import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence

_FOLDER = "assets"
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
{body}
{data}
{scripts}
</body>
</html>
"""


def asset(name: str) -> str:
    """Returns a file of this package's assets as text."""
    folder = importlib.resources.files("ssrlm_jax.pages")
    return folder.joinpath(_FOLDER, name).read_text(encoding="utf-8")


def as_json(value: object) -> str:
    """Returns JSON that is safe within an element of HTML."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for letter, escape in _ESCAPED.items():
        text = text.replace(letter, escape)
    return text


def page(
    title: str,
    body: str,
    data: Iterable[tuple[str, str]],
    *,
    scripts: Sequence[str],
    styles: Sequence[str] = ("page.css",),
    network: str = "'none'",
) -> str:
    """Returns a document that stands alone.

    Args:
      title: text; it is escaped.
      body: HTML of the body, trusted.
      data: name and JSON, of `as_json`, of each block; a script reads it from the
        element with that id.
      scripts: names of assets, in the order in which they run.
      styles: names of assets.
      network: what scripts may ask: "'none'", or "'self'" of a page that is served.
    """
    sources = [asset(name) for name in scripts]
    style = "\n".join(asset(name) for name in styles)
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, sources))}",
            f"style-src {_hash(style)}",
            "img-src data: blob:",
            f"connect-src {network}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(title),
        style=style,
        body=body,
        data="\n".join(
            f'<script type="application/json" id="{html.escape(name)}">{text}</script>'
            for name, text in data
        ),
        scripts="\n".join(f"<script>{source}</script>" for source in sources),
    )


def facts(told: Mapping[str, str]) -> str:
    """Returns HTML of facts by name, for a list of definitions."""
    rows = (
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in told.items()
    )
    return "".join(rows)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
