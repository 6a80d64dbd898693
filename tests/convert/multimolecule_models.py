"""Small models of MultiMolecule (AGPL, a tool of tests) with random weights."""

import contextlib
import io
import warnings

import pytest

torch = pytest.importorskip("torch", reason="PyTorch computes the reference")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    multimolecule = pytest.importorskip(
        "multimolecule", reason="MultiMolecule computes the reference"
    )

SIZES = {
    "rinalmo": {"hidden_size": 80, "num_attention_heads": 20, "intermediate_size": 320},
    "rnafm": {"hidden_size": 80, "num_attention_heads": 20, "intermediate_size": 160},
    "ernierna": {"hidden_size": 48, "num_attention_heads": 12, "intermediate_size": 96},
}
PREFIX = {"rinalmo": "RiNALMo", "rnafm": "RnaFm", "ernierna": "ErnieRna"}
NUM_LAYERS = 3


def make(family, kind="ForMaskedLM", noise=0.2, **sizes):
    """Returns a model for use, every parameter and statistic of it random."""
    prefix = PREFIX[family]
    settings = {"num_hidden_layers": NUM_LAYERS} | SIZES[family] | sizes
    config = getattr(multimolecule, f"{prefix}Config")(**settings)
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = getattr(multimolecule, f"{prefix}{kind}")(config).eval()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            # Maps of a deep network of pairs would grow beyond all bounds.
            scale = 0.02 if name.startswith("ss_head.convnet") else noise
            tensor.add_(scale * torch.randn_like(tensor))
        for name, tensor in model.named_buffers():
            if "running_" in name:
                tensor.add_(0.2 * torch.randn_like(tensor).abs())
    return model


def save(model, directory):
    """Writes a model as its users download it."""
    with contextlib.redirect_stderr(io.StringIO()):
        model.save_pretrained(directory)


def run(model, sequences, **options):
    """Returns what a model makes of a padded batch; letters as it has them."""
    tokenizer = multimolecule.RnaTokenizer()
    found = tokenizer(sequences, return_tensors="pt", padding=True)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model(
            input_ids=found["input_ids"],
            attention_mask=found["attention_mask"],
            **options,
        )


def letters(names):
    """Returns the ids of letters."""
    return multimolecule.RnaTokenizer().convert_tokens_to_ids(list(names))
