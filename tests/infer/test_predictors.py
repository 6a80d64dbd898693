import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_models

import ssrlm_jax
from ssrlm_jax import config, model_dir
from ssrlm_jax.infer import (
    decoding_rules,
    predictors,
    row_model,
    sequence_rows,
)
from ssrlm_jax.metrics import threshold_choice
from ssrlm_jax.models import attention, encoders, heads, layerwise
from ssrlm_jax.rna import alphabet, batches, probabilities

SIZES = config.EncoderConfig(
    num_layers=3, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
HEAD = config.HeadConfig(channels=4)
RNA = ["GGGAAACCC", "A", "acgtnacgu" * 4, "GC" * 30, "GGGAAACCC", "AUGC" * 20]


@pytest.fixture(scope="module")
def model():
    """Returns a description and parameters of a tiny model with a head."""
    return small_models.made(SIZES, HEAD)


@pytest.fixture(scope="module")
def predictor(model):
    return predictors.Predictor(*model)


def matrices(predictor, sequences):
    return [
        probabilities.to_matrix(listed, len(sequence))
        for sequence, listed in predictor.pair_probabilities(sequences)
    ]


def test_results_come_in_the_order_given_and_fit_their_sequences(predictor):
    found = predictor.fold(RNA)
    assert [one.sequence for one in found] == RNA
    assert [one.structure.length for one in found] == [len(one) for one in RNA]
    np.testing.assert_array_equal(found[0].structure.pairs, found[4].structure.pairs)
    for one in found:
        assert (one.probabilities.probability >= probabilities.LEAST).all()
        i, j = one.structure.pairs.T
        matrix_LL = probabilities.to_matrix(one.probabilities, one.structure.length)
        assert (matrix_LL[i, j] > 0.4).all()


@pytest.mark.parametrize(
    ("name", "told"), [("fold", "folding"), ("embed", "embedding")]
)
def test_a_bar_is_shown_where_it_is_asked_for(
    predictor, name, told, monkeypatch, capsys
):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # as on a terminal
    call = getattr(predictor, name)
    plain = call(["GGGAAACCC", "ACGU"])
    assert capsys.readouterr().err == ""
    shown = call(["GGGAAACCC", "ACGU"], with_progress=True)
    assert told in capsys.readouterr().err
    assert len(shown) == len(plain) == 2


def test_a_batch_gives_what_its_sequences_give_one_by_one(predictor):
    together = matrices(predictor, RNA)
    for sequence, matrix_LL in zip(RNA, together, strict=True):
        (alone_LL,) = matrices(predictor, [sequence])
        np.testing.assert_allclose(matrix_LL, alone_LL, atol=1e-5)


def test_probabilities_are_those_of_the_plain_forward_pass(model, predictor):
    description, params = model
    body = encoders.Encoder(**dataclasses.asdict(SIZES), attend=attention.plain)
    head = heads.build(HEAD, "float32")
    sequence = RNA[2]
    token_BL, segment_BL, _ = batches.pad([sequence], len(sequence))
    x_BLD = body.apply(
        {"params": params["encoder"]}, token_BL, segment_BL, method="hidden"
    )[:, 1:-1]
    is_BL = jnp.ones(x_BLD.shape[:2], bool)
    logits_BLM = head.apply({"params": params["pair_head"]}, x_BLD, is_BL)
    expected_LL = np.array(jax.nn.sigmoid(logits_BLM)[0])
    expected_LL[expected_LL < probabilities.LEAST] = 0
    np.fill_diagonal(expected_LL, 0)
    (found_LL,) = matrices(predictor, [sequence])
    np.testing.assert_allclose(found_LL, expected_LL, atol=1e-5)


def test_long_rna_in_tiles_is_equal_to_the_whole(model, predictor, monkeypatch):
    tiled = predictors.Predictor(*model, tile=24)
    in_tiles = []
    whole = tiled._rows._pairs_of_long
    monkeypatch.setattr(
        tiled._rows,
        "_pairs_of_long",
        lambda held, row: in_tiles.extend(row.sequences) or whole(held, row),
    )
    for found_LL, expected_LL in zip(
        matrices(tiled, RNA), matrices(predictor, RNA), strict=True
    ):
        np.testing.assert_allclose(found_LL, expected_LL, atol=1e-5)
    assert sorted(in_tiles) == sorted(one for one in RNA if len(one) > 24)
    assert len(in_tiles) > 1


def test_tiles_begin_where_a_map_is_too_large_for_one_piece(model, monkeypatch):
    channels = model[0].head.channels
    monkeypatch.setattr(row_model, "TILE", 12)
    monkeypatch.setattr(row_model, "MOST_AT_ONCE", channels * 24**2)
    made = predictors.Predictor(*model)
    in_tiles = []
    whole = made._rows._pairs_of_long
    monkeypatch.setattr(
        made._rows,
        "_pairs_of_long",
        lambda held, row: in_tiles.extend(row.sequences) or whole(held, row),
    )
    lengths = [12, 13, 24, 25]
    list(made.pair_probabilities([("ACGU" * 7)[:length] for length in lengths]))
    assert list(map(len, in_tiles)) == [25]


def test_few_shapes_are_compiled():
    ladder = batches.lengths(row_model.TILE)
    assert len(ladder) <= 40
    sizes = [max(1, sequence_rows.PAIRS // n**2).bit_length() for n in ladder]
    assert max(sizes) <= 13


@pytest.mark.parametrize("longest", [None, 30_000])
def test_long_rna_is_padded_to_few_lengths(longest):
    limits = sequence_rows.Limits(sequence_rows.ROW, row_model.TILE, longest)
    lengths = range(row_model.TILE + 1, 30_001, 7)
    padded = []
    for length in lengths:
        (row,) = sequence_rows.make([(1, "A" * length)], limits)
        padded.append(row.length - 2)
    assert len(set(padded)) <= 32
    more = np.array(padded) / np.array(lengths)
    assert 1.0 <= more.min() <= more.max() <= batches.RATIO
    assert more.mean() < 1.06
    assert longest is None or max(padded) <= longest


def test_long_rna_of_another_length_is_not_compiled_again(model, caplog):
    predictor = predictors.Predictor(*model, tile=24)
    with jax.log_compiles(), caplog.at_level("WARNING", "jax"):
        predictor.fold(["A" * 65])
        predictor.embed(["A" * 650])
        assert "Finished XLA compilation" in caplog.text
        caplog.clear()
        predictor.fold(["A" * length for length in range(66, 73)])
        predictor.embed(["A" * length for length in (640, 700)])
        assert "Finished XLA compilation" not in caplog.text


def test_results_come_while_sequences_are_still_read(model):
    predictor = predictors.Predictor(*model)
    read = []

    def sequences():
        for number in range(600):
            read.append(number)
            yield "ACGU"

    next(iter(predictor.predict(sequences())))
    assert len(read) == row_model.WINDOWS[0]


def test_long_sequences_do_not_wait_for_others(model, monkeypatch):
    monkeypatch.setattr(sequence_rows, "WINDOW_PAIRS", 30**2)
    read = []

    def sequences():
        for length in (4, 4, 40, 4, 40):
            read.append(length)
            yield "A" * length

    found = iter(predictors.Predictor(*model).predict(sequences()))
    assert len(next(found).sequence) == 4
    assert read == [4, 4, 40]
    assert [len(one.sequence) for one in found] == [4, 40, 4, 40]


def test_settings_of_decoding_are_obeyed(model):
    description, params = model
    strict = config.DecodingConfig(threshold=0.999)
    found = predictors.Predictor(description, params, strict).fold(["GGGAAACCC"])
    assert not len(found[0].structure.pairs)
    every = config.DecodingConfig(threshold=0.01, method="threshold")
    found = predictors.Predictor(description, params, every).fold(["GGGAAACCC"])
    listed = found[0].probabilities.probability
    assert len(found[0].structure.pairs) == (listed > 0.01).sum() > 4


@pytest.mark.parametrize("pool", predictors.POOLS)
def test_embeddings_are_hidden_states_of_nucleotides(model, predictor, pool):
    _, params = model
    body = encoders.Encoder(**dataclasses.asdict(SIZES), attend=attention.plain)
    for sequence, found in zip(RNA, predictor.embed(RNA, pool=pool), strict=True):
        token_BL, segment_BL, _ = batches.pad([sequence], len(sequence))
        x_LD = body.apply(
            {"params": params["encoder"]}, token_BL, segment_BL, method="hidden"
        )[0]
        letters_LD = x_LD[1:-1]
        expected = {"mean": letters_LD.mean(0), "cls": x_LD[0], "none": letters_LD}
        np.testing.assert_allclose(found, expected[pool], atol=1e-4)


def test_layers_run_from_the_embedding_to_the_last(model, predictor):
    _, params = model
    (first,) = predictor.embed(["GA"], layer=0, pool="none")
    rows = params["encoder"]["embedding"][[alphabet.G, alphabet.A]]
    np.testing.assert_allclose(first, rows, atol=1e-6)
    (last,) = predictor.embed(["GA"], layer=3, pool="none")
    (normed,) = predictor.embed(["GA"], layer=-1, pool="none")
    size = np.sqrt(np.square(last).mean(1, keepdims=True) + SIZES.norm_epsilon)
    np.testing.assert_allclose(last / size, normed, atol=1e-4)
    (middle,) = predictor.embed(["GA"], layer=2, pool="none")
    assert np.abs(middle - last).max() > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.fold(["ACGU", ""]), "sequence 2 is empty"),
        (lambda p: p.fold(["AC-U"]), "sequence 1: position 3: '-'"),
        (lambda p: p.fold(["A", "hello"]), "sequence 2: 5 of 5 letters are not A C G"),
        (lambda p: p.embed(["A&U"]), "sequence 1: two strands found, one is accepted"),
        (lambda p: p.fold(["A&U&A"]), "sequence 1: 3 strands, 2 are accepted"),
        (lambda p: p.fold(["A&"]), "sequence 1: a strand without letters"),
        (lambda p: p.embed(["A"], layer=4), r"layer 4 does not lie in -1\.\.3"),
        (lambda p: p.embed(["A"], pool="max"), "'max' is not one of"),
    ],
)
def test_what_cannot_be_used_is_an_error(predictor, call, message):
    with pytest.raises(ValueError, match=message):
        call(predictor)


@pytest.mark.parametrize("part", ["encoder", "pair_head"])
@pytest.mark.parametrize("tile", [24, row_model.TILE])
def test_weights_that_are_nan_give_no_structure(model, part, tile):
    description, params = model
    damaged = params | {part: jax.tree.map(lambda leaf: leaf * np.nan, params[part])}
    predictor = predictors.Predictor(description, damaged, tile=tile)
    with pytest.raises(ValueError, match="weights are damaged, .* again$"):
        predictor.fold(["GGGAAACCC" * 4])


@pytest.mark.parametrize("pool", predictors.POOLS)
def test_weights_that_are_nan_give_no_embedding(model, pool):
    description, params = model
    damaged = jax.tree.map(lambda leaf: leaf * np.nan, params)
    predictor = predictors.Predictor(description, damaged, dtype="bfloat16")
    with pytest.raises(ValueError, match="not finite: .* or try --dtype float32"):
        predictor.embed(["GGGAAACCC"], pool=pool)


@pytest.mark.parametrize("call", ["fold", "embed"])
def test_one_sequence_is_not_a_list_of_them(predictor, call):
    with pytest.raises(TypeError, match="'GGGAAACCC' is one sequence; a list is exp"):
        getattr(predictor, call)("GGGAAACCC")


def test_base_triples_are_given_a_threshold_by_hand(model):
    description, params = model
    several = config.DecodingConfig(max_pairs_per_base=2)
    note = predictors.Predictor(description, params, several).threshold_note
    assert "that of --method greedy: give one; `ssrlm thresholds` chooses for" in note


def test_nothing_in_nothing_out(predictor):
    assert predictor.fold([]) == []
    assert predictor.embed([]) == []


def test_a_model_without_a_head_or_threshold_says_so(model):
    description, params = model
    plain = dataclasses.replace(description, head=None, threshold=None)
    predictor = predictors.Predictor(plain, params["encoder"])
    for call in (
        predictor.fold,
        lambda given: list(predictor.pair_probabilities(given)),
    ):
        with pytest.raises(ValueError, match="no head that predicts pairs"):
            call(["ACGU"])
    unsure = dataclasses.replace(description, threshold=None)
    with pytest.raises(ValueError, match="no threshold"):
        predictors.Predictor(unsure, params).fold(["ACGU"])
    assert predictor.embed(["ACGU"])[0].shape == (16,)


def test_a_saved_model_is_loaded_by_the_package(model, predictor, tmp_path):
    model_dir.save(tmp_path / "m", *model)
    loaded = ssrlm_jax.load(tmp_path / "m")
    assert loaded.trained_length == 50
    assert loaded.threshold == 0.4
    for one, other in zip(loaded.fold(RNA), predictor.fold(RNA), strict=True):
        np.testing.assert_array_equal(one.structure.pairs, other.structure.pairs)


def test_a_rule_has_the_threshold_that_was_chosen_for_it(model, tmp_path):
    model_dir.save(tmp_path / "m", *model)
    nested = config.DecodingConfig(method="nested")
    without = ssrlm_jax.load(tmp_path / "m", nested)
    assert without.threshold == 0.4
    assert "no threshold was chosen for --method nested;" in (without.threshold_note)
    assert not ssrlm_jax.load(tmp_path / "m").threshold_note
    chosen = dataclasses.replace(nested, threshold=0.07)
    choice = threshold_choice.Choice(0.07, 1.0, 1.0, 1.0)
    decoding_rules.save(tmp_path / "m", [(chosen, choice)], {})
    found = ssrlm_jax.load(tmp_path / "m", nested)
    assert (found.threshold, found.threshold_note) == (0.07, "")
    asked = dataclasses.replace(nested, threshold=0.2)
    assert ssrlm_jax.load(tmp_path / "m", asked).threshold == 0.2
    for other in ({"is_canonical_only": True}, {"method": "matching"}):
        rule = dataclasses.replace(nested, **other)
        assert ssrlm_jax.load(tmp_path / "m", rule).threshold == 0.4
    (tmp_path / "m" / decoding_rules.FILE).write_text("{")
    loaded = ssrlm_jax.load(tmp_path / "m")  # embeds, whatever the thresholds
    assert loaded.embed(["ACGU"])[0].shape == (16,)
    with pytest.raises(ValueError, match=r"decodings\.json: not thresholds"):
        loaded.fold(["ACGU"])


def test_bfloat16_halves_matrices_and_rounds_results(model, predictor, tmp_path):
    model_dir.save(tmp_path / "m", *model)
    rounded = ssrlm_jax.load(tmp_path / "m", dtype="bfloat16")
    held = {leaf.dtype.name for leaf in jax.tree.leaves(rounded._rows.encoder_params)}
    assert held == {"bfloat16", "float32"}
    query = rounded._rows.encoder_params.layers[0]["attention"]["query"]
    assert query.dtype == jnp.bfloat16
    for found, exact in zip(rounded.embed(RNA), predictor.embed(RNA), strict=True):
        assert found.dtype == np.float32
        # Three layers of sums of products with 8 bits.
        np.testing.assert_allclose(found, exact, atol=0.05)
        assert (found != exact).any()
    long = [one for one in RNA if len(one) > 1]
    for found_LL, exact_LL in zip(
        matrices(rounded, long), matrices(predictor, long), strict=True
    ):
        # Norms over a small map of random weights make more of single values.
        assert 0.0 < np.abs(found_LL - exact_LL).mean() < 0.03


def test_sequences_come_in_a_list_or_by_name(predictor):
    by_name = {"a": "GGGGAAAACCCC", "c": "ACGU"}  # names that could be letters
    letters = list(by_name.values())
    for found, wanted in zip(
        predictor.embed(by_name), predictor.embed(letters), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    assert [one for one, _ in predictor.pair_probabilities(by_name)] == letters
    assert [one.sequence for one in predictor.predict(by_name)] == letters
    for wrong in (None, float("nan"), b"ACGU"):
        for run in (predictor.fold, predictor.embed):
            with pytest.raises(TypeError, match="sequence 2 is .*; a str is expected"):
                run(["ACGU", wrong])


def test_another_dtype_is_an_error_at_once(model, tmp_path):
    for make in (
        lambda: predictors.Predictor(*model, dtype="float16"),
        lambda: ssrlm_jax.load(tmp_path / "nothing", dtype="float16"),
    ):
        with pytest.raises(ValueError, match="dtype='float16' is not one of"):
            make()


def test_a_model_that_is_loaded_again_is_not_compiled_again(model):
    first, second = predictors.Predictor(*model), predictors.Predictor(*model)
    first.fold(["GGGGAAACCCCA"])
    num_compiled = layerwise._layer._cache_size()
    second.fold(["GGGGAAACCCCA"])
    assert layerwise._layer._cache_size() == num_compiled


def test_weights_of_another_model_are_named(model):
    description, params = model
    other = dataclasses.replace(description, head=config.HeadConfig(channels=5))
    with pytest.raises(ValueError, match=r"pair_head/\S+ is \(4,\), \(5,\) expected"):
        predictors.Predictor(other, params)
    lacking = {"encoder": params["encoder"], "pair_head": {}}
    with pytest.raises(ValueError, match="is absent"):
        predictors.Predictor(description, lacking)
