"""The engine of one computer."""

import threading
import time

import pytest

from skykin.scale.local import ordered_map


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_the_order_of_the_items(workers):
    def slow_at_first(item):
        time.sleep(0.01 if item < 3 else 0)
        return item * item

    assert list(ordered_map(slow_at_first, range(20), workers)) == [i * i for i in range(20)]


def test_items_are_taken_only_as_fast_as_results_are_read():
    taken = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    results = ordered_map(str, items(), 2)
    assert next(results) == "0"
    results.close()
    assert len(taken) <= 5


def test_an_error_in_one_item_stops_the_rest():
    begun, before = [], set(threading.enumerate())

    def fail_at_two(item):
        begun.append(item)
        if item == 2:
            raise ValueError("item 2 cannot be done")
        return item

    with pytest.raises(ValueError, match="item 2 cannot be done"):
        list(ordered_map(fail_at_two, range(1000), 2))
    assert len(begun) < 20
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("skykin")]
