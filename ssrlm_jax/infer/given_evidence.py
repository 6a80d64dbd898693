"""Which RNA the evidence in files is of, and which was of none."""

from collections.abc import Sequence
from typing import NamedTuple

from ssrlm_jax.rna import constraint_formats, formats, reactivities


class Chosen(NamedTuple):
    """What files say of one RNA; None: nothing."""

    profile: reactivities.Profile | None
    block: constraint_formats.Block | None


class GivenEvidence:
    """Reactivities and constraints of a call, each of one RNA."""

    def __init__(
        self,
        profiles: Sequence[reactivities.Profile],
        blocks: Sequence[constraint_formats.Block],
    ) -> None:
        """Takes what was read."""
        self._profiles, self._blocks = profiles, blocks
        self._unused = {one.place: one.name for one in profiles}
        self._unused |= {one.place: one.name for one in blocks}

    def of(self, record: formats.Record) -> Chosen:
        """Returns what is known of a record.

        Raises:
          ValueError: it names no RNA, and was of another record already.
        """
        name, sequence = record.name, record.sequence
        profile = reactivities.chosen(self._profiles, name, sequence)
        block = constraint_formats.chosen(self._blocks, name, sequence)
        for one in (profile, block):
            if one is not None:
                self._take(one)
        return Chosen(profile, block)

    def check(self, record: formats.Record, max_span: int = 0) -> None:
        """Checks that what is known of a record fits it, before anything is computed.

        Args:
          record: of an input.
          max_span: nucleotides from one end of a pair to the other; 0: any.

        Raises:
          ValueError: it does not, or contradicts itself, or the record has two strands.
        """
        profile, block = self.of(record)
        if profile is None and block is None:
            return
        check_strands(record)
        if profile is not None:
            profile.values(record.sequence)
        if block is not None:
            block.of(record.sequence, max_span)

    def unused(self) -> list[str]:
        """Returns where there is evidence of RNA that did not come."""
        return [f"{place}: {name}: no such RNA" for place, name in self._unused.items()]

    def _take(self, one: reactivities.Profile | constraint_formats.Block) -> None:
        if self._unused.pop(one.place, None) is None and not one.name:
            raise ValueError(
                f"{one.place}: it names no RNA, and was used for another record "
                "already; write '>NAME' above"
            )


def check_strands(record: formats.Record) -> None:
    """Raises a ValueError where a record that something is known of has two strands."""
    if record.breaks:
        raise ValueError("two strands; evidence is read for one")
