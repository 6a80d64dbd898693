"""RhoFold's tensors after the language model, and the parameters they become."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.convert import rules, sources
from ssrlm_jax.models import folding_inputs, folding_network, refinements
from ssrlm_jax.rna import atoms, rigid_groups

# Names and layouts are those of OpenFold, which RhoFold's network was made from.
_BLOCK = "e2eformer.blocks.{}."
_CORE = f"{_BLOCK}core."

Rules = list[rules.Rule]


def of(source: sources.Source, sizes: config.FoldingConfig) -> Rules:
    """Returns rules for all but the language model."""
    found = [
        *_inputs(source, sizes),
        *_trunk(sizes),
        *dense("single", "e2eformer.linear", sizes.structure_width, sizes.single_width),
        *_structure(sizes),
        *_heads(sizes),
    ]
    if sizes.refinement_width:
        found += _refinement(source, sizes)
    return [
        dataclasses.replace(rule, target=f"folding/{rule.target}") for rule in found
    ]


def dense(target: str, source: str, outs: int, ins: int) -> Rules:
    """Returns rules for a linear layer."""
    return rules.dense(target, source, (outs, ins))


def _inputs(source: sources.Source, sizes: config.FoldingConfig) -> Rules:
    D, C = sizes.single_width, sizes.pair_width
    tokens = folding_inputs.NUM_RHOFOLD_TOKENS
    alone, pair = "msa_embedder.msa_emb.", "msa_embedder.pair_emb.pair_emb."
    # fairseq counts positions from behind the id of padding: two rows stay unused.
    num_positions = sizes.max_length + folding_inputs.FIRST_POSITION
    found = [
        rules.Rule(
            "inputs/token/embedding", f"{alone}embed_tokens.weight", (tokens, D)
        ),
        rules.Rule(
            "inputs/position", f"{alone}embed_positions.weight", (num_positions, D)
        ),
        rules.Rule(
            "inputs/pair_token/embedding", f"{pair}emb.weight", (tokens, C // 2)
        ),
        *dense("inputs/pair", f"{pair}projection", C, C),
        *dense("recycling/distance", "recycle_embnet.linear", C, 40),
        *rules.norm("recycling/norm", "recycle_embnet.layer_norm_m", D),
        *rules.norm("recycling/pair_norm", "recycle_embnet.layer_norm_z", C),
    ]
    # Trained without its language model, the network has no such layer.
    joined = "msa_embedder.rna_fm_reduction"
    if f"{joined}.weight" in source.shapes:
        width = rules.shape(source, f"{joined}.weight", 2)[1]
        found += dense("inputs/joined", joined, D, width)
    return found


def _trunk(sizes: config.FoldingConfig) -> Rules:
    D, C, X = sizes.single_width, sizes.pair_width, sizes.triangle_width
    rows, columns = f"{_BLOCK}msa_att_row.", f"{_BLOCK}msa_att_col._msa_att."
    outer, Y = f"{_CORE}outer_product_mean.", sizes.outer_width
    heads = sizes.num_heads, sizes.head_size
    found = [
        *rules.norm("rows/pair_norm", f"{rows}layer_norm_z", C),
        _bias("rows/bias", f"{rows}linear_z", sizes.num_heads, C),
        *_attention("rows/attention", f"{rows}mha.", D, *heads),
        *_attention("columns/attention", f"{columns}mha.", D, *heads),
        *_transition("transition", f"{_CORE}msa_transition.", D, sizes),
        *rules.norm("outer/norm", f"{outer}layer_norm", D),
        *dense("outer/first", f"{outer}linear_1", Y, D),
        *dense("outer/second", f"{outer}linear_2", Y, D),
        rules.Rule(
            "outer/kernel",
            f"{outer}linear_out.weight",
            (C, Y * Y),
            # Of an outer product that was flattened; here it stays a matrix.
            lambda values: values.reshape(C, Y, Y).transpose(1, 2, 0),
        ),
        rules.Rule("outer/bias", f"{outer}linear_out.bias", (C,)),
        *_transition("pair_transition", f"{_CORE}pair_transition.", C, sizes),
    ]
    for target, name in (("outgoing", "tri_mul_out"), ("incoming", "tri_mul_in")):
        start = f"{_CORE}{name}."
        for ours, theirs, outs, ins in (
            # p: projection, g: gate. `linear_z` leads back, and so has X inputs.
            ("a", "linear_a_p", X, C),
            ("a_gate", "linear_a_g", X, C),
            ("b", "linear_b_p", X, C),
            ("b_gate", "linear_b_g", X, C),
            ("gate", "linear_g", C, C),
            ("out", "linear_z", C, X),
        ):
            found += dense(f"{target}/{ours}", start + theirs, outs, ins)
        found += rules.norm(f"{target}/norm", f"{start}layer_norm_in", C)
        found += rules.norm(f"{target}/out_norm", f"{start}layer_norm_out", X)
    for target, name in (("starting", "tri_att_start"), ("ending", "tri_att_end")):
        start = f"{_CORE}{name}."
        pair_heads = sizes.num_pair_heads, sizes.pair_head_size
        found += rules.norm(f"{target}/norm", f"{start}layer_norm", C)
        found += [_bias(f"{target}/bias", f"{start}linear", pair_heads[0], C)]
        found += _attention(f"{target}/attention", f"{start}mha.", C, *pair_heads)
    return [
        dataclasses.replace(rule, target=f"trunk/blocks/{rule.target}")
        for rule in found
    ]


def _bias(target: str, source: str, heads: int, width: int) -> rules.Rule:
    # Theirs has no bias: a constant would not change a softmax.
    shape = (heads, width)
    return rules.Rule(f"{target}/kernel", f"{source}.weight", shape, rules.transposed)


def _attention(target: str, start: str, width: int, heads: int, size: int) -> Rules:
    inner = (heads * size, width)
    into = rules.into(heads)
    # Of the four only the gate has a bias.
    found = [
        rules.Rule(f"{target}/{name}/kernel", f"{start}linear_{q}.weight", inner, into)
        for name, q in (("query", "q"), ("key", "k"), ("value", "v"), ("gate", "g"))
    ]
    return [
        *found,
        rules.Rule(
            f"{target}/gate/bias",
            f"{start}linear_g.bias",
            inner[:1],
            lambda values: values.reshape(heads, size),
        ),
        rules.Rule(
            f"{target}/out/kernel",
            f"{start}linear_o.weight",
            inner[::-1],
            rules.out_of(heads),
        ),
        rules.Rule(f"{target}/out/bias", f"{start}linear_o.bias", (width,)),
    ]


def _transition(
    target: str, start: str, width: int, sizes: config.FoldingConfig
) -> Rules:
    inner = sizes.transition_factor * width
    return [
        *rules.norm(f"{target}/norm", f"{start}layer_norm", width),
        *dense(f"{target}/up", f"{start}linear_1", inner, width),
        *dense(f"{target}/down", f"{start}linear_2", width, inner),
    ]


def _structure(sizes: config.FoldingConfig) -> Rules:
    S, C, H = sizes.structure_width, sizes.pair_width, sizes.num_point_heads
    A, queries = sizes.point_head_size, sizes.num_query_points
    # Key points come with value points, and the points of keys are as many as those of
    # queries: their distances are taken.
    both = queries + sizes.num_value_points
    ipa = "structure_module.ipa."
    # Of a head: values, three coordinates and a distance of each point, pairs.
    gathered = H * (A + 4 * sizes.num_value_points + C)
    layer = "structure/layer"
    found = [
        *rules.norm("structure/norm", "structure_module.layer_norm_s", S),
        *rules.norm("structure/pair_norm", "structure_module.layer_norm_z", C),
        *dense("structure/in", "structure_module.linear_in", S, S),
        rules.Rule(f"{layer}/attention/point_weight", f"{ipa}head_weights", (H,)),
        *_shaped(f"{layer}/attention/query", f"{ipa}linear_q", (H, A), S),
        # Keys and values of a head stand side by side, not all keys first.
        *_shaped(f"{layer}/attention/key_value", f"{ipa}linear_kv", (H, 2 * A), S),
        *_shaped(
            f"{layer}/attention/query_points",
            f"{ipa}linear_q_points",
            (3, H, queries),  # coordinates outermost: all x, then all y, then all z
            S,
        ),
        *_shaped(
            f"{layer}/attention/key_value_points",
            f"{ipa}linear_kv_points",
            (3, H, both),
            S,
        ),
        *dense(f"{layer}/attention/bias", f"{ipa}linear_b", H, C),
        *dense(f"{layer}/attention/out", f"{ipa}linear_out", S, gathered),
        *rules.norm(f"{layer}/attention_norm", "structure_module.layer_norm_ipa", S),
        *rules.norm(f"{layer}/norm", "structure_module.transition.layer_norm", S),
        *dense(f"{layer}/update", "structure_module.bb_update.linear", 6, S),
    ]
    for number, name in enumerate(("first", "second", "third"), 1):
        source = f"structure_module.transition.layers.0.linear_{number}"
        found += dense(f"{layer}/{name}", source, S, S)
    return found + _torsions(sizes)


def _torsions(sizes: config.FoldingConfig) -> Rules:
    S, W = sizes.structure_width, sizes.torsion_width
    num_torsions = len(rigid_groups.GEOMETRIES[sizes.geometry].torsions)
    # The first ones turn nothing, but their outputs are in the matrix.
    num_torsions += folding_network.RHOFOLD_UNUSED
    source, target = "structure_module.angle_resnet.", "structure/torsions/"
    found = [
        *dense(f"{target}now", f"{source}linear_in", W, S),
        *dense(f"{target}first", f"{source}linear_initial", W, S),
        *_shaped(f"{target}out", f"{source}linear_out", (num_torsions, 2), W),
    ]
    for block in range(sizes.num_torsion_blocks):
        for number, name in ((1, "up"), (2, "down")):
            linear = f"{source}layers.{block}.linear_{number}"
            found += dense(f"{target}block_{block}_{name}", linear, W, W)
    return found


def _shaped(target: str, source: str, outs: tuple[int, ...], ins: int) -> Rules:
    """Returns rules for a linear layer whose outputs have axes."""
    size = int(np.prod(outs))
    return [
        rules.Rule(
            f"{target}/kernel",
            f"{source}.weight",
            (size, ins),
            lambda values: values.T.reshape(ins, *outs),
        ),
        rules.Rule(
            f"{target}/bias",
            f"{source}.bias",
            (size,),
            lambda values: values.reshape(outs),
        ),
    ]


def _heads(sizes: config.FoldingConfig) -> Rules:
    C, S, inner = sizes.pair_width, sizes.structure_width, 4 * sizes.pair_width
    found: Rules = []
    for target, source, parts in (
        (
            "distances",
            "dist_head.",
            [
                (f"distance_{n}", f"resnet_dist_{n}", sizes.num_distance_bins)
                for n in range(3)
            ],
        ),
        ("pairs", "ss_head.", [("pair", "ffn", 1)]),
    ):
        found += [
            # a_2 and b_2: a norm as "The Annotated Transformer" writes it.
            rules.Rule(f"{target}/norm/scale", f"{source}norm.a_2", (C,)),
            rules.Rule(f"{target}/norm/bias", f"{source}norm.b_2", (C,)),
            *dense(f"{target}/in", f"{source}proj", C, C),
        ]
        for ours, theirs, outs in parts:
            found += dense(f"{target}/{ours}_up", f"{source}{theirs}.linear1", inner, C)
            found += dense(
                f"{target}/{ours}_down", f"{source}{theirs}.linear2", outs, inner
            )
    # Numbers are places in an nn.Sequential; those between hold no parameters.
    network = "plddt_head.net_lddt."
    found += rules.norm("confidence/norm", f"{network}0", S)
    for name, number, outs in (
        ("first", 1, S),
        ("second", 3, S),
        ("out", 5, sizes.num_confidence_bins),
    ):
        found += dense(f"confidence/{name}", f"{network}{number}", outs, S)
    return found


def _refinement(source: sources.Source, sizes: config.FoldingConfig) -> Rules:
    W, message = sizes.refinement_width, refinements.MESSAGE
    inner, start = 2 * (2 * W + 1), "structure_module.refinenet."
    tokens = folding_inputs.NUM_RHOFOLD_TOKENS
    first = folding_inputs.FIRST_POSITION
    slots = rules.shape(source, f"{start}embed_positions.weight", 2)
    found = [
        _embed("refinement/token", f"{start}embed_tokens", tokens, W),
        rules.Rule(
            "refinement/slot",
            f"{start}embed_positions.weight",
            slots,
            # Slots of atoms are numbered like positions in fairseq, likewise.
            lambda values: values[first : first + atoms.SLOTS],
        ),
    ]
    for turn in range(4):
        for layer in range(sizes.refinement_layers):
            name = f"{start}refine_layer{turn}.layers.{layer}."
            target = f"refinement/turn_{turn}/layer_{layer}/"
            edge = f"{name}edge_mlp.0.weight"
            # One matrix for two concatenated nodes and a distance: here each part is a
            # layer, so that nodes are multiplied once and not once for every pair.
            found += [
                rules.Rule(f"{target}{part}/kernel", edge, (inner, 2 * W + 1), form)
                for part, form in (
                    ("edge_from", _columns(0, W)),
                    ("edge_to", _columns(W, 2 * W)),
                    ("edge_distance", _columns(2 * W, 2 * W + 1)),
                )
            ]
            found += [
                rules.Rule(
                    f"{target}edge_from/bias", f"{name}edge_mlp.0.bias", (inner,)
                ),
                *dense(f"{target}edge_out", f"{name}edge_mlp.2", message, inner),
                *dense(f"{target}node_in", f"{name}node_mlp.0", 2 * W, W + message),
                *dense(f"{target}node_out", f"{name}node_mlp.2", W, 2 * W),
                *dense(f"{target}place_in", f"{name}coors_mlp.0", 4 * message, message),
                *dense(f"{target}place_out", f"{name}coors_mlp.2", 1, 4 * message),
                # A number that is named a bias: it scales the steps of coordinates.
                rules.Rule(
                    f"{target}step",
                    f"{name}coors_norm.fn.bias",
                    (1,),
                    lambda values: values.reshape(()),
                ),
            ]
    return found


def _columns(start: int, end: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: values[:, start:end].T


def _embed(target: str, source: str, kinds: int, width: int) -> rules.Rule:
    return rules.Rule(f"{target}/embedding", f"{source}.weight", (kinds, width))
