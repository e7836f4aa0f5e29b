import inspect

import mode


def test_the_second_that_a_worker_no_longer_waits_for_is_still_where_it_was() -> None:
    assert "sleep(1.0)" in inspect.getsource(mode.Worker._sentinel_task)
