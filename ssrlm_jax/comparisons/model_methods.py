"""Models as methods: published weights that were converted, all that ship, your own.

A model that ships is a method by its name, with what its own model.json says of it:
nothing here names one.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, model_folder
from ssrlm_jax.external import folding_programs, relatives
from ssrlm_jax.infer import catalogue, decoding_rules

_TR0 = "secondary/bprna_TR0.tsv.gz"
# The paper, appendix A.1.3: no flexible pairs, sharp loops, non-canonical pairs.
_PAPER_RULE = config.DecodingConfig()
_RULE_TEXT = "the paper's: greedy, sharp loops and non-canonical pairs allowed"


def _make(
    name: str, decoding: config.DecodingConfig | None = _PAPER_RULE
) -> Callable[[config.PaperConfig], folding_programs.Folder]:
    """Returns what makes a model that a setting names; None: it has its own rule."""

    def make(settings: config.PaperConfig) -> folding_programs.Folder:
        known = settings.directories("models")
        if name not in known:
            raise ValueError(f"no directory of a model: config.models={name}=DIR")
        place = pathlib.Path(known[name])
        if not (place / "model.json").is_file():
            raise ValueError(f"config.models: {place} has no model.json")
        return model_folder.ModelFolder(directory=str(place), decoding=decoding)

    return make


def _converted(name: str, title: str, get: str, **others: Any) -> items.Method:
    """Returns a method of weights that `config.models` names, by the paper's rule."""
    facts: dict[str, Any] = {
        "name": name,
        "title": title,
        "get": get,
        "make": _make(name),
        "weights": "its authors' file, converted",
        "threshold": "its authors' file",
        "rule": _RULE_TEXT,
        "licence": "MIT",
        "trained": "RNAcentral; structures as its authors' file says",
        "training": None,
        "seconds": (0.5, 4.0),
        "at_once": 16,
    }
    return items.Method(**facts | others)


CONVERTED = (
    _converted(
        "rnafm",
        "RNA-FM, converted",
        "ssrlm convert rnafm --download --name RNA-FM_SS-ResNet.pth",
    ),
    _converted(
        "ernierna",
        "ERNIE-RNA, converted",
        "ssrlm convert ernierna FILE OUT, of its authors' Google Drive",
    ),
    _converted(
        "rinalmo",
        "RiNALMo, converted",
        "ssrlm convert rinalmo --download --name rinalmo_giga_ss_bprna_ft.pt",
        licence="code Apache-2.0, weights CC-BY-4.0",
        trained="RNAcentral and others; bpRNA TR0",
        training=(_TR0,),
        seconds=(0.7, 3.0),
    ),
    _converted(
        "ssrlm",
        "SSR-LM, your own",
        "no weights were published; ssrlm pretrain, ssrlm finetune",
        weights="yours",
        threshold="chosen on validation",
        licence="yours",
        trained="as its own list of hashes says",
        seconds=(0.1, 1.0),
    ),
)


def own(
    settings: config.PaperConfig, others: Sequence[items.Method]
) -> list[items.Method]:
    """Returns a method for each model that `config.models` names as none of others.

    Args:
      settings: which name models.
      others: whose names are taken.
    """
    taken = {one.name for one in others}
    named = settings.directories("models").items()
    return [_own(name, pathlib.Path(at)) for name, at in named if name not in taken]


def _own(name: str, place: pathlib.Path) -> items.Method:
    known = place / relatives.FILE
    entry = catalogue.Entry(name, place, is_shipped=False)
    is_there = (place / "model.json").is_file()  # else it is told when it runs
    made = catalogue.description(entry).made if is_there else {}
    return _converted(
        name,
        f"{name}, your own",
        f"config.models={name}=DIR",
        make=_make(name, decoding=None),
        weights="yours",
        threshold="its own",
        rule="its own, as `ssrlm fold` has it",
        licence="as its model.json says",
        trained=f"as its own list of hashes says; until {made.get('data_until', '?')}",
        training=(str(known.absolute()),) if known.exists() else None,
        directory=str(place),
    )


def shipped() -> tuple[items.Method, ...]:
    """Returns a method for each model that ships and predicts pairs, by its name.

    Raises:
      ValueError: the model.json of one is damaged.
    """
    found = map(_of_shipped, catalogue.shipped())
    return tuple(one for one in found if one is not None)


def _of_shipped(entry: catalogue.Entry) -> items.Method | None:
    """Returns a model that ships, with its own rule; None: it predicts no pairs."""
    name, directory = entry.name, str(entry.directory)
    ships = catalogue.description(entry)
    if ships.head is None:
        return None
    made, rules = ships.made, decoding_rules.load(entry.directory)
    threshold = rules.own.threshold or ships.threshold
    known = entry.directory / relatives.FILE
    reads = ("letters", *ships.head.energies)
    until = made.get("data_until", "?")
    return items.Method(
        name=name,
        title=f"{name}, which ships",
        make=lambda settings: model_folder.ModelFolder(directory=directory),
        get="it comes with the package",
        weights=f"shipped; it reads {', '.join(reads)}",
        threshold="none" if threshold is None else f"{threshold:g}, on validation",
        rule=f"{decoding_rules.flags_of(rules.own)}, chosen on validation",
        licence=str(made.get("licence", "?")),
        trained=f"{made.get('data', '?')}; until {until}",
        training=(str(known),) if known.exists() else None,
        seconds=(0.3, 1.5),
        at_once=16,
        directory=directory,
    )
