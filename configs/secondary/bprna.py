r"""Base pairs of bpRNA-1m: TR0 trains, VL0 validates, TS0 is scored once.

    ssrlm finetune --config=secondary/bprna \
        --config.model=models/650m --config.data.train=bprna_TR0.tsv.gz \
        --config.data.validation=bprna_VL0.tsv.gz --workdir=runs/bprna

The paper's recipe (appendix A.1.3): 100 epochs, batch 2, 1e-4, cosine with 10 epochs
of warm-up, AdamW with a decay of 0.01, the encoder trained along.
Variants: `:head=rnafm` (rinalmo, rnafm). `--config.encoder_rate=0` freezes the encoder.
Expected score: not measured yet at full size; docs/secondary.md has a small model's.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    return config.with_head(config.editable(config.FinetuneConfig()), variant)
