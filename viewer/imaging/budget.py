"""How much memory one image may take; asked before its voxels are read."""

from __future__ import annotations

from dataclasses import dataclass

from viewer.foundation.errors import ReadError


@dataclass(frozen=True)
class MemoryBudget:
    """A limit in bytes for the decoded voxels of one image."""

    limit: int = 4 << 30

    def check(self, name: str, needed: int) -> None:
        """Accept `needed` bytes for the file called `name`.

        Raises
        ------
        ReadError
            With the code ``over-budget`` when it asks for more than the limit.
        """
        if needed > self.limit:
            raise ReadError(
                f"'{name}' asks for {needed / 2**30:.1f} GB of memory, more than the "
                f"{self.limit / 2**30:.3g} GB allowed for one image.",
                code="over-budget",
            )


BUDGET = MemoryBudget()
"""The budget of every reader."""
