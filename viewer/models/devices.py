"""The device that a model runs on: which there is, how much memory it has left, what it computes fast."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil
import torch

from viewer.foundation.errors import ModelError


def device(name: str | None = None) -> torch.device:
    """The named device, or the best there is (CUDA, MPS, else CPU) for None and ``auto``.

    Raises
    ------
    ModelError
        When this machine does not have it.
    """
    if name in (None, "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(str(name).split(":")[0], False):
        raise ModelError(
            f"This machine has no device '{name}'.", code="no-device", action="Choose cpu or auto."
        )
    return torch.device(str(name))


def free_bytes(device: torch.device) -> int:
    """Memory that a computation on this device may still take, in bytes.

    On the processor what the system says is available, and no more than what the container allows.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return min(int(psutil.virtual_memory().available), _allowed_by_container())


def release(device: torch.device) -> None:
    """Give back what nobody refers to any more; to be called outside the `except` that holds a traceback."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def ran_out(error: BaseException) -> bool:
    """Whether an exception says that memory ran out; not every allocator of torch says so by its type."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def half_type(device: torch.device) -> torch.dtype | None:
    """The half precision that this device computes faster in; None on a processor."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else None


def _allowed_by_container() -> int:
    """What is left of the memory limit of a Linux container; very much where there is none."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # Files that were read stay in memory until somebody needs it: they are no reason to refuse anything.
        return int(limit) - int(used) + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):  # no such files, or the limit is the word "max"
        return 1 << 62
