"""Choices of the encoder that published models make; sizes are left to the test."""

PUBLISHED = {
    "rinalmo": {
        "norm": "layer",
        "residual_order": "normed",
        "feed_forward": "swiglu_beta",
        "biases": "ffn",
        "letter_head": "dense",
        "token_dropout": 0.12,
    },
    "rnafm": {
        "is_head_tied": True,
        "norm": "layer",
        "positions": "learned",
        "max_positions": 40,
        "feed_forward": "gelu",
        "biases": "all",
        "letter_head": "dense",
        "has_embedding_norm": True,
    },
    "ernierna": {
        "is_head_tied": True,
        "norm": "layer",
        "residual_order": "post",
        "positions": "sinusoidal",
        "feed_forward": "gelu",
        "biases": "all",
        "letter_head": "dense",
        "has_embedding_norm": True,
        "has_pair_bias": True,
    },
    "aidorna": {
        "is_head_tied": True,
        "norm": "layer",
        "biases": "all",
        "letter_head": "dense",
    },
}
