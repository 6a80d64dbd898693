"""SSR-LM in JAX: a structure-aware RNA language model."""
