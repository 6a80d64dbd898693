"""Embeddings of Rfam families: do RNAs of a family lie together? Fig. S2.

A picture proves nothing, so two numbers stand beside it: how often the nearest
neighbours of an RNA, itself left out, vote for its own family, and how much nearer its
family is than the next (silhouette). Counts of three letters are what any embedding
has to beat.
"""

import csv
import itertools
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.comparisons import figure_tables, items, model_folder
from ssrlm_jax.metrics import statistics
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import alphabet, formats, structure_formats

if TYPE_CHECKING:
    from matplotlib import figure as figures

LETTERS = "counts of three letters"
_NEIGHBOURS = 5
_MARKERS = ("o", "s", "^", "D", "v", "P")
_MOST_PANELS_OF_ROW = 4
_DPI = 110


class Chosen(NamedTuple):
    """RNAs of families.

    Attributes:
      sequences: letters A C G U N.
      families: of each, its name.
      kinds: of each, the type of its family.
    """

    sequences: list[str]
    families: list[str]
    kinds: list[str]


FAMILY, KIND = "family of neighbours", "type of neighbours"
SILHOUETTE = "silhouette"


def choose(asked: items.Families, data: str, seed: int) -> Chosen:
    """Returns RNAs of the largest families of each type.

    Args:
      asked: which, and how many.
      data: folder of the tables.
      seed: of the draw of members.

    Raises:
      ValueError: a table is missing, or there are too few families.
    """
    folder = pathlib.Path(data)
    paths = [folder / name for name in (asked.table, asked.members_table)]
    for path in paths:
        if not path.exists():
            raise ValueError(f"there is no {path}: {asked.get}")
    known = _families(paths[0])
    members: dict[str, list[str]] = {}
    for record in structure_formats.read(paths[1]):
        letters = alphabet.decode(alphabet.encode(record.sequence)[0])
        if record.family in known and len(letters) <= asked.longest:
            members.setdefault(record.family, []).append(letters)
    rng = np.random.default_rng(seed)
    chosen = Chosen([], [], [])
    for kind, count in zip(asked.kinds, asked.counts, strict=True):
        of_kind = {
            accession: sorted(set(members.get(accession, ())))
            for accession, (_, words) in known.items()
            if kind in words
        }
        large = sorted(of_kind, key=lambda one: (-len(of_kind[one]), one))[:count]
        if len(large) < count or len(of_kind[large[-1]]) <= _NEIGHBOURS:
            raise ValueError(
                f"{paths[1]}: fewer than {count} families of type {kind} with more "
                f"than {_NEIGHBOURS} members of up to {asked.longest} nucleotides"
            )
        for accession in large:
            there = of_kind[accession]
            drawn = rng.permutation(len(there))[: asked.members]
            chosen.sequences.extend(there[n] for n in sorted(drawn))
            chosen.families.extend([known[accession][0]] * len(drawn))
            chosen.kinds.extend([kind] * len(drawn))
    return chosen


def embedded(
    directory: pathlib.Path, sequences: Sequence[str], kept: pathlib.Path
) -> np.ndarray:
    """Returns the mean over nucleotides of a model's last hidden states, (N, D).

    Args:
      directory: of the model.
      sequences: letters A C G U N.
      kept: folder of embeddings of before.

    Raises:
      ValueError: there is no such model.
    """
    about = model_folder.ModelFolder(directory=str(directory)).describe()
    path = kept / f"{executor.key_of(about, list(sequences))}.npy"
    if path.exists():
        return np.load(path)
    from ssrlm_jax.infer import loading  # JAX: seconds

    states = loading.load(directory).embed(list(sequences), pool="mean")
    embedding_ND = np.stack(states).astype(np.float32)
    kept.mkdir(parents=True, exist_ok=True)
    with files.whole(path) as part, part.open("wb") as file:
        np.save(file, embedding_ND)
    return embedding_ND


def letter_counts(sequences: Iterable[str]) -> np.ndarray:
    """Returns shares of all words of three letters, float32 (N, 64)."""
    words = ["".join(word) for word in itertools.product("ACGU", repeat=3)]
    place = {word: number for number, word in enumerate(words)}
    rows = []
    for letters in sequences:
        counts = np.zeros(len(words), np.float32)
        for start in range(len(letters) - 2):
            number = place.get(letters[start : start + 3])
            if number is not None:
                counts[number] += 1
        rows.append(counts / max(counts.sum(), 1.0))
    return np.stack(rows)


def told(
    name: str, embedding_ND: np.ndarray, chosen: Chosen, seed: int
) -> figure_tables.Row:
    """Returns how well an embedding tells families apart.

    FAMILY: share of RNAs whose neighbours vote for their family; KIND: likewise, for
    the type of the family; SILHOUETTE: mean over RNAs, -1..1, by family.

    Args:
      name: of the embedding.
      embedding_ND: of each RNA; columns are scaled to the deviation 1 first.
      chosen: the RNAs.
      seed: of the bootstrap, over RNAs.
    """
    from sklearn import metrics, neighbors

    scaled_ND = scaled(embedding_ND)
    search = neighbors.NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(scaled_ND)
    near_NK = search.kneighbors(return_distance=False)  # without the RNA itself
    each = {
        FAMILY: _votes(np.array(chosen.families), near_NK),
        KIND: _votes(np.array(chosen.kinds), near_NK),
        SILHOUETTE: metrics.silhouette_samples(scaled_ND, chosen.families),
    }
    return figure_tables.Row(
        name, {head: statistics.of_mean(n, seed) for head, n in each.items()}
    )


def scaled(embedding_ND: np.ndarray) -> np.ndarray:
    """Returns columns of mean 0 and deviation 1, what does not vary as 0."""
    centred_ND = embedding_ND - embedding_ND.mean(0)
    deviation_D = centred_ND.std(0)
    return centred_ND / np.where(deviation_D > 1e-12, deviation_D, 1.0)


def draw(
    path: pathlib.Path, embeddings: Mapping[str, np.ndarray], chosen: Chosen, seed: int
) -> str:
    """Draws a UMAP of each embedding; returns why there is no picture, or "".

    A colour for each family, a mark for each type.
    """
    try:
        import umap
        from matplotlib import colormaps, figure
    except ImportError as error:
        return f"the picture needs {error.name}: pip install 'ssrlm-jax[plots]'"
    families = list(dict.fromkeys(chosen.families))
    kinds = list(dict.fromkeys(chosen.kinds))
    num_columns = min(len(embeddings), _MOST_PANELS_OF_ROW)
    num_rows = math.ceil(len(embeddings) / num_columns)
    drawing: figures.Figure = figure.Figure(
        figsize=(4.0 * num_columns + 2.2, 4.0 * num_rows), layout="constrained"
    )
    panels = drawing.subplots(num_rows, num_columns, squeeze=False).ravel()
    for axes in panels[len(embeddings) :]:
        axes.set_axis_off()
    colors = [colormaps["gist_ncar"](n / len(families)) for n in range(len(families))]
    used = panels[: len(embeddings)]
    for axes, (name, embedding_ND) in zip(used, embeddings.items(), strict=True):
        mapper = umap.UMAP(random_state=seed, n_jobs=1)
        xy_N2 = mapper.fit_transform(scaled(embedding_ND))
        for number, family in enumerate(families):
            is_in_N = np.array([one == family for one in chosen.families])
            kind = chosen.kinds[chosen.families.index(family)]
            marker = _MARKERS[kinds.index(kind) % len(_MARKERS)]
            axes.scatter(
                *xy_N2[is_in_N].T,
                s=12,
                color=colors[number],
                marker=marker,
                label=f"{family} ({kind})",
                linewidths=0,
            )
        axes.set_title(name, fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    handles, labels = panels[0].get_legend_handles_labels()
    drawing.legend(
        handles, labels, loc="outside right upper", fontsize=7, markerscale=2.0
    )
    drawing.savefig(path, dpi=_DPI)
    return ""


def _votes(name_N: np.ndarray, near_NK: np.ndarray) -> np.ndarray:
    """Returns whether most neighbours have an RNA's name; a tie goes to the nearest."""
    is_right = []
    for name, near_K in zip(name_N, name_N[near_NK], strict=True):
        values, first, counts = np.unique(near_K, return_index=True, return_counts=True)
        best = np.lexsort((first, -counts))[0]
        is_right.append(values[best] == name)
    return np.array(is_right, float)


def _families(path: pathlib.Path) -> dict[str, tuple[str, list[str]]]:
    """Returns name and words of the type of each family, by accession."""
    lines = (line for _, line in formats.text_lines(path))
    found = {}
    for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
        try:
            words = [word.strip() for word in row["type"].split(";")]
            found[row["accession"]] = (row["id"], words)
        except (KeyError, AttributeError) as error:
            raise ValueError(
                f"{path}: columns accession, id and type are expected"
            ) from error
    return found
