"""Heads for pairs, under the names that a family gives their tensors."""

import re

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.convert import rules, sources

Rules = list[rules.Rule]


def bottlenecks(
    source: sources.Source,
    *,
    first: str,
    blocks: str,
    convolutions: tuple[str, str, str],
    last: str,
    width: int,
) -> tuple[config.HeadConfig | None, Rules]:
    """Returns RiNALMo's head: its sizes and rules; None and none if it is not there.

    Args:
      source: the checkpoint.
      first: name of the linear layer of pairs.
      blocks: start of a block's names; `{}` is its number.
      convolutions: names of a block's three convolutions.
      last: name of the last convolution.
      width: of the encoder.
    """
    if f"{last}.weight" not in source.shapes:
        return None, []
    channels = rules.shape(source, f"{first}.weight", 2)[0]
    head = config.HeadConfig(
        kind="rinalmo", num_blocks=_num_blocks(source, blocks), channels=channels
    )
    found = _pairs(first, channels, width, ())
    for block in range(head.num_blocks):
        for number, (name, size) in enumerate(
            zip(convolutions, (1, 3, 1), strict=True)
        ):
            found.append(
                rules.Rule(
                    f"pair_head/network/block_{block}_conv_{number}/kernel",
                    f"{blocks.format(block)}{name}.weight",
                    (channels, channels, size, size),
                    rules.kernel,
                )
            )
    return head, [*found, *_last(last, channels)]


def dilated(
    source: sources.Source, *, reduction: str, first: str, blocks: str, last: str
) -> tuple[config.HeadConfig | None, Rules]:
    """Returns RNA-FM's head; names and results as of `bottlenecks`."""
    if f"{last}.weight" not in source.shapes:
        return None, []
    projection, width = rules.shape(source, f"{reduction}.weight", 2)
    channels = rules.shape(source, f"{first}.weight", 4)[0]
    head = config.HeadConfig(
        kind="rnafm",
        num_blocks=_num_blocks(source, blocks),
        channels=channels,
        projection=projection,
        norm="batch",
    )
    found = [
        *rules.dense("pair_head/projected", reduction, (projection, width)),
        *_pairs(first, channels, projection, (1, 1)),
        *residual_blocks(blocks, "bn1", channels, head.num_blocks),
    ]
    return head, [*found, *_last(last, channels)]


def scores(
    source: sources.Source, *, start: tuple[str, str], blocks: str, norm: str, last: str
) -> tuple[config.HeadConfig | None, Rules]:
    """Returns ERNIE-RNA's head on scores; names and results as of `bottlenecks`."""
    if f"{last}.weight" not in source.shapes:
        return None, []
    inner = rules.shape(source, f"{start[0]}.weight", 4)[0]
    channels = rules.shape(source, f"{start[1]}.weight", 4)[0] + 1
    head = config.HeadConfig(
        kind="ernierna",
        num_blocks=_num_blocks(source, blocks),
        channels=channels,
        norm="batch",
    )
    found: Rules = []
    for number, (name, outs, ins) in enumerate(
        zip(start, (inner, channels - 1), (1, inner), strict=True)
    ):
        target = f"pair_head/start_{number}"
        found += [
            rules.Rule(
                f"{target}/kernel", f"{name}.weight", (outs, ins, 7, 7), rules.kernel
            ),
            rules.Rule(f"{target}/bias", f"{name}.bias", (outs,)),
        ]
    found += residual_blocks(blocks, norm, channels, head.num_blocks)
    return head, [*found, *_last(last, channels)]


def residual_blocks(blocks: str, norm: str, channels: int, number: int) -> Rules:
    """Returns rules for blocks of a batch norm and two 3x3 convolutions."""
    found: Rules = []
    for block in range(number):
        ours, theirs = f"pair_head/network/block_{block}", blocks.format(block)
        for name, other in (
            ("scale", "weight"),
            ("bias", "bias"),
            ("mean", "running_mean"),
            ("variance", "running_var"),
        ):
            source = f"{theirs}{norm}.{other}"
            found.append(rules.Rule(f"{ours}/norm_{name}", source, (channels,)))
        for index in (0, 1):
            found.append(
                rules.Rule(
                    f"{ours}/conv_{index}/kernel",
                    f"{theirs}conv{index + 1}.weight",
                    (channels, channels, 3, 3),
                    rules.kernel,
                )
            )
    return found


def _pairs(first: str, channels: int, width: int, more: tuple[int, ...]) -> Rules:
    """Returns rules for the linear layer of two concatenated vectors, in two parts."""
    shape = (channels, 2 * width, *more)

    def half(number: int) -> rules.Form:
        def form(values: np.ndarray) -> np.ndarray:
            matrix = values.reshape(channels, 2 * width)
            return matrix[:, number * width : (number + 1) * width].T

        return form

    return [
        rules.Rule("pair_head/first/kernel", f"{first}.weight", shape, half(0)),
        rules.Rule("pair_head/first/bias", f"{first}.bias", (channels,)),
        rules.Rule("pair_head/second/kernel", f"{first}.weight", shape, half(1)),
    ]


def _last(name: str, channels: int) -> Rules:
    target = "pair_head/network/logits"
    shape = (1, channels, 3, 3)
    return [
        rules.Rule(f"{target}/kernel", f"{name}.weight", shape, rules.kernel),
        rules.Rule(f"{target}/bias", f"{name}.bias", (1,)),
    ]


def _num_blocks(source: sources.Source, blocks: str) -> int:
    start, end = (re.escape(part) for part in blocks.split("{}"))
    return rules.num_layers(source, rf"{start}(\d+){end}")
