"""`StackPlan`: what reading a stack would give, as plain numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from fastpix.notes import count_of
from fastpix.plan.plan import Plan
from fastpix.series.arrangement import Finding

_SHOWN = 3  # plans in words


@dataclass(frozen=True)
class StackPlan:
    """What reading a stack would give; print it to read it.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
    unit : str
    nbytes : int
    axes : tuple of str
    plans : tuple of (Plan, int)
        Those of the files, and how many files each is for.
    findings : tuple of Finding
    """

    shape: tuple[int, ...]
    dtype: str
    unit: str
    nbytes: int
    axes: tuple[str, ...]
    plans: tuple[tuple[Plan, int], ...]
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape))
        lines = [f"{size} {self.dtype}, {self.unit}, {self.nbytes / 2**20:.1f} MiB"]
        if self.axes:
            lines.append(f"first axis: {self.axes[0]}")
        lines += [f"{finding.code}: {finding.text}" for finding in self.findings]
        for plan, count in self.plans[:_SHOWN]:
            lines.append(f"{count_of(count, 'file')}:")
            lines += [f"  {line}" for line in str(plan).splitlines()]
        if len(self.plans) > _SHOWN:
            lines.append(f"and {len(self.plans) - _SHOWN} other plans")
        return "\n".join(lines)
