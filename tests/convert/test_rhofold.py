"""RhoFold's weights give RhoFold's numbers, stage by stage.

tests/fixtures/rhofold_tiny.npz: outputs of ml4bio/RhoFold at commit 6bdfbda, made
small, with random weights (in it, under w/), run once without its language model, in
two cycles, on one sequence (K1) and on three (K3).
"""

import dataclasses
import pathlib

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax.convert import rhofold, rhofold_rules, rules, sources
from ssrlm_jax.models import folding_inputs, folding_network, trunk
from ssrlm_jax.rna import atoms

GOLDEN = pathlib.Path(__file__).parents[1] / "fixtures" / "rhofold_tiny.npz"
RTOL = 3e-6  # of the largest value: float32, two blocks and 23 atoms along a chain


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def source(golden):
    weights = {k.removeprefix("w/"): v for k, v in golden.items() if k[:2] == "w/"}
    shapes = {name: values.shape for name, values in weights.items()}
    return sources.Source(GOLDEN, shapes, {}, {}, weights.__getitem__)


@pytest.fixture(scope="module")
def model(source):
    """Returns the network, its tables and its parameters."""
    sizes = dataclasses.replace(rhofold.folding(source), num_structure_layers=3)
    params = {}
    for rule in rhofold_rules.of(source, sizes):
        numbers = range(sizes.num_blocks) if rule.is_layered else [None]
        names = [rule.source.format(number) for number in numbers]
        parts = [rule.form(source.read(name)) for name in names]
        path = rule.target.removeprefix("folding/")
        params[path] = np.stack(parts) if rule.is_layered else parts[0]
    tables = dataclasses.asdict(atoms.geometry(sizes.geometry))
    folder, groups = folding_network.build(sizes, tables)
    return folder, groups, flax.traverse_util.unflatten_dict(params, sep="/")


@pytest.mark.parametrize("rows", ["K1", "K3"])
def test_two_cycles_are_rhofolds(rows, golden, model):
    folder, groups, params = model
    inputs = _inputs(golden, rows)
    state = folding_network.fresh(folder, inputs)
    run = jax.jit(folder.apply)
    for cycle in range(2):
        folded, state = run({"params": params}, inputs, state, groups)
        if cycle == 0:
            _check(state.z_BLMC, golden[f"{rows}/e2e_z"])
            _check(state.m_BLD, golden[f"{rows}/e2e_m"][:, 0])
        expected = {
            name: golden[f"{rows}/cycle{cycle}_{name}"]
            for name in ("frames", "unnormalized_angles", "angles", "single", "c1")
            + ("ss", "p", "c4_", "n", "plddt", "cords", "cmask")
        }
        structure = folded.structure
        _check(structure.frames.origin_3[0], expected["frames"][:, 0, :, 4:])
        _check(structure.raw_BLK2, expected["unnormalized_angles"][-1])
        _check(structure.torsion_BLK2, expected["angles"][-1])
        _check(structure.s_BLD, expected["single"][-1])
        _check(state.anchor_BL3, expected["c1"])
        _check(folded.pair_BLM, expected["ss"][:, 0])
        for number, name in enumerate(("p", "c4_", "n")):
            found_BNLM = jnp.moveaxis(folded.distance_B3LMN[:, number], -1, 1)
            _check(found_BNLM, expected[name])
        _check(folded.plddt(), expected["plddt"])
        _check_atoms(folded, groups, inputs, expected)


def test_atoms_before_the_refinement_are_rhofolds(golden, model):
    folder, groups, params = model
    inputs = _inputs(golden, "K1")
    plain = folder.clone(refinement=(0, 0))
    folded, _ = jax.jit(plain.apply)(
        {"params": params}, inputs, folding_network.fresh(plain, inputs), groups
    )
    expected = {
        "cords": golden["K1/cycle0_cords_prerefine"],
        "cmask": golden["K1/cycle0_cmask"],
    }
    _check_atoms(folded, groups, inputs, expected)


def test_norms_that_the_original_skips_would_be_noticed(golden, model):
    folder, _, params = model
    norms = [
        {
            ours: golden[f"w/e2eformer.blocks.{n}.msa_att_row.layer_norm_m.{theirs}"]
            for ours, theirs in (("scale", "weight"), ("bias", "bias"))
        }
        for n in range(2)
    ]
    blocks = dict(params["trunk"]["blocks"])
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *norms)
    blocks["rows"] = blocks["rows"] | {"norm": stacked}
    entered = golden["K1/msa_emb"], golden["K1/pair_emb"], np.ones((1, 18), bool)
    for has_row_norm, is_same in ((False, True), (True, False)):
        network = trunk.Trunk(
            **dict(folder.trunk), has_columns=True, has_row_norm=has_row_norm
        )
        found = network.apply({"params": {"blocks": blocks}}, *entered)[1]
        gap = np.abs(found - golden["K1/e2e_z"]).max()
        assert (gap < RTOL * np.abs(golden["K1/e2e_z"]).max()) == is_same


def test_every_tensor_has_a_rule_or_a_reason(source, model):
    folder, groups, params = model
    sizes = rhofold.folding(source)
    plan = rules.Plan(
        family="rhofold",
        architecture=rules.config.EncoderConfig(),
        rules=rhofold_rules.of(source, sizes),
        left_out=rhofold._LEFT_OUT,
        folding=sizes,
    )
    notes = rules.check(plan, source)
    assert sum(int(note.split()[0]) for note in notes) == 2 * 4 + 1 + 4 * 2
    fresh = jax.eval_shape(
        lambda: folding_network.init(folder, 5, groups, jax.random.key(0))
    )
    del fresh["inputs"]["joined"]  # the language model, which the fixture lacks
    found = flax.traverse_util.flatten_dict(params)
    expected = flax.traverse_util.flatten_dict(fresh)
    assert {k: v.shape for k, v in found.items()} == {
        k: v.shape for k, v in expected.items()
    }


def _inputs(golden, rows):
    token_BSL = golden[f"{rows}/tokens"]
    kind_BL = atoms.encode(str(golden["seq"]))[None]
    place_BL = np.arange(kind_BL.size)[None]
    is_BL = np.ones_like(kind_BL, bool)
    return folding_inputs.Inputs(None, kind_BL, place_BL, is_BL, token_BSL)


def _check_atoms(folded, groups, inputs, expected):
    order_LT = np.array(groups.order_VT)[inputs.kind_BL[0]]
    found_LT3 = np.take_along_axis(np.array(folded.xyz_BLT3)[0], order_LT[..., None], 1)
    is_LT = expected["cmask"] > 0
    _check(found_LT3[is_LT], expected["cords"].reshape(found_LT3.shape)[is_LT])


def _check(found, expected):
    atol = RTOL * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)
