"""Notebooks executed two at a time, each in a kernel with one thread and nothing random."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode

WORKERS = 2
# Two builds give the same figures: no random hashes, one fixed date, no sums split over threads.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "1767225600",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
TRACEBACK_LINES = 12


@dataclass
class Failure:
    """The cell at which an execution stopped, as its index in the notebook, and why."""

    cell: int
    reason: str


@dataclass
class Execution:
    """A notebook after its execution, the time taken, and what went wrong, if anything."""

    path: Path
    notebook: NotebookNode
    seconds: float
    failure: Failure | None

    def bundle(self) -> CacheBundleIn:
        """Return what jupyter-cache stores."""
        data = {"execution_seconds": self.seconds}
        return CacheBundleIn(self.notebook, str(self.path), data=data)


def execute_all(
    notebooks: Mapping[str, tuple[Path, NotebookNode]], timeout: int
) -> Iterator[tuple[str, Execution]]:
    """Execute notebooks in place, and yield each one when it is done."""
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {
            pool.submit(_execute, path, notebook, timeout): name
            for name, (path, notebook) in notebooks.items()
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def describe(failure: Failure, notebook: NotebookNode) -> str:
    """Say which code cell failed, counting from one, with the end of its traceback."""
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: failure.cell + 1])
    trace = re.sub(r"\x1b\[[0-9;]*m", "", failure.reason).strip().splitlines()
    return "\n".join([f"code cell {number} failed", *trace[-TRACEBACK_LINES:]])


def _execute(path: Path, notebook: NotebookNode, timeout: int) -> Execution:
    started = 0

    def note(cell_index: int, **_: Any) -> None:
        nonlocal started
        started = cell_index

    client = NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=note,
    )
    failure = None
    start = time.perf_counter()
    try:
        client.execute(env={**os.environ, **ENVIRONMENT}, transport_encryption="auto")
    except (CellControlSignal, DeadKernelError) as error:
        failure = Failure(started, str(error))
    failure = failure or _written_to_stderr(notebook)
    return Execution(path, notebook, time.perf_counter() - start, failure)


def _written_to_stderr(notebook: NotebookNode) -> Failure | None:
    """Return the first cell that wrote to stderr: a warning that readers would see."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                return Failure(index, f"it wrote to stderr:\n{output.text}")
    return None
