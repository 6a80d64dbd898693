"""Residual convolutional networks on maps of pairs, of the two published heads.

A map `z_BLMC` has a position pair (i, j) at [i, j]; `is_BLM` is true where both are
nucleotides. Whatever stands elsewhere changes nothing: norms do not read it, and it
is 0 in front of every convolution, as beyond the edge of the map. So a padded batch
gives what its examples give one by one, and so does a map that is cut into tiles.
"""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

EPSILON = 1e-5  # of both kinds of norm

# Gradients of kernels on a CPU: positions of a map whose windows stay in the cache, and
# the channels from which on that pays.
_POSITIONS_OF_A_PRODUCT = 1_536
_ROWS_FROM_CHANNELS = 48

# Mean 0 and variance 1 over a map, per example and channel.
Normalise = Callable[[jax.Array, jax.Array], jax.Array]
Moments = tuple[jax.Array, jax.Array, jax.Array]  # count_B, mean_BC, variance_BC

_CONV_INIT = nn.initializers.he_normal(in_axis=(0, 1, 2), out_axis=3)


def moments(z_BLMC: jax.Array, is_BLM: jax.Array) -> Moments:
    """Returns count, mean and variance over the true part of a map, in float32.

    Args:
      z_BLMC: a map.
      is_BLM: where it is. An example without any has mean 0 and variance 0.

    Returns:
      count_B, mean_BC, variance_BC (the biased one).
    """
    is_BLM1 = is_BLM[..., None]
    count_B = is_BLM.sum((1, 2), dtype=jnp.float32)
    # An example without positions, which fills a batch, has gradients of 0, not nan.
    share_B1 = 1.0 / jnp.maximum(count_B, 1.0)[:, None]
    z_BLMC = z_BLMC.astype(jnp.float32)
    mean_BC = jnp.where(is_BLM1, z_BLMC, 0.0).sum((1, 2)) * share_B1
    centred_BLMC = jnp.where(is_BLM1, z_BLMC - mean_BC[:, None, None], 0.0)
    return count_B, mean_BC, jnp.square(centred_BLMC).sum((1, 2)) * share_B1


def standardise(
    z_BLMC: jax.Array, mean_BC: jax.Array, variance_BC: jax.Array
) -> jax.Array:
    """Subtracts means and divides by deviations, in float32."""
    factor_BC = jax.lax.rsqrt(variance_BC + EPSILON)
    out_BLMC = (z_BLMC - mean_BC[:, None, None]) * factor_BC[:, None, None]
    return out_BLMC.astype(z_BLMC.dtype)


@jax.custom_vjp
def instance_norm(z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
    """Normalises each channel of each example over the true part of its map.

    Its gradient is written out: that of the sums above reads the map many times.

    Source: Ulyanov et al. 2016, arXiv:1607.08022; masked, which is ours.
    """
    _, mean_BC, variance_BC = moments(z_BLMC, is_BLM)
    return standardise(z_BLMC, mean_BC, variance_BC)


_Saved = tuple[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array]


def _instance_norm_forward(
    z_BLMC: jax.Array, is_BLM: jax.Array
) -> tuple[jax.Array, _Saved]:
    count_B, mean_BC, variance_BC = moments(z_BLMC, is_BLM)
    out_BLMC = standardise(z_BLMC, mean_BC, variance_BC)
    return out_BLMC, (z_BLMC, is_BLM, count_B, mean_BC, variance_BC)


def _instance_norm_backward(saved: _Saved, g_BLMC: jax.Array) -> tuple[jax.Array, None]:
    z_BLMC, is_BLM, count_B, mean_BC, variance_BC = saved
    share_B1 = 1.0 / jnp.maximum(count_B, 1.0)[:, None]
    factor_BC = jax.lax.rsqrt(variance_BC + EPSILON)
    g32_BLMC = g_BLMC.astype(jnp.float32)
    sum_BC = g32_BLMC.sum((1, 2))
    product_BC = (g32_BLMC * (z_BLMC - mean_BC[:, None, None])).sum((1, 2))
    slope_BC = product_BC * factor_BC**2 * share_B1
    shift_BC = sum_BC * share_B1
    pull_BLMC = shift_BC[:, None, None] + slope_BC[:, None, None] * (
        z_BLMC - mean_BC[:, None, None]
    )
    pull_BLMC = jnp.where(is_BLM[..., None], pull_BLMC, 0.0)
    return (factor_BC[:, None, None] * (g32_BLMC - pull_BLMC)).astype(
        g_BLMC.dtype
    ), None


instance_norm.defvjp(_instance_norm_forward, _instance_norm_backward)


def _convolve(z_BLMC: jax.Array, kernel: jax.Array, dilation: int) -> jax.Array:
    return jax.lax.conv_general_dilated(
        z_BLMC,
        kernel,
        window_strides=(1, 1),
        padding="SAME",
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(z_BLMC: jax.Array, kernel: jax.Array, dilation: int) -> jax.Array:
    """Convolves a map with a square kernel of odd size; 0 beyond the edge of the map.

    The gradient of the kernel is formed otherwise on a CPU, see below.

    Args:
      z_BLMC: a map.
      kernel: (size, size, C, channels of the result).
      dilation: positions from one entry of the kernel to the next.

    Returns:
      a map of the same positions.
    """
    return _convolve(z_BLMC, kernel, dilation)


_Operands = tuple[jax.Array, jax.Array]


def _convolve_forward(
    z_BLMC: jax.Array, kernel: jax.Array, dilation: int
) -> tuple[jax.Array, _Operands]:
    return _convolve(z_BLMC, kernel, dilation), (z_BLMC, kernel)


def _convolve_backward(dilation: int, saved: _Operands, g_BLMN: jax.Array) -> _Operands:
    z_BLMC, kernel = saved
    by_rows = functools.partial(
        _kernel_gradient_by_rows, size=kernel.shape[0], dilation=dilation
    )

    def by_lax(z_BLMC: jax.Array, g_BLMN: jax.Array) -> jax.Array:
        of_kernel = functools.partial(_convolve, z_BLMC, dilation=dilation)
        return jax.linear_transpose(of_kernel, kernel)(g_BLMN)[0]

    is_wide = min(kernel.shape[2:]) >= _ROWS_FROM_CHANNELS
    gradient = jax.lax.platform_dependent(
        z_BLMC, g_BLMN, cpu=by_rows if is_wide else by_lax, default=by_lax
    )
    # The gradient of a map: a convolution by the kernel turned round, channels
    # swapped.
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    return _convolve(g_BLMN, turned, dilation), gradient


convolve.defvjp(_convolve_forward, _convolve_backward)


def _kernel_gradient_by_rows(
    z_BLMC: jax.Array, g_BLMN: jax.Array, size: int, dilation: int
) -> jax.Array:
    """Returns the gradient of a kernel as sums of products of a few rows each.

    XLA's own on a CPU is up to 3.4 times slower and writes out all windows of the map
    at once. Here the columns of z and the rows of g are shifted, a few rows at a time,
    which stay in the cache, and one product holds every entry of the kernel: X counts
    its columns times C, Y its rows times N, R the rows of the map.
    """
    B, L, M, C = z_BLMC.shape
    N = g_BLMN.shape[-1]
    reach = dilation * (size // 2)
    rows = min(L, max(1, _POSITIONS_OF_A_PRODUCT // (B * M)))
    num = -(-L // rows)
    spare = num * rows - L
    z_BLMC = jnp.pad(z_BLMC, ((0, 0), (0, spare), (reach, reach), (0, 0)))
    g_BLMN = jnp.pad(g_BLMN, ((0, 0), (reach, reach + spare), (0, 0), (0, 0)))
    starts = [index * dilation for index in range(size)]

    def add(number: jax.Array, sum_XY: jax.Array) -> jax.Array:
        cut = functools.partial(jax.lax.dynamic_slice_in_dim, axis=1)
        z = cut(z_BLMC, number * rows, rows)
        g = cut(g_BLMN, number * rows, rows + 2 * reach)
        z_BRMX = jnp.concatenate([z[:, :, start : start + M] for start in starts], -1)
        g_BRMY = jnp.concatenate(
            [g[:, start : start + rows] for start in reversed(starts)], -1
        )
        return sum_XY + jnp.einsum(
            "brmx,brmy->xy", z_BRMX, g_BRMY, preferred_element_type=jnp.float32
        )

    zero_XY = jnp.zeros((size * C, size * N), jnp.float32)
    sum_XY = jax.lax.fori_loop(0, num, add, zero_XY)
    kernel = sum_XY.reshape(size, C, size, N).transpose(2, 0, 1, 3)
    return kernel.astype(z_BLMC.dtype)


class Convolution(nn.Module):
    """A convolution without bias that keeps the size of the map; 0 beyond its edge."""

    features: int
    size: int
    dilation: int = 1

    @nn.compact
    def __call__(self, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        C = z_BLMC.shape[-1]
        shape = (self.size, self.size, C, self.features)
        kernel = self.param("kernel", _CONV_INIT, shape).astype(z_BLMC.dtype)
        if self.size == 1:
            return (z_BLMC.reshape(-1, C) @ kernel[0, 0]).reshape(
                *z_BLMC.shape[:-1], self.features
            )
        masked_BLMC = jnp.where(is_BLM[..., None], z_BLMC, 0)
        return convolve(masked_BLMC, kernel, self.dilation)


class Bottlenecks(nn.Module):
    """The network of RiNALMo: blocks of 1x1, 3x3 and 1x1 convolutions, then logits.

    Source: Penić et al. 2025, Nat. Commun. 16:5671, and its code
    (rinalmo/model/downstream.py), for shapes and the order of operations.
    """

    num_blocks: int
    normalise: Normalise = instance_norm
    is_rematerialised: bool = False

    @nn.compact
    def __call__(
        self, z_BLMC: jax.Array, is_BLM: jax.Array, is_training: bool = False
    ) -> jax.Array:
        """Returns logits_BLM, float32; not symmetric."""
        del is_training
        for number in range(self.num_blocks):
            block = functools.partial(_bottleneck, number=number)
            if self.is_rematerialised:
                block = nn.remat(block)
            z_BLMC = block(self, z_BLMC, is_BLM)
        return _Logits(name="logits")(z_BLMC, is_BLM)


def _bottleneck(
    network: Bottlenecks, z_BLMC: jax.Array, is_BLM: jax.Array, number: int
) -> jax.Array:
    y_BLMC = z_BLMC
    for index, size in enumerate((1, 3, 1)):
        convolution = Convolution(
            z_BLMC.shape[-1], size, name=f"block_{number}_conv_{index}"
        )
        y_BLMC = nn.relu(network.normalise(convolution(y_BLMC, is_BLM), is_BLM))
    return z_BLMC + y_BLMC


class Dilated(nn.Module):
    """The network of RNA-FM: blocks of two 3x3 convolutions, the second dilated.

    `norm` is "batch", with running statistics that stay as they were loaded, or
    "instance", which is ours, for training from scratch: batches of two or three
    maps have no statistics to run. Both scale and shift each channel.

    Source: Chen et al. 2022, arXiv:2204.00300, and its code
    (fm/downstream/pairwise_predictor), for shapes and the order of operations.
    """

    num_blocks: int
    dropout: float
    norm: str
    normalise: Normalise = instance_norm
    is_rematerialised: bool = False

    def setup(self) -> None:
        kind = DilatedBlock
        if self.is_rematerialised:
            kind = nn.remat(kind, static_argnums=(3,))
        for number in range(self.num_blocks):
            block = kind(dilation(number), self.dropout, self.norm, self.normalise)
            setattr(self, f"block_{number}", block)
        self.logits = _Logits()

    def __call__(
        self, z_BLMC: jax.Array, is_BLM: jax.Array, is_training: bool = False
    ) -> jax.Array:
        """Returns logits_BLM, float32; not symmetric."""
        for number in range(self.num_blocks):
            z_BLMC = getattr(self, f"block_{number}")(z_BLMC, is_BLM, is_training)
        return self.logits(z_BLMC, is_BLM)


class DilatedBlock(nn.Module):
    """A block of `Dilated`, see there."""

    dilation: int
    dropout: float
    norm: str
    normalise: Normalise

    @nn.compact
    def __call__(
        self, z_BLMC: jax.Array, is_BLM: jax.Array, is_training: bool
    ) -> jax.Array:
        """Returns the map after the block, from that before it."""
        C = z_BLMC.shape[-1]
        y_BLMC = self._norm(z_BLMC, is_BLM)
        y_BLMC = Convolution(C, 3, name="conv_0")(nn.relu(y_BLMC), is_BLM)
        y_BLMC = nn.Dropout(self.dropout, deterministic=not is_training)(y_BLMC)
        y_BLMC = nn.relu(y_BLMC)
        return z_BLMC + Convolution(C, 3, self.dilation, name="conv_1")(y_BLMC, is_BLM)

    def _norm(self, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        shape = (z_BLMC.shape[-1],)
        scale_C = self.param("norm_scale", nn.initializers.ones, shape)
        bias_C = self.param("norm_bias", nn.initializers.zeros, shape)
        if self.norm == "batch":
            mean_C = self.param("norm_mean", nn.initializers.zeros, shape)
            variance_C = self.param("norm_variance", nn.initializers.ones, shape)
            y_BLMC = standardise(z_BLMC, mean_C[None], variance_C[None])
        else:
            y_BLMC = self.normalise(z_BLMC, is_BLM)
        out_BLMC = y_BLMC * scale_C[None, None, None] + bias_C[None, None, None]
        return out_BLMC.astype(z_BLMC.dtype)


def dilation(block: int) -> int:
    """Returns the dilation of a block of `Dilated`: 1, 2, 4, 1, ..."""
    return 2 ** (block % 3)


class _Logits(nn.Module):
    """A 3x3 convolution to one number, with a bias, in float32.

    Nine products and shifts: as a convolution, the gradient takes nine times as long.
    """

    @nn.compact
    def __call__(self, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        B, L, M, C = z_BLMC.shape
        kernel = self.param("kernel", _CONV_INIT, (3, 3, C, 1))
        bias = self.param("bias", nn.initializers.zeros, (1,))
        z_BLMC = jnp.where(is_BLM[..., None], z_BLMC.astype(jnp.float32), 0)
        y_BLM9 = (z_BLMC.reshape(-1, C) @ kernel.reshape(9, C).T).reshape(B, L, M, 9)
        y_BLM9 = jnp.pad(y_BLM9, ((0, 0), (1, 1), (1, 1), (0, 0)))
        shifted = [
            y_BLM9[:, row : row + L, column : column + M, 3 * row + column]
            for row in range(3)
            for column in range(3)
        ]
        return sum(shifted[1:], shifted[0]) + bias[0]
