"""Measures units: fits a method on an arm and keeps its predictions, several units at a time."""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

import torch
from tqdm import tqdm

from models.evaluation.arms import parts_of
from models.evaluation.methods import Method
from models.evaluation.snapshots import snapshots_of
from models.evaluation.units import Facts, Result, Unit, UnitStore
from models.training.fingerprint import fingerprint
from models.training.networks import JobNetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all units of a run share. Processes are forked, so the networks are in memory once."""

    zoo: str
    networks: Sequence[JobNetworks]
    methods: Mapping[str, Method]
    store: UnitStore

    def missing(self, arms: Sequence[str], names: Sequence[str], seeds: Sequence[int]) -> list[Unit]:
        """Units that were not measured yet, or on other networks, or with other settings; the first seed first."""
        print_of = fingerprint(self.networks)
        units = [
            Unit(zoo=self.zoo, arm=arm, method=name, seed=seed) for seed in seeds for arm in arms for name in names
        ]
        return [unit for unit in units if not self.store.has(unit, self.methods[unit.method].settings, print_of)]

    def measure(self, unit: Unit) -> None:
        """Fits, predicts and writes."""
        wall, cpu = time.monotonic(), time.process_time()
        method, parts = self.methods[unit.method], parts_of(unit.arm, self.networks)
        predicted = method.run(parts.train, parts.test, unit.seed)
        snapshots = snapshots_of(parts.test)
        facts = Facts(
            unit=unit,
            words=method.words,
            kind=method.kind,
            ranked_only=method.ranked_only,
            settings=method.settings,
            fingerprint=fingerprint(self.networks),
            train_snapshots=sum(len(job.entries) for job in parts.train),
            train_architectures=len({job.architecture for job in parts.train}),
            test_snapshots=len(snapshots.accuracy),
            test_architectures=len({job.architecture for job in parts.test}),
            parameters=predicted.parameters,
            cpu_s=round(time.process_time() - cpu, 2),
            wall_s=round(time.monotonic() - wall, 2),
            measured_at=datetime.now(UTC),
        )
        self.store.save(Result(facts=facts, snapshots=snapshots, accuracy=predicted.accuracy, gap=predicted.gap))


def measure_all(bench: Bench, units: Sequence[Unit], processes: int) -> list[Unit]:
    """Measures units, each in a process of its own; returns those that failed, whose logs say why."""
    context, todo = get_context("fork"), list(units)
    running: dict[int, tuple[ForkProcess, Unit]] = {}
    failed: list[Unit] = []
    with tqdm(total=len(units), unit="unit", desc=bench.zoo, smoothing=0.1) as bar:
        while todo or running:
            while todo and len(running) < processes:
                unit = todo.pop(0)
                process = context.Process(target=_in_process, args=(bench.measure, unit, bench.store))
                process.start()
                running[process.sentinel] = (process, unit)
            for sentinel in wait(list(running)):
                process, unit = running.pop(int(sentinel))  # pyright: ignore[reportArgumentType]
                process.join()
                if process.exitcode:
                    failed.append(unit)
                bar.update()
                bar.set_postfix_str(f"{unit.arm} {unit.method} {unit.seed}, {len(failed)} failed")
    return failed


def _in_process(measure: Callable[[Unit], None], unit: Unit, store: UnitStore) -> None:
    """The process's main: one thread, and all output in the unit's log."""
    torch.set_num_threads(1)
    with store.log(unit).open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            try:
                measure(unit)
            except Exception:  # noqa: BLE001 - the main of a process: the parent reads its exit code
                traceback.print_exc()
                sys.exit(1)
