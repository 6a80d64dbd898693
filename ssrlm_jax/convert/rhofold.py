"""RhoFold: its own file, RNA-FM inside.

Facts: ml4bio/RhoFold. Attention along rows and columns of an alignment has norms in
the file that the original never applies. The network that moves atoms norms a length
alone, so that the norm's weight never acts.
"""

import dataclasses

from ssrlm_jax import config
from ssrlm_jax.convert import rhofold_rules, rnafm, rules, sources
from ssrlm_jax.models import folding_inputs

NUM_STRUCTURE_LAYERS = 8  # they share weights: no tensor tells
NUM_CYCLES = 10
_LANGUAGE_MODEL = "msa_embedder.rna_fm."
_LEFT_OUT = {
    r"\.pos\.div_term$": "rates of waves, computed here",
    r"\.layer_norm_m\.": "norms that the original does not apply",
    r"\.coors_norm\.fn\.weight$": "weights of norms of single numbers, without effect",
}


def plan(source: sources.Source) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint holds, and the checkpoint itself.

    Raises:
      ValueError: it is none of RhoFold's.
    """
    language = rnafm.plan(_part(source))[0]
    sizes = folding(source)
    found = rules.Plan(
        family="rhofold",
        architecture=language.architecture,
        rules=[
            *(_inside(rule) for rule in language.rules),
            *rhofold_rules.of(source, sizes),
        ],
        left_out=_LEFT_OUT
        | {_pattern(name): why for name, why in language.left_out.items()},
        copies={
            _LANGUAGE_MODEL + copy: _LANGUAGE_MODEL + original
            for copy, original in language.copies.items()
        },
        folding=sizes,
        trained_length=language.trained_length,
    )
    return found, source


def folding(source: sources.Source) -> config.FoldingConfig:
    """Reads the sizes of the network after the language model.

    Raises:
      ValueError: tensors that tell them are missing.
    """

    def rows(name: str) -> int:
        return rules.shape(source, f"{name}.weight", 2)[0]

    first = "e2eformer.blocks.0."
    core = f"{first}core."
    single = rules.shape(source, "msa_embedder.msa_emb.embed_tokens.weight", 2)[1]
    positions = rows("msa_embedder.msa_emb.embed_positions")
    heads, pair_heads = (
        rows(f"{first}msa_att_row.linear_z"),
        rows(f"{core}tri_att_start.linear"),
    )
    ipa = "structure_module.ipa."
    points = rules.shape(source, f"{ipa}head_weights", 1)[0]
    queries = rows(f"{ipa}linear_q_points") // (3 * points)
    has_refinement = "structure_module.refinenet.embed_tokens.weight" in source.shapes
    return config.FoldingConfig(
        mode="rhofold",
        geometry="rhofold_v5",
        start="point",
        single_width=single,
        pair_width=rows("msa_embedder.pair_emb.pair_emb.projection"),
        structure_width=rows("e2eformer.linear"),
        num_blocks=rules.num_layers(source, r"e2eformer\.blocks\.(\d+)\."),
        num_heads=heads,
        head_size=rows(f"{first}msa_att_row.mha.linear_q") // heads,
        num_pair_heads=pair_heads,
        pair_head_size=rows(f"{core}tri_att_start.mha.linear_q") // pair_heads,
        outer_width=rows(f"{core}outer_product_mean.linear_1"),
        triangle_width=rows(f"{core}tri_mul_out.linear_a_p"),
        transition_factor=rows(f"{core}msa_transition.linear_1") // single,
        max_length=positions - folding_inputs.FIRST_POSITION,
        num_structure_layers=NUM_STRUCTURE_LAYERS,
        num_point_heads=points,
        point_head_size=rows(f"{ipa}linear_q") // points,
        num_query_points=queries,
        num_value_points=rows(f"{ipa}linear_kv_points") // (3 * points) - queries,
        torsion_width=rows("structure_module.angle_resnet.linear_in"),
        num_torsion_blocks=rules.num_layers(
            source, r"structure_module\.angle_resnet\.layers\.(\d+)\."
        ),
        num_distance_bins=rows("dist_head.resnet_dist_0.linear2"),
        num_confidence_bins=rows("plddt_head.net_lddt.5"),
        refinement_width=_width(source) if has_refinement else 0,
        refinement_layers=rules.num_layers(
            source, r"structure_module\.refinenet\.refine_layer0\.layers\.(\d+)\."
        )
        if has_refinement
        else 1,
        num_cycles=NUM_CYCLES,
        tolerance=0.0,  # the original runs all cycles
    )


def _width(source: sources.Source) -> int:
    name = "structure_module.refinenet.embed_tokens.weight"
    return rules.shape(source, name, 2)[1]


def _part(source: sources.Source) -> sources.Source:
    """Returns the language model alone, under its own names."""
    start = _LANGUAGE_MODEL
    inside = [name for name in source.shapes if name.startswith(start)]
    if not inside:
        raise ValueError(
            f"{source.path}: no tensor of RNA-FM ({start}...) is found; RhoFold's file "
            "holds it"
        )
    shapes = {name.removeprefix(start): source.shapes[name] for name in inside}
    return dataclasses.replace(
        source, shapes=shapes, reader=lambda name: source.reader(start + name)
    )


def _inside(rule: rules.Rule) -> rules.Rule:
    return dataclasses.replace(rule, source=_LANGUAGE_MODEL + rule.source)


def _pattern(pattern: str) -> str:
    """Returns a pattern of the language model's names for those of the file."""
    return pattern.replace("^", "^" + _LANGUAGE_MODEL.replace(".", r"\."))
