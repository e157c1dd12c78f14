"""Pieces of work on several threads, each of which computes alone."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Found = TypeVar("Found")


def usable_threads() -> int:
    """As many as this process may use at once, and as torch was told to."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, torch.get_num_threads())


def in_order(compute: Callable[[Piece], Found], pieces: Iterable[Piece], threads: int) -> Iterator[Found]:
    """`compute` of every piece, in the order of the pieces; sums of them do not depend on the number of threads.

    No more results are held than twice the number of threads.
    """
    if threads == 1:
        with _alone():
            yield from map(_without_gradients(compute), pieces)
        return
    waiting: deque[Future[Found]] = deque()
    with _alone(), ThreadPoolExecutor(threads, "tiles", initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for piece in pieces:
            waiting.append(pool.submit(_without_gradients(compute), piece))
            if len(waiting) == 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _without_gradients(compute: Callable[[Piece], Found]) -> Callable[[Piece], Found]:
    """Inference mode is a property of a thread."""

    def call(piece: Piece) -> Found:
        with torch.inference_mode():
            return compute(piece)

    return call


@contextmanager
def _alone() -> Iterator[None]:
    """Operations on tiles are too short to be shared among threads: starting those would cost as much."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
