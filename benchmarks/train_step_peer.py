"""The rival of benchmarks/train_step.py: the update of the same encoder in PyTorch."""

from collections.abc import Callable

import jax
import numpy as np
import torch
import transformers

from ssrlm_jax import config

SEED = 0


def memory() -> int | None:
    """Returns the most bytes that a GPU held; None without one."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def turn(
    sizes: config.EncoderConfig,
    dtype: str,
    batch: dict[str, np.ndarray],
    is_compiled: bool,
) -> Callable[[], float]:
    """Returns a function that makes one update in PyTorch."""
    torch.manual_seed(SEED)
    device = "cuda" if jax.default_backend() == "gpu" else "cpu"
    llama = transformers.LlamaModel(
        transformers.LlamaConfig(
            vocab_size=sizes.vocab_size,
            hidden_size=sizes.width,
            intermediate_size=sizes.ffn_width,
            num_hidden_layers=sizes.num_layers,
            num_attention_heads=sizes.num_heads,
            num_key_value_heads=sizes.num_kv_heads,
            rms_norm_eps=sizes.norm_epsilon,
            max_position_embeddings=batch["token"].shape[1],
            attn_implementation="sdpa",
            use_cache=False,
        )
    )
    head = torch.nn.Linear(sizes.width, sizes.vocab_size, bias=False)
    model = torch.nn.ModuleDict({"encoder": llama, "head": head}).to(device)
    adamw = torch.optim.AdamW(
        model.parameters(), 1e-4, (0.9, 0.98), weight_decay=0.01, fused=True
    )
    token_BL, target_BL, segment_BL = (
        torch.tensor(batch[name].astype(np.int64), device=device)
        for name in ("token", "target", "segment")
    )
    same_BLM = segment_BL[:, :, None] == segment_BL[:, None, :]
    first_BL = same_BLM.int().argmax(dim=2)  # of each position's record
    position_BL = torch.arange(token_BL.shape[1], device=device)[None] - first_BL

    def loss() -> torch.Tensor:
        x_BLD = llama(
            input_ids=token_BL,
            attention_mask=same_BLM[:, None],
            position_ids=position_BL,
            use_cache=False,
        ).last_hidden_state
        return torch.nn.functional.cross_entropy(
            head(x_BLD).float().flatten(0, 1), target_BL.flatten(), ignore_index=0
        )

    if is_compiled:
        loss = torch.compile(loss)

    def take() -> float:
        adamw.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16"):
            value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adamw.step()
        return float(value.detach())

    return take
