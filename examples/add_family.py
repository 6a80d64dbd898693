"""Adds a family of weights: what transformers writes as EsmForMaskedLM, on RNA letters.

  python examples/add_family.py THEIRS OUT  # where there is none, one is made at random

A family is a table: which tensor becomes which parameter, and the encoder's choices.
"""

import json
import pathlib
import sys

import numpy as np
from safetensors import numpy as safetensors

import ssrlm_jax
from ssrlm_jax import config
from ssrlm_jax.convert import blocks, families, rules, sources

LETTERS = ["<cls>", "<pad>", "<eos>", "<unk>", *"ACGUN", "<mask>"]  # by token id
WORDS, LAYER = "esm.embeddings.word_embeddings.weight", "esm.encoder.layer.{}."
UNUSED = {r"inv_freq|position|contact_head": "computed here, or not needed"}
SIZES = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 48}  # random


def plan(source):
    num_layers, D, F = (source.integer(name) for name in SIZES)
    heads = source.integer("num_attention_heads", 4)
    sizes = config.EncoderConfig(
        **{"num_layers": num_layers, "width": D, "ffn_width": F, "num_heads": heads},
        **{"num_kv_heads": heads, "is_head_tied": True, "letter_head": "dense"},
        **{"norm": "layer", "feed_forward": "gelu", "biases": "all"},
    )
    ffn, V = (f"{LAYER}intermediate.dense", f"{LAYER}output.dense"), len(LETTERS)
    table = [
        rules.Rule("embedding", WORDS, (V, D), rules.rows_of(LETTERS)),
        *blocks.bert_attention(sizes, LAYER),
        *rules.norm("blocks/attention_norm", f"{LAYER}attention.LayerNorm", D),
        *rules.norm("blocks/ffn_norm", f"{LAYER}LayerNorm", D),
        *blocks.feed_forward(sizes, *ffn),
        *rules.norm("final_norm", "esm.encoder.emb_layer_norm_after", D),
        *rules.dense("head_dense", "lm_head.dense", (D, D)),
        *rules.norm("head_norm", "lm_head.layer_norm", D),
        rules.Rule("head_bias", "lm_head.bias", (V,), rules.rows_of(LETTERS)),
    ]
    held = {"family": "esm", "architecture": sizes, "rules": table, "left_out": UNUSED}
    return rules.Plan(**held), source


theirs, out = map(pathlib.Path, sys.argv[1:])
if not theirs.exists():
    theirs.mkdir()
    (theirs / "config.json").write_text(json.dumps(SIZES))
    table = plan(sources.Source(theirs, {}, {}, SIZES, dict.get))[0].rules
    shapes = {one.source.format(n): one.shape for one in table for n in range(2)}
    random = np.random.default_rng(0).normal
    made = {name: random(size=shape).astype("f") for name, shape in shapes.items()}
    safetensors.save_file(made, theirs / "model.safetensors")
families.FAMILIES["esm"] = families.Family(plan, "its author's", "its paper")
done = families.convert("esm", theirs, out)
print(done.num_tensors, ssrlm_jax.load(out).embed(["GGGGAAAACCCC"])[0].shape)
