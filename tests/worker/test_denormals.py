"""A worker takes numbers below 1e-38 for zero, in all its threads: a file of them would take twenty times as long."""

import subprocess
import sys
from textwrap import dedent


def test_no_thread_of_a_worker_computes_denormals():
    program = """
        from threading import Thread
        import torch
        import worker.__main__ as worker

        def served(settings, load):
            found = []
            torch.set_num_threads(2)
            look = lambda: found.append(bool(torch.full((2_000_000,), 1e-39).mul(0.5).any()))
            look()
            thread = Thread(target=look)
            thread.start()
            thread.join()
            print(found)

        worker.serve = served
        worker.main()
    """
    ended = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[False, False]"
