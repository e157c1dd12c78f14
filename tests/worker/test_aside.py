"""Work done aside: its result and its errors arrive, and nobody waits for it longer than they have to."""

import threading

import pytest

from metagauge.errors import JobSupersededError, PredictTimeoutError
from worker.aside import Aside


def ignore() -> None:
    return


def cancelled() -> None:
    raise JobSupersededError("cancelled")


def test_the_result_arrives():
    assert Aside(most=1, deadline_s=60).do(lambda: 7, ignore) == 7


def test_an_error_arrives_as_itself():
    with pytest.raises(ZeroDivisionError):
        Aside(most=1, deadline_s=60).do(lambda: 1 // 0, ignore)


def test_a_place_is_free_again_after_an_error():
    aside = Aside(most=1, deadline_s=60)
    with pytest.raises(ZeroDivisionError):
        aside.do(lambda: 1 // 0, ignore)
    assert aside.do(lambda: 7, ignore) == 7


def test_a_cancelled_job_is_not_waited_for():
    release = threading.Event()
    try:
        with pytest.raises(JobSupersededError):
            Aside(most=1, deadline_s=3600).do(release.wait, cancelled)
    finally:
        release.set()


def test_what_takes_too_long_is_given_up_with_a_reason():
    release = threading.Event()
    try:
        with pytest.raises(PredictTimeoutError, match=r"0\.1 s"):
            Aside(most=1, deadline_s=0.1).do(release.wait, ignore)
    finally:
        release.set()


def test_what_was_given_up_keeps_its_place_until_it_ends():
    aside, release, ended = Aside(most=1, deadline_s=3600), threading.Event(), threading.Event()

    def takes_long() -> None:
        release.wait()
        ended.set()

    with pytest.raises(JobSupersededError):
        aside.do(takes_long, cancelled)
    with pytest.raises(JobSupersededError):  # while it waits for the place, it looks too
        aside.do(lambda: 7, cancelled)
    release.set()
    assert aside.do(lambda: 7, ignore) == 7
    assert ended.is_set()


def test_the_work_is_done_in_another_thread():
    assert Aside(most=1, deadline_s=60).do(threading.current_thread, ignore) is not threading.current_thread()
