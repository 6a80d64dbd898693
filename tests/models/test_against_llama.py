"""The encoder against code no one here wrote: transformers' LlamaModel."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax.models import attention, encoders

REASON = "needs torch and transformers: pip install 'ssrlm-jax[dev]'"
LAYERS, WIDTH, HEADS, INNER, LETTERS = 2, 48, 4, 64, 9
LENGTHS = (11, 1, 8)  # of the records of a packed row of 24 positions


@pytest.fixture(scope="module")
def torch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("transformers", reason=REASON)
        return pytest.importorskip("torch", reason=REASON)


def _llama(torch, num_kv_heads: int):
    """Returns a LlamaModel in float32, its weights larger than usual, and a head."""
    import transformers

    torch.manual_seed(0)
    sizes = transformers.LlamaConfig(
        vocab_size=LETTERS,
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=num_kv_heads,
        rms_norm_eps=1e-5,
        initializer_range=0.2,
        attn_implementation="eager",
        use_cache=False,
    )
    model = transformers.LlamaModel(sizes)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    head = torch.nn.Linear(WIDTH, LETTERS, bias=False)
    return model, head


def _as_ours(torch, model, head, of):
    """Returns our tree of `of(parameter)` of every parameter of theirs."""

    def matrix(parameter, *shape: int) -> np.ndarray:
        return of(parameter).detach().numpy().T.reshape(shape)

    def stack(find, *shape: int) -> np.ndarray:
        return np.stack([matrix(find(layer).weight, *shape) for layer in model.layers])

    A = WIDTH // HEADS
    return {
        "embedding": of(model.embed_tokens.weight).detach().numpy(),
        "head": of(head.weight).detach().numpy(),
        "final_norm": {"scale": matrix(model.norm.weight, WIDTH)},
        "blocks": {
            "attention_norm": {"scale": stack(lambda x: x.input_layernorm, WIDTH)},
            "ffn_norm": {"scale": stack(lambda x: x.post_attention_layernorm, WIDTH)},
            "attention": {
                "query": stack(lambda x: x.self_attn.q_proj, WIDTH, -1, A),
                "key": stack(lambda x: x.self_attn.k_proj, WIDTH, -1, A),
                "value": stack(lambda x: x.self_attn.v_proj, WIDTH, -1, A),
                "out": stack(lambda x: x.self_attn.o_proj, -1, A, WIDTH),
            },
            "ffn": {
                "gate": stack(lambda x: x.mlp.gate_proj, WIDTH, INNER),
                "up": stack(lambda x: x.mlp.up_proj, WIDTH, INNER),
                "down": stack(lambda x: x.mlp.down_proj, INNER, WIDTH),
            },
        },
    }


@pytest.mark.filterwarnings("ignore")  # of torch and transformers, not ours
@pytest.mark.parametrize(
    ("num_kv_heads", "is_packed", "backend"),
    [(1, False, "plain"), (4, False, "plain"), (4, True, "plain"), (2, True, "blocks")],
)
def test_logits_and_gradients_are_llamas(torch, backend, num_kv_heads, is_packed):
    rng = np.random.default_rng(0)
    lengths = LENGTHS if is_packed else (sum(LENGTHS),)
    segment_BL = np.repeat(np.arange(1, len(lengths) + 1), lengths)[None].repeat(2, 0)
    position_BL = np.concatenate([np.arange(n) for n in lengths])[None].repeat(2, 0)
    token_BL = rng.integers(0, LETTERS, segment_BL.shape)
    weight_BLV = rng.normal(size=(*token_BL.shape, LETTERS)).astype(np.float32)

    model, head = _llama(torch, num_kv_heads)
    same_BLM = torch.tensor(segment_BL[:, :, None] == segment_BL[:, None, :])
    zero = torch.zeros(())
    hidden = model(
        input_ids=torch.tensor(token_BL),
        position_ids=torch.tensor(position_BL),
        # What is added to scores: nothing within a record, in both directions.
        attention_mask=torch.where(same_BLM, zero, torch.tensor(-1e30))[:, None],
        use_cache=False,
    ).last_hidden_state
    theirs = head(hidden)
    (torch.tensor(weight_BLV) * theirs).sum().backward()

    ours = encoders.Encoder(
        num_layers=LAYERS,
        width=WIDTH,
        num_heads=HEADS,
        num_kv_heads=num_kv_heads,
        ffn_width=INNER,
        vocab_size=LETTERS,
        is_head_tied=False,
        rope_base=10_000.0,
        norm_epsilon=1e-5,
        attend=attention.build(backend),
    )

    @jax.jit
    def loss(parameters):
        logits_BLV = ours.apply({"params": parameters}, token_BL, segment_BL)
        return jnp.sum(weight_BLV * logits_BLV), logits_BLV

    parameters = _as_ours(torch, model, head, lambda parameter: parameter)
    gradients, logits_BLV = jax.grad(loss, has_aux=True)(parameters)

    # Float32 rounding: errors are some 1e-6 of the largest value.
    np.testing.assert_allclose(
        logits_BLV, theirs.detach().numpy(), rtol=1e-4, atol=2e-5
    )
    expected = _as_ours(torch, model, head, lambda parameter: parameter.grad)
    for (path, found), theirs_too in zip(
        jax.tree_util.tree_leaves_with_path(gradients),
        jax.tree.leaves(expected),
        strict=True,
    ):
        size = np.abs(theirs_too).max()
        np.testing.assert_allclose(
            found, theirs_too, rtol=1e-3, atol=1e-5 * size, err_msg=str(path)
        )
