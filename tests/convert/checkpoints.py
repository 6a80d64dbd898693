"""State dicts as their authors write them, from MultiMolecule's random models."""

import re

import pytest

torch = pytest.importorskip("torch", reason="PyTorch writes the files that are read")

# Patterns of MultiMolecule's names -> own names; the first that fits decides, and
# names without one are not in own files.
RINALMO = (
    (r"model\.embeddings\.word_embeddings", "embedding"),
    (r"model\.encoder\.layer_norm", "transformer.final_layer_norm"),
    (r"(.*)attention\.layer_norm", r"\1attn_layer_norm"),
    (r"(.*)attention\.self\.(\w+)", r"\1mh_attn.\2"),
    (r"(.*)attention\.output\.dense", r"\1mh_attn.out_proj"),
    (r"(model.*)\.layer_norm", r"\1.out_layer_norm"),
    (r"(model.*)\.intermediate\.bias", r"\1.transition.0.beta"),
    (r"(model.*)\.intermediate\.(\w+)", r"\1.transition.0.\2"),
    (r"(model.*)\.output\.dense", r"\1.transition.2"),
    (r"lm_head\.transform\.dense", "lm_mask_head.linear1"),
    (r"lm_head\.transform\.layer_norm", "lm_mask_head.layer_norm"),
    (r"lm_head\.decoder", "lm_mask_head.linear2"),
    (r"ss_head\.projection", "pred_head.linear_in"),
    (
        r"ss_head\.convnet\.layers\.(\d+)\.conv1",
        r"pred_head.resnet.blocks.\1.conv_net.0",
    ),
    (
        r"ss_head\.convnet\.layers\.(\d+)\.conv2",
        r"pred_head.resnet.blocks.\1.conv_net.3",
    ),
    (
        r"ss_head\.convnet\.layers\.(\d+)\.conv3",
        r"pred_head.resnet.blocks.\1.conv_net.6",
    ),
    (r"ss_head\.prediction", "pred_head.conv_out"),
)
_LAYER = r"model\.encoder\.layer\.(\d+)\."
_FAIRSEQ = (
    (rf"{_LAYER}attention\.self\.(.)\w+", r"layers.\1.self_attn.\2_proj"),
    (rf"{_LAYER}attention\.output\.dense", r"layers.\1.self_attn.out_proj"),
    (rf"{_LAYER}attention\.(output\.)?layer_norm", r"layers.\1.self_attn_layer_norm"),
    (rf"{_LAYER}(output\.)?layer_norm", r"layers.\1.final_layer_norm"),
    (rf"{_LAYER}intermediate\.dense", r"layers.\1.fc1"),
    (rf"{_LAYER}output\.dense", r"layers.\1.fc2"),
    (r"model\.embeddings\.word_embeddings", "embed_tokens"),
)
_RNAFM_HEAD = "downstream_modules.pc-resnet_1_sym_first:r-ss."
RNAFM = (
    *_FAIRSEQ,
    (r"model\.embeddings\.position_embeddings", "embed_positions"),
    (r"model\.embeddings\.layer_norm", "emb_layer_norm_before"),
    (r"model\.encoder\.layer_norm", "emb_layer_norm_after"),
    (r"lm_head\.transform\.", "lm_head."),
    (r"lm_head\.decoder\.", "lm_head."),
    (r"ss_head\.reduction", f"{_RNAFM_HEAD}pre_reduction"),
    (r"ss_head\.projection", f"{_RNAFM_HEAD}proj.first.0"),
    (r"ss_head\.convnet\.layers\.", f"{_RNAFM_HEAD}proj.resnet."),
    (r"ss_head\.prediction", f"{_RNAFM_HEAD}proj.final"),
)
ERNIERNA = (
    (r"model\.pairwise_bias_proj\.dense", "twod_proj.linear"),
    (r"lm_head\.transform\.dense", "lm_head_transform_weight"),
    (r"lm_head\.transform\.layer_norm", "layer_norm"),
    (r"lm_head\.decoder\.bias", "lm_output_learned_bias"),
    (r"model\.pooler\.dense", "masked_lm_pooler"),
    (r"model\.embeddings\.layer_norm", "sentence_encoder.emb_layer_norm"),
    (
        r"model\.embeddings\.token_type_embeddings",
        "sentence_encoder.segment_embeddings",
    ),
    (r"ss_head\.convnet\.blocks\.(\d+)\.norm", r"proj.resnet.\1.bn1"),
    (r"ss_head\.convnet\.blocks\.", "proj.resnet."),
    (r"ss_head\.convnet\.projection", "proj.final"),
    (r"ss_head\.", ""),
    *((pattern, f"sentence_encoder.{name}") for pattern, name in _FAIRSEQ),
)
_NAMES = {"rinalmo": RINALMO, "rnafm": RNAFM, "ernierna": ERNIERNA}
# Letters by id as the authors' tokenizers have them, and as MultiMolecule's has them;
# written out here, so that a converter with another order fails.
_VOCABULARIES = {
    "rinalmo": "<cls> <pad> <eos> <unk> <mask> A C G T I R Y K M S W B D H V N -",
    "rnafm": "<cls> <pad> <eos> <unk> A C G U R Y K M S W B D H V N - "
    "<null_1> <null_2> <null_3> <null_4> <mask>",
    "ernierna": "<s> <pad> </s> <unk> G A U C N Y R S K W M D H V B X I "
    "madeupword0000 madeupword0001 madeupword0002 <mask>",
}
_MULTIMOLECULE = (
    "<pad> <cls> <eos> <unk> <mask> <null> A C G U N R Y S W K M B D H V I X | . * - ?"
)


def own(family, model, *, is_fused=True):
    """Returns the state dict of a model in its authors' names and letters.

    Args:
      family: of the model.
      model: of MultiMolecule.
      is_fused: rinalmo: query, key and value in one tensor, the published layout.
    """
    found = {}
    for name, tensor in model.state_dict().items():
        for pattern, new in _NAMES[family]:
            if re.match(pattern, name):
                tensor = _letters(family, name, tensor)
                found[re.sub(f"^{pattern}", new, name)] = tensor.clone()
                break
    if family == "rinalmo":
        found = {
            re.sub(r"model\.encoder\.layer", "transformer.blocks", name).replace(
                "transition.0.beta.", "transition.0.beta"
            ): tensor
            for name, tensor in found.items()
        }
        _attention(found, is_fused)
    return found


def _letters(family, name, tensor):
    """Returns a tensor of letters in the order of the family, others as they are."""
    if not re.match(r"model\.embeddings\.word|lm_head\.decoder", name):
        return tensor
    theirs = _MULTIMOLECULE.split()
    new = torch.zeros(len(_VOCABULARIES[family].split()), *tensor.shape[1:])
    for place, letter in enumerate(_VOCABULARIES[family].split()):
        same = {"<s>": "<cls>", "</s>": "<eos>", "T": "U"}.get(letter, letter)
        if same in theirs:
            new[place] = tensor[theirs.index(same)]
    return new


def _attention(found, is_fused):
    parts = ("query", "key", "value")
    for layer in {n.split(".")[2] for n in found if ".mh_attn.query" in n}:
        start = f"transformer.blocks.{layer}.mh_attn."
        q, k, v = (found.pop(f"{start}{part}.weight") for part in parts)
        if is_fused:
            found[f"{start}Wqkv.weight"] = torch.cat([q, k, v])
            continue
        plain = f"{start}mh_attn."
        found[f"{plain}out_proj.weight"] = found.pop(f"{start}out_proj.weight")
        found |= {
            f"{plain}to_{n}.weight": t for n, t in zip("qkv", (q, k, v), strict=True)
        }
        found[f"{plain}rotary_emb.inv_freq"] = torch.zeros(q.shape[0] // 40)
