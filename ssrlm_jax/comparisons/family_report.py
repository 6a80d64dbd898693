"""The report of families' embeddings: of every model that ships, and of others."""

import json
import pathlib
from collections.abc import Sequence

from ssrlm_jax import config, files
from ssrlm_jax.comparisons import family_maps, figure_tables, items
from ssrlm_jax.infer import catalogue

_FIRST = "embedding"  # heading


def make(
    name: str,
    item: items.Item,
    asked: items.Families,
    settings: config.PaperConfig,
    out: pathlib.Path,
) -> str:
    """Compares embeddings of families and writes it.

    Args:
      name: of the item: that of its files.
      item: the figure.
      asked: its families.
      settings: where data and other models are.
      out: directory of reports.

    Returns:
      Its Markdown; what is missing is told there.

    Raises:
      ValueError: a directory that the settings name has no model.
    """
    try:
        chosen = family_maps.choose(asked, settings.data, settings.seed)
    except ValueError as error:
        text = f"# {item.title}\n\nNot measured: {error}.\n"
        return _written(out / name, item.title, text, [], str(error))
    named = settings.directories("models")
    for place in named.values():
        if not pathlib.Path(place, "model.json").is_file():
            raise ValueError(f"config.models: {place} has no model.json")
    models = {entry.name: str(entry.directory) for entry in catalogue.shipped()}
    models |= named
    embeddings = {
        model: family_maps.embedded(
            pathlib.Path(place), chosen.sequences, out / "embeddings"
        )
        for model, place in models.items()
    }
    embeddings[family_maps.LETTERS] = family_maps.letter_counts(chosen.sequences)
    found = [
        family_maps.told(model, embedding_ND, chosen, settings.seed)
        for model, embedding_ND in embeddings.items()
    ]
    picture = out / f"{name}.png"
    why_none = family_maps.draw(picture, embeddings, chosen, settings.seed)
    num_families = len(set(chosen.families))
    lines = [
        f"# {item.title}",
        "",
        f"Made by `ssrlm paper {name}`: {len(chosen.sequences):,} RNAs of "
        f"{num_families} families of {len(set(chosen.kinds))} types.",
        "",
        *figure_tables.markdown(_FIRST, found),
        "",
        item.note,
        "",
        why_none or f"![{picture.name}]({picture.name})",
    ]
    return _written(out / name, item.title, "\n".join(lines) + "\n", found)


def _written(
    place: pathlib.Path,
    title: str,
    text: str,
    found: Sequence[figure_tables.Row],
    reason: str = "",
) -> str:
    """Writes all files of the report, which say the same; returns the Markdown."""
    place.parent.mkdir(parents=True, exist_ok=True)
    facts = {"title": title, "rows": figure_tables.facts(found), "reason": reason}
    files.write_text(f"{place}.md", text)
    files.write_text(f"{place}.json", json.dumps(facts, indent=1) + "\n")
    files.write_text(f"{place}.csv", figure_tables.as_csv(_FIRST, found))
    files.write_text(f"{place}.tex", figure_tables.latex(title, _FIRST, found))
    return text
