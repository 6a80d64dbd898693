"""Layers of the trunk; each returns what is added to its input.

Source: Jumper et al. 2021, Supplement 1.6 (algorithms 6 to 15), as RhoFold uses them.
Axes beyond models/layers.py: S sequences of an alignment (1 where there is none), C
pair channels, I rows of pairs, X and Y inner channels, N any sequences. Matrix
products are in the compute dtype; norms and softmax are float32 inside. Outputs start
at zero and gates open, so that a block at first changes nothing.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

LEAST = -1e9  # score of what is not there

ZEROS = nn.initializers.zeros_init()
ONES = nn.initializers.ones_init()
RELU_INIT = nn.initializers.he_normal()


class Attention(nn.Module):
    """Gated attention with scores added to its own.

    Attributes:
      num_heads: H.
      head_size: A.
      dtype: of the products.
    """

    num_heads: int
    head_size: int
    dtype: str = "float32"

    @nn.compact
    def __call__(
        self, x_NLD: jax.Array, is_NL: jax.Array, bias_NHLM: jax.Array | None = None
    ) -> jax.Array:
        """Returns what each position gathers from those that are there.

        Args:
          x_NLD: N sequences; float.
          is_NL: bool, or (1, L) for all.
          bias_NHLM: float32, added to scores; N may be 1.
        """
        H, A = self.num_heads, self.head_size
        project = functools.partial(
            nn.DenseGeneral, (H, A), use_bias=False, dtype=self.dtype
        )
        # Heads first: on CPUs the products of any other order are far slower.
        q_NHLA, k_NHMA, v_NHMA = (
            jnp.swapaxes(project(name=name)(x_NLD), 1, 2)
            for name in ("query", "key", "value")
        )
        score_NHLM = jnp.einsum("nhla,nhma->nhlm", q_NHLA * A**-0.5, k_NHMA)
        score_NHLM = score_NHLM.astype(jnp.float32)
        if bias_NHLM is not None:
            score_NHLM = score_NHLM + bias_NHLM
        score_NHLM = jnp.where(is_NL[:, None, None], score_NHLM, LEAST)
        top_NHL1 = jax.lax.stop_gradient(score_NHLM.max(axis=-1, keepdims=True))
        weight_NHLM = jnp.exp(score_NHLM - top_NHL1)
        total_NHL1 = weight_NHLM.sum(axis=-1, keepdims=True)
        out_NHLA = jnp.einsum("nhlm,nhma->nhla", weight_NHLM.astype(self.dtype), v_NHMA)
        out_NHLA = (out_NHLA / total_NHL1).astype(self.dtype)
        out_NLHA = jnp.swapaxes(out_NHLA, 1, 2)
        gate_NLHA = nn.DenseGeneral(
            (H, A), dtype=self.dtype, kernel_init=ZEROS, bias_init=ONES, name="gate"
        )(x_NLD)
        return nn.DenseGeneral(
            x_NLD.shape[-1],
            axis=(-2, -1),
            dtype=self.dtype,
            kernel_init=ZEROS,
            name="out",
        )(out_NLHA * nn.sigmoid(gate_NLHA))


class RowAttention(nn.Module):
    """Attention along each sequence, with scores that its pairs add.

    Attributes:
      num_heads: H.
      head_size: A.
      has_norm: RhoFold's published weights were trained without it.
      dtype: of the products.
    """

    num_heads: int
    head_size: int
    has_norm: bool = True
    dtype: str = "float32"

    @nn.compact
    def __call__(
        self, m_BSLD: jax.Array, z_BLMC: jax.Array, is_BL: jax.Array
    ) -> jax.Array:
        """Returns what is added to m_BSLD."""
        B, S, L, D = m_BSLD.shape
        if self.has_norm:
            m_BSLD = norm(self.dtype, "norm")(m_BSLD)
        z_BLMC = norm(self.dtype, "pair_norm")(z_BLMC)
        bias_BLMH = nn.Dense(
            self.num_heads, use_bias=False, dtype=self.dtype, name="bias"
        )(z_BLMC)
        bias_BHLM = jnp.moveaxis(bias_BLMH, -1, 1).astype(jnp.float32)
        attend = Attention(self.num_heads, self.head_size, self.dtype, name="attention")
        m_NLD = attend(
            m_BSLD.reshape(B * S, L, D),
            jnp.repeat(is_BL, S, axis=0),
            jnp.repeat(bias_BHLM, S, axis=0),
        )
        return m_NLD.reshape(B, S, L, D)


class ColumnAttention(nn.Module):
    """Attention among the sequences of an alignment, at each position."""

    num_heads: int
    head_size: int
    dtype: str = "float32"

    @nn.compact
    def __call__(self, m_BSLD: jax.Array) -> jax.Array:
        """Returns what is added to m_BSLD."""
        B, S, L, D = m_BSLD.shape
        m_NSD = jnp.swapaxes(m_BSLD, 1, 2).reshape(B * L, S, D)
        attend = Attention(self.num_heads, self.head_size, self.dtype, name="attention")
        m_NSD = attend(m_NSD, jnp.ones((1, S), bool))
        return jnp.swapaxes(m_NSD.reshape(B, L, S, D), 1, 2)


class Transition(nn.Module):
    """A norm and two linear layers with a ReLU between.

    Attributes:
      factor: inner width over the outer one.
      dtype: of the products.
    """

    factor: int
    dtype: str = "float32"

    @nn.compact
    def __call__(self, x_D: jax.Array) -> jax.Array:
        """Returns what is added to (..., D)."""
        D = x_D.shape[-1]
        x_D = norm(self.dtype, "norm")(x_D)
        x_F = nn.Dense(
            self.factor * D, dtype=self.dtype, kernel_init=RELU_INIT, name="up"
        )(x_D)
        return nn.Dense(D, dtype=self.dtype, kernel_init=ZEROS, name="down")(
            nn.relu(x_F)
        )


class OuterProduct(nn.Module):
    """Pairs from products of positions, averaged over the sequences.

    The product of two vectors is contracted with the output's weights one vector at a
    time, so the (L, M, inner x inner) array of algorithm 10 is never made.

    Attributes:
      inner: width that a position is projected to.
      width: C.
      dtype: of the products.
    """

    inner: int
    width: int
    dtype: str = "float32"

    @nn.compact
    def __call__(self, m_BSLD: jax.Array, is_BL: jax.Array) -> jax.Array:
        """Returns what is added to z_BLMC."""
        m_BSLD = norm(self.dtype, "norm")(m_BSLD)
        is_BSLD = is_BL[:, None, :, None]
        first_BSLX, second_BSMY = (
            nn.Dense(self.inner, dtype=self.dtype, name=name)(m_BSLD) * is_BSLD
            for name in ("first", "second")
        )
        kernel_XYC = self.param("kernel", ZEROS, (self.inner, self.inner, self.width))
        bias_C = self.param("bias", ZEROS, (self.width,))
        # One side with the weights first: positions times Y C, never pairs times X Y.
        half_BSLYC = jnp.einsum(
            "bslx,xyc->bslyc", first_BSLX, kernel_XYC.astype(self.dtype)
        )
        z_BLMC = jnp.einsum(
            "bslyc,bsmy->blmc",
            half_BSLYC,
            second_BSMY,
            preferred_element_type=jnp.float32,
        )
        return (z_BLMC + bias_C[None, None, None]) / (m_BSLD.shape[1] + 1e-3)


class TriangleProduct(nn.Module):
    """A pair (i, j) from the pairs of i and of j with every k.

    Attributes:
      inner: channels of the product.
      is_outgoing: pairs (i, k) and (j, k); otherwise (k, i) and (k, j).
      dtype: of the products.
    """

    inner: int
    is_outgoing: bool
    dtype: str = "float32"

    @nn.compact
    def __call__(self, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        """Returns what is added to z_BLMC."""
        C = z_BLMC.shape[-1]
        z_BLMC = norm(self.dtype, "norm")(z_BLMC)
        a_BLMX, b_BLMX = (self._gated(name, z_BLMC, is_BLM) for name in ("a", "b"))
        # Channels first: as in `Attention`.
        a_BXLM, b_BXLM = (jnp.moveaxis(x, -1, 1) for x in (a_BLMX, b_BLMX))
        equation = "bxik,bxjk->bxij" if self.is_outgoing else "bxki,bxkj->bxij"
        x_BLMX = jnp.moveaxis(jnp.einsum(equation, a_BXLM, b_BXLM), 1, -1)
        x_BLMX = norm(self.dtype, "out_norm")(x_BLMX)
        x_BLMC = nn.Dense(C, dtype=self.dtype, kernel_init=ZEROS, name="out")(x_BLMX)
        return x_BLMC * nn.sigmoid(gate(C, self.dtype, "gate")(z_BLMC))

    def _gated(self, name: str, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        x_BLMX = nn.Dense(self.inner, dtype=self.dtype, name=name)(z_BLMC)
        by_BLMX = gate(self.inner, self.dtype, f"{name}_gate")(z_BLMC)
        return x_BLMX * nn.sigmoid(by_BLMX) * is_BLM[..., None]


class TriangleAttention(nn.Module):
    """A pair (i, j) from the pairs of i with every k, scored by the pairs (j, k).

    Attributes:
      num_heads: H.
      head_size: A.
      is_starting: as above; otherwise columns take the place of rows.
      dtype: of the products.
      chunk: rows that are computed together, 0 for what suits the device; bounds
        memory, changes nothing.
    """

    num_heads: int
    head_size: int
    is_starting: bool
    dtype: str = "float32"
    chunk: int = 0

    @nn.compact
    def __call__(self, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        """Returns what is added to z_BLMC; `is_BLM` is symmetric."""
        if not self.is_starting:
            z_BLMC = jnp.swapaxes(z_BLMC, 1, 2)
        z_BIMC = norm(self.dtype, "norm")(z_BLMC)
        bias_BLMH = nn.Dense(
            self.num_heads, use_bias=False, dtype=self.dtype, name="bias"
        )(z_BIMC)
        bias_BHLM = jnp.moveaxis(bias_BLMH, -1, 1).astype(jnp.float32)
        attend = Attention(self.num_heads, self.head_size, self.dtype, name="attention")
        B, rows = z_BIMC.shape[:2]
        chunk = min(self.chunk or _rows_together(self.num_heads * rows**2), rows)
        padding = -rows % chunk

        def of_rows(
            attend: Attention, z_NMC: jax.Array, is_NM: jax.Array, bias_HLM: jax.Array
        ) -> jax.Array:
            # A product with ones makes the bias' gradient one, too: to add up over the
            # first axis takes a CPU 40 times as long.
            one_N = jnp.ones(len(z_NMC))
            return attend(z_NMC, is_NM, jnp.einsum("n,hlm->nhlm", one_N, bias_HLM))

        if rows == chunk or self.is_initializing():
            out = [
                of_rows(attend, *parts)
                for parts in zip(z_BIMC, is_BLM, bias_BHLM, strict=True)
            ]
            return self._turned(jnp.stack(out))

        def of_chunk(
            attend: Attention, carry: None, part: tuple[jax.Array, ...]
        ) -> tuple[None, jax.Array]:
            z_NMC, is_NM, number = part
            return carry, of_rows(attend, z_NMC, is_NM, bias_BHLM[number])

        parts = (rows + padding) // chunk
        z_NIMC, is_NIM = (
            jnp.pad(x, ((0, 0), (0, padding)) + ((0, 0),) * (x.ndim - 2)).reshape(
                B * parts, chunk, *x.shape[2:]
            )
            for x in (z_BIMC, is_BLM)
        )
        number_N = jnp.repeat(jnp.arange(B), parts)
        scanned = nn.scan(
            # Computed again in the backward pass: if they were kept, the scores of
            # all chunks would take what chunks are to save.
            nn.remat(of_chunk, prevent_cse=False),
            variable_broadcast="params",
            split_rngs={"params": False},
        )
        _, out_NIMC = scanned(attend, None, (z_NIMC, is_NIM, number_N))
        out_BIMC = out_NIMC.reshape(B, parts * chunk, *out_NIMC.shape[2:])[:, :rows]
        return self._turned(out_BIMC)

    def _turned(self, z_BIMC: jax.Array) -> jax.Array:
        return z_BIMC if self.is_starting else jnp.swapaxes(z_BIMC, 1, 2)


def _rows_together(num_scores: int) -> int:
    """Returns how many rows' scores fit a CPU's cache; elsewhere, 256 MiB."""
    budget = 2**21 if jax.default_backend() == "cpu" else 2**26
    return max(1, budget // num_scores)


def norm(dtype: str, name: str) -> nn.LayerNorm:
    """Returns a layer norm: float32 inside, `dtype` outside."""
    return nn.LayerNorm(epsilon=1e-5, dtype=dtype, name=name)


def gate(width: int, dtype: str, name: str) -> nn.Dense:
    """Returns a linear layer before a sigmoid; open at first."""
    return nn.Dense(width, dtype=dtype, kernel_init=ZEROS, bias_init=ONES, name=name)
