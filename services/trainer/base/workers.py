"""Starts the training in one process of several threads, or in several of one thread each (`parallel`)."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable

import torch

from parallel import Group, launch


def start(workers: int, threads: int, run: Callable[..., None], *arguments: object) -> None:
    """Calls `run(group, *arguments)` in each worker and waits."""
    if workers == 1:
        torch.set_num_threads(threads)
        run(Group(0, 1), *arguments)
        return

    def pass_on(*_: object) -> None:
        for child in multiprocessing.active_children():
            child.terminate()

    # The workers save on these signals; the process that waits for them must outlive them.
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    launch(workers, run, *arguments)
