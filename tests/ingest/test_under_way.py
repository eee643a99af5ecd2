"""What is under way is acknowledged in the order in which it came, and none before the log has it."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.bridge.under_way import UnderWay


def test_an_answer_that_comes_early_waits_for_those_before_it() -> None:
    under_way = UnderWay()
    under_way.add([7, 8, 9], [10, 20, 30])
    assert under_way.stored([9]) == []
    assert under_way.stored([8]) == []
    assert (len(under_way), under_way.bytes) == (3, 60)
    assert under_way.stored([7]) == [7, 8, 9]
    assert (len(under_way), under_way.bytes) == (0, 0)


def test_it_knows_what_is_under_way_and_nothing_else() -> None:
    under_way = UnderWay()
    under_way.add([7, 8], [1, 1])
    assert under_way.knows([1, 8])
    assert not under_way.knows([1, 9])
    under_way.stored([7])
    assert not under_way.knows([7])
    under_way.add([7], [1])
    assert under_way.stored([8, 7]) == [8, 7]


@given(st.permutations(range(1, 13)), st.lists(st.integers(1, 5), min_size=12, max_size=12), st.integers(0, 12))
def test_whatever_the_order_of_the_answers_all_is_acknowledged_in_order_and_nothing_early(
    answers: list[int], at_once: list[int], first: int
) -> None:
    under_way, sent = UnderWay(), list(range(1, 13))
    stored: set[int] = set()
    acknowledged: list[int] = []
    under_way.add(sent[:first], sent[:first])
    waiting = [each for each in answers if each <= first]
    later = [each for each in answers if each > first]
    for count in at_once:
        if not waiting and later:
            under_way.add(sent[first:], sent[first:])
            waiting, later = later, []
        some, waiting = waiting[:count], waiting[count:]
        stored.update(some)
        acknowledged += under_way.stored(some)
        assert acknowledged == sent[: len(acknowledged)]
        assert set(acknowledged) <= stored
        left = [each for each in sent if each not in acknowledged and (each <= first or not later)]
        assert (len(under_way), under_way.bytes) == (len(left), sum(left))
    assert waiting or len(acknowledged) in {first, 12}
