"""SSR-LM as a state dict of `transformers`' Llama model: from it, and to it.

The blocks are the same, rotary positions by halves and SwiGLU included. Llama is
causal by itself: whoever runs it must give it a mask of zeros (docs/converting.md).
"""

import dataclasses
import functools
import json
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import safetensors

from ssrlm_jax import config, files, model_dir
from ssrlm_jax.convert import rules, sources
from ssrlm_jax.rna import alphabet

LETTERS_KEY, ORIGIN_KEY = "letters", "origin"  # of config.json
_ATTENTION = {"query": "q", "key": "k", "value": "v", "out": "o"}


class _Stored(Protocol):
    """An array in a file of safetensors, read in parts."""

    def __getitem__(self, rows: slice) -> np.ndarray: ...


def plan(
    source: sources.Source, letters: Sequence[str] | None = None
) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint holds, and the checkpoint with unified names.

    Args:
      source: a state dict of LlamaModel or LlamaForCausalLM.
      letters: by token id, as `alphabet.LETTERS` names them (more are left out);
        None: those of config.json.

    Raises:
      ValueError: it is none, or its heads or letters are not known.
    """
    source = source.renamed(lambda name: re.sub(r"^model\.", "", name))
    vocab, width = rules.shape(source, "embed_tokens.weight", 2)
    settings = source.settings
    num_heads = source.integer("num_attention_heads")
    if num_heads is None:
        raise ValueError(
            f"{source.path}: no tensor says how many heads there are; put the "
            "config.json of the model beside it, with num_attention_heads"
        )
    told = settings.get(LETTERS_KEY)
    if letters and told and list(letters) != list(told):
        raise ValueError(
            f"{source.path}: its config.json has the letters {','.join(told)}; leave "
            "out --letters, which name others"
        )
    letters = letters or told
    if letters is None:
        raise ValueError(
            f"{source.path}: the letters of its {vocab} tokens are not known; name "
            f"them by id with --letters, such as {','.join(alphabet.LETTERS)}"
        )
    if len(letters) != vocab or len(set(letters)) != vocab or "" in letters:
        raise ValueError(
            f"{source.path}: {vocab} different letters are needed, found "
            f"{','.join(map(str, letters))}"
        )
    head_size = max(1, width // num_heads)
    num_kv_rows = rules.shape(source, "layers.0.self_attn.k_proj.weight", 2)[0]
    source.expect(hidden_act="silu")
    has_head = "lm_head.weight" in source.shapes
    if not has_head and settings.get("tie_word_embeddings") is False:
        raise ValueError(
            f"{source.path}: tensor lm_head.weight is missing, and the config.json "
            "says that it is not the embedding (tie_word_embeddings=false)"
        )
    sizes = config.EncoderConfig(
        num_layers=rules.num_layers(source, r"layers\.(\d+)\."),
        width=width,
        num_heads=num_heads,
        num_kv_heads=num_kv_rows // head_size,
        ffn_width=rules.shape(source, "layers.0.mlp.up_proj.weight", 2)[0],
        is_head_tied=not has_head,
        rope_base=_rope_base(source),
        norm_epsilon=source.number("rms_norm_eps", 1e-6),  # transformers' own default
    )
    return _plan(sizes, vocab, rules.rows_of(letters)), source


def _plan(sizes: config.EncoderConfig, vocab: int, pick: rules.Form) -> rules.Plan:
    width, inner = sizes.width, (sizes.ffn_width, sizes.width)
    layer = "layers.{}."
    attention = {
        ours: f"{layer}self_attn.{theirs}_proj" for ours, theirs in _ATTENTION.items()
    }

    def linear(name: str, shape: tuple[int, int]) -> list[rules.Rule]:
        source = f"{layer}mlp.{name}_proj"
        return rules.linear(f"blocks/ffn/{name}", source, shape, has_bias=False)

    def norm(target: str, source: str) -> list[rules.Rule]:
        return rules.norm(target, source, width, has_bias=False)

    head = [rules.Rule("head", "lm_head.weight", (vocab, width), pick)]
    return rules.Plan(
        family="ssrlm",
        architecture=sizes,
        rules=[
            rules.Rule("embedding", "embed_tokens.weight", (vocab, width), pick),
            *rules.attention_layer(attention, sizes),
            *norm("blocks/attention_norm", f"{layer}input_layernorm"),
            *norm("blocks/ffn_norm", f"{layer}post_attention_layernorm"),
            *linear("gate", inner),
            *linear("up", inner),
            *linear("down", inner[::-1]),
            *norm("final_norm", "norm"),
            *([] if sizes.is_head_tied else head),
        ],
        left_out={r"inv_freq$": "angles of positions, computed here"},
    )


def _rope_base(source: sources.Source) -> float:
    """Returns the base of rotary positions.

    Raises:
      ValueError: they are scaled, which is not known here.
    """
    for name in ("rope_parameters", "rope_scaling"):
        found = source.settings.get(name) or {}
        kind = (
            found.get("rope_type", found.get("type", "default"))
            if isinstance(found, Mapping)
            else found
        )
        if kind != "default":
            raise ValueError(f"{source.path}: {name}={found} found, none is known here")
    parameters = source.settings.get("rope_parameters") or {}
    return float(parameters.get("rope_theta", source.number("rope_theta", 10_000.0)))


def write(model: pathlib.Path, out: pathlib.Path) -> tuple[int, list[str]]:
    """Writes the encoder of a model directory as a directory of `transformers`.

    Args:
      model: a model directory.
      out: is made; `LlamaForCausalLM.from_pretrained` and `LlamaModel` read it.

    Returns:
      The number of tensors, and what the model has beside its encoder.

    Raises:
      ValueError: there is no model, `out` is taken, or the model is no SSR-LM.
    """
    description = model_dir.describe(model)
    sizes = description.architecture
    shared = ("num_layers", "width", "num_heads", "num_kv_heads", "ffn_width")
    same = {name: getattr(sizes, name) for name in (*shared, "vocab_size")}
    same |= {
        n: getattr(sizes, n) for n in ("is_head_tied", "rope_base", "norm_epsilon")
    }
    plain = config.EncoderConfig(**same)
    if plain != sizes:
        differing = [
            f"{field.name}={getattr(sizes, field.name)}"
            for field in dataclasses.fields(sizes)
            if getattr(sizes, field.name) != getattr(plain, field.name)
        ]
        raise ValueError(f"{model}: no Llama block has {', '.join(differing)}")
    prefix = "encoder/" if description.has_parts else ""
    plan = _plan(sizes, sizes.vocab_size, rules.as_is)
    path = model / model_dir.WEIGHTS_FILE
    try:
        opened = safetensors.safe_open(path, framework="numpy")
        stored = {rule: opened.get_slice(prefix + rule.target) for rule in plan.rules}
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path}: cannot be read as weights: {error}") from error
    arrays = {}
    for rule, values in stored.items():
        numbers = range(sizes.num_layers) if rule.is_layered else (None,)
        for number in numbers:
            name = rule.source.format(number)
            key = name if name.startswith("lm_head.") else f"model.{name}"
            parts = functools.partial(_one, values, rule, number)
            arrays[key] = model_dir.Lazy(rule.shape, parts)
    model_dir.check_free(out)
    with files.whole_directory(out) as beside:
        model_dir.write_arrays(beside / sources.WEIGHT_FILES[0], arrays)
        settings = _settings(sizes, description.letters)
        settings |= {ORIGIN_KEY: model_dir.origin(description)}
        text = json.dumps(settings, indent=1) + "\n"
        (beside / sources.SETTINGS_FILE).write_text(text)
    others = {"its head for pairs": description.head, "its atoms": description.folding}
    return len(arrays), [name for name, part in others.items() if part is not None]


def origin(source: sources.Source) -> dict[str, str]:
    """Returns licence and citation that `write` has put into config.json, if any."""
    found = source.settings.get(ORIGIN_KEY)
    if not isinstance(found, Mapping):
        return {}
    return {
        name: value
        for name, value in found.items()
        if name in model_dir.ORIGIN and isinstance(value, str)
    }


def _one(stored: _Stored, rule: rules.Rule, number: int | None) -> Iterator[np.ndarray]:
    """Yields one tensor, in PyTorch's layout."""
    values = stored[:] if number is None else stored[number : number + 1][0]
    if rule.target.startswith(("blocks/attention/", "blocks/ffn/")):
        values = values.reshape(rule.shape[::-1]).T
    yield values


def _settings(sizes: config.EncoderConfig, letters: Sequence[str]) -> dict[str, object]:
    """Returns the config.json of `transformers`."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": sizes.vocab_size,
        "hidden_size": sizes.width,
        "intermediate_size": sizes.ffn_width,
        "num_hidden_layers": sizes.num_layers,
        "num_attention_heads": sizes.num_heads,
        "num_key_value_heads": sizes.num_kv_heads,
        "head_dim": sizes.width // sizes.num_heads,
        "hidden_act": "silu",
        "rms_norm_eps": sizes.norm_epsilon,
        "rope_theta": sizes.rope_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": sizes.rope_base},
        "tie_word_embeddings": sizes.is_head_tied,
        "attention_bias": False,
        "mlp_bias": False,
        "pad_token_id": letters.index("<pad>"),
        "bos_token_id": letters.index("<cls>"),
        "eos_token_id": letters.index("<eos>"),
        "dtype": "float32",
        LETTERS_KEY: list(letters),
    }
