"""Which tensor becomes which parameter: a table that is checked before it is used.

A family (rinalmo.py and its neighbours) lists rules. Every tensor of a checkpoint has
a rule or is left out for a reason that is told; what is unknown, missing or of another
shape stops the conversion before anything is written.
"""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ssrlm_jax import config, model_dir
from ssrlm_jax.convert import sources
from ssrlm_jax.models import attention, encoders, folding_network, heads, shapes
from ssrlm_jax.rna import alphabet, atoms

Form = Callable[[np.ndarray], np.ndarray]

SHOWN = 6  # names in a message


def as_is(values: np.ndarray) -> np.ndarray:
    """Returns values as they are."""
    return values


def transposed(values: np.ndarray) -> np.ndarray:
    """PyTorch's linear layers are (out, in), ours (in, out)."""
    return values.T


def kernel(values: np.ndarray) -> np.ndarray:
    """PyTorch's convolutions are (out, in, height, width), ours (h, w, in, out)."""
    return values.transpose(2, 3, 1, 0)


@dataclasses.dataclass(frozen=True)
class Rule:
    """One tensor, or one of every layer, and where it goes.

    Attributes:
      target: path of the parameter; what starts with "blocks/" has a layer's axis.
      source: name of the tensor; `{}` is the number of the layer.
      shape: that the tensor must have.
      form: to our layout.
    """

    target: str
    source: str
    shape: tuple[int, ...]
    form: Form = as_is

    @property
    def is_layered(self) -> bool:
        """Whether there is a tensor for each layer."""
        return "{}" in self.source


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a checkpoint holds.

    Attributes:
      family: as in `ssrlm convert FAMILY`.
      architecture: of the encoder.
      rules: for its tensors and those of a head for pairs, under "pair_head/".
      left_out: pattern of names -> why these tensors are not needed.
      copies: name of a tensor that is not needed either -> the one it must equal.
      head: of pairs, or None.
      folding: the network to atoms, or None; its rules are under "folding/".
      threshold: of a pair's probability, or None where none is known.
      trained_length: nucleotides of the longest RNA in training, or None.
      licence: of the weights, where it is not that of the family.
      notes: what was taken for granted, for the user.
    """

    family: str
    architecture: config.EncoderConfig
    rules: Sequence[Rule]
    left_out: Mapping[str, str]
    copies: Mapping[str, str] = dataclasses.field(default_factory=dict)
    head: config.HeadConfig | None = None
    folding: config.FoldingConfig | None = None
    threshold: float | None = None
    trained_length: int | None = None
    licence: str = ""
    notes: Sequence[str] = ()


def linear(
    target: str, source: str, shape: tuple[int, int], *, has_bias: bool = True
) -> list[Rule]:
    """Returns rules for a linear layer of (out, in): a matrix and its shift."""
    rules = [Rule(target, f"{source}.weight", shape, transposed)]
    if has_bias:
        rules.append(Rule(f"{target}_bias", f"{source}.bias", shape[:1]))
    return rules


def dense(target: str, source: str, shape: tuple[int, int]) -> list[Rule]:
    """Returns rules for a linear layer that is an `nn.Dense` here."""
    return [
        Rule(f"{target}/kernel", f"{source}.weight", shape, transposed),
        Rule(f"{target}/bias", f"{source}.bias", shape[:1]),
    ]


def norm(target: str, source: str, width: int, *, has_bias: bool = True) -> list[Rule]:
    """Returns rules for a norm over the width."""
    rules = [Rule(f"{target}/scale", f"{source}.weight", (width,))]
    if has_bias:
        rules.append(Rule(f"{target}/bias", f"{source}.bias", (width,)))
    return rules


def attention_layer(
    sources: Mapping[str, str],
    sizes: config.EncoderConfig,
) -> list[Rule]:
    """Returns rules for attention; `sources` names query, key, value and out."""
    D, A = sizes.width, sizes.width // sizes.num_heads
    has_bias = sizes.biases == "all"
    rules = []
    for name, source in sources.items():
        # Query and out have a part for each head, key and value for each they share.
        heads = sizes.num_heads if name in ("query", "out") else sizes.num_kv_heads
        target = f"blocks/attention/{name}"
        if name == "out":
            rules.append(
                Rule(target, f"{source}.weight", (D, heads * A), out_of(heads))
            )
            if has_bias:
                rules.append(Rule(f"{target}_bias", f"{source}.bias", (D,)))
            continue
        rules.append(Rule(target, f"{source}.weight", (heads * A, D), into(heads)))
        if has_bias:
            form = _by_head(heads)
            rules.append(Rule(f"{target}_bias", f"{source}.bias", (heads * A,), form))
    return rules


def into(heads: int) -> Form:
    """Returns the form of a projection of (H A, D) to heads: (D, H, A)."""
    # Heads are the outer part of the axis, as in PyTorch's view(heads, size); a model
    # that interleaves them would pass every check of shapes and be wrong.
    return lambda values: values.T.reshape(values.shape[1], heads, -1)


def out_of(heads: int) -> Form:
    """Returns the form of a projection from heads, of (D, H A): (H, A, D)."""
    return lambda values: values.T.reshape(heads, -1, values.shape[0])


def _by_head(heads: int) -> Form:
    return lambda values: values.reshape(heads, -1)


def rows_of(order: Sequence[str]) -> Form:
    """Returns the form that picks our letters' rows.

    Args:
      order: another model's letters by id. Our names are found in it, special tokens
        under their other names, U as T where it has no U. Where it has both, the
        first is read: a model that has T first was trained on DNA letters.

    Raises:
      ValueError: one of ours is missing.
    """
    rows = [_row(letter, order) for letter in alphabet.LETTERS]
    return lambda values: values[rows]


_OTHER_NAMES = {
    "<pad>": ("[PAD]",),
    "<cls>": ("<s>", "[CLS]"),
    "<eos>": ("</s>", "[SEP]"),
    "<mask>": ("[MASK]",),
    "U": ("T",),
}


def _row(letter: str, order: Sequence[str]) -> int:
    names = (letter, *_OTHER_NAMES.get(letter, ()))
    # Some vocabularies have both T and U; the letter that comes first was trained.
    found = [order.index(name) for name in names if name in order]
    if not found:
        raise ValueError(f"{letter!r} is not among the letters {' '.join(order)}")
    return min(found)


def num_layers(source: sources.Source, pattern: str) -> int:
    """Counts layers: the highest number in names that fit a pattern, plus one.

    Raises:
      ValueError: no name fits.
    """
    found = [int(m[1]) for name in source.shapes if (m := re.match(pattern, name))]
    if not found:
        raise ValueError(
            f"{source.path}: no layers found ({pattern} fits none of "
            f"{shown(source.shapes)})"
        )
    return max(found) + 1  # a gap in the numbers shows later, as missing tensors


def shape(source: sources.Source, name: str, rank: int) -> tuple[int, ...]:
    """Returns the shape of a tensor that must be there.

    Raises:
      ValueError: it is missing, or has another number of axes.
    """
    if name not in source.shapes:
        raise ValueError(f"{source.path}: tensor {name} is missing")
    found = source.shapes[name]
    if len(found) != rank:
        raise ValueError(f"{source.path}: {name} is {found}, {rank} axes expected")
    return found


def check(plan: Plan, source: sources.Source) -> list[str]:
    """Compares a checkpoint with its plan, and returns what is left out, and why.

    Raises:
      ValueError: tensors are unknown, missing or of another shape, or config.json says
        another number of layers.
    """
    num_layers = plan.architecture.num_layers
    # Layers are counted by names: a file that lost its last part would be a shallower
    # model without this.
    told = source.integer("num_hidden_layers", num_layers)
    if told != num_layers:
        raise ValueError(
            f"{source.path}: tensors of {num_layers} layers found, and "
            f"num_hidden_layers={told} in its config.json; take both from one place"
        )
    wanted: dict[str, tuple[int, ...]] = {}
    for rule in plan.rules:
        for name in _names(rule, plan):
            wanted[name] = rule.shape
    problems = []
    missing = [name for name in wanted if name not in source.shapes]
    if missing:
        problems.append(f"missing: {shown(missing)}")
    misshapen = [
        f"{name} is {source.shapes[name]}, {expected} expected"
        for name, expected in wanted.items()
        if name in source.shapes and source.shapes[name] != expected
    ]
    if misshapen:
        problems.append(f"misshapen: {shown(misshapen)}")
    left_out: dict[str, int] = {}
    unknown = []
    for name in source.shapes:
        if name in wanted:  # first, so that a wide pattern leaves out nothing needed
            continue
        why = next((w for p, w in plan.left_out.items() if re.search(p, name)), None)
        # Compared number by number: in a fine-tuned file, what was tied may differ.
        if original := plan.copies.get(name):
            why = f"a copy of {original}"
            is_same = original in source.shapes and np.array_equal(
                source.read(name), source.read(original)
            )
            if not is_same:
                problems.append(f"{name} differs from {original}")
        if why is None:
            unknown.append(name)
        else:
            left_out[why] = left_out.get(why, 0) + 1
    if unknown:
        problems.append(f"unknown: {shown(unknown)}")
    if problems:
        raise ValueError(
            f"{source.path}: not the tensors of {plan.family}; {'; '.join(problems)}"
        )
    return [f"{number} left out: {why}" for why, number in left_out.items()]


def arrays(plan: Plan, source: sources.Source) -> dict[str, model_dir.Lazy]:
    """Returns parameters by their path, read when they are written.

    Raises:
      ValueError: the rules do not give the parameters of the model.
    """
    fields = dataclasses.asdict(plan.architecture)
    encoder = encoders.Encoder(**fields, attend=attention.plain)
    head = heads.build(plan.head, "float32") if plan.head else None
    folder = groups = None
    if plan.folding:
        tables = dataclasses.asdict(atoms.geometry(plan.folding.geometry))
        folder, groups = folding_network.build(plan.folding, tables)
    expected = shapes.of(encoder, head, folder, groups)
    targets = [_path(rule) for rule in plan.rules]
    # Counted, too: of two rules for one path the later would win without a word.
    if set(targets) != expected.keys() or len(targets) != len(expected):
        differing = sorted(set(targets) ^ expected.keys())
        raise ValueError(f"rules of {plan.family} do not fit: {shown(differing)}")

    # A layer at a time, when it is written: the largest models do not fit twice.
    def read(rule: Rule) -> Iterator[np.ndarray]:
        for name in _names(rule, plan):
            yield rule.form(source.read(name))

    return {
        # A model of an encoder alone has its parameters at the top.
        path if head or folder else path.removeprefix("encoder/"): model_dir.Lazy(
            expected[path], functools.partial(read, rule)
        )
        for path, rule in zip(targets, plan.rules, strict=True)
    }


def _path(rule: Rule) -> str:
    # Families name parameters of the encoder as the encoder does, without a prefix.
    is_other = rule.target.startswith(("pair_head/", "folding/"))
    return rule.target if is_other else f"encoder/{rule.target}"


def shown(names: Mapping[str, object] | Sequence[str]) -> str:
    """Returns the first names, and how many more there are."""
    first = ", ".join(list(names)[:SHOWN])
    more = len(names) - SHOWN
    return f"{first} and {more} more" if more > 0 else first


def _names(rule: Rule, plan: Plan) -> list[str]:
    if not rule.is_layered:
        return [rule.source]
    number = plan.architecture.num_layers
    # RhoFold has layers of its own beside those of its language model.
    if plan.folding and rule.target.startswith("folding/"):
        number = plan.folding.num_blocks
    return [rule.source.format(layer) for layer in range(number)]
