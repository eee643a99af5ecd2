"""A GS1 Digital Link names one item: its number is checked, its serial comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import gs1

GTIN = "09506000134352"  # the example of the standard
SERIALS = st.text(alphabet="!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=20)


@pytest.mark.parametrize("typed", ["09506000134352", "9506000134352"])
def test_a_number_of_any_length_is_kept_in_14_digits(typed: str) -> None:
    assert gs1.gtin(typed) == GTIN


@pytest.mark.parametrize("typed", ["09506000134353", "90506000134352", "0950600013435", "", "0950600013435²", "x" * 14])
def test_a_mistyped_number_is_none(typed: str) -> None:
    assert gs1.gtin(typed) is None


@given(digits=st.text(alphabet="0123456789", min_size=13, max_size=13), place=st.integers(0, 13), by=st.integers(1, 9))
def test_one_wrong_digit_never_names_another_product(digits: str, place: int, by: int) -> None:
    right = digits + gs1.check_digit(digits)
    assert gs1.gtin(right) == right
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert gs1.gtin(wrong) is None


@given(serial=SERIALS)
def test_a_link_comes_back_as_the_item_that_it_was_made_of(serial: str) -> None:
    made = gs1.item(GTIN, serial)
    assert made is not None
    assert gs1.read(f"https://id.example{made.path}?17=271231#x") == made


@pytest.mark.parametrize("serial", ["", "S" * 21, "S 1", "序1", "S\n1", "S#1"])
def test_a_serial_that_gs1_does_not_know_has_no_link(serial: str) -> None:
    assert gs1.item(GTIN, serial) is None


def test_variant_and_lot_may_stand_before_the_serial() -> None:
    assert gs1.read(f"https://x.example/01/{GTIN}/22/2A/10/L7/21/S%2F1") == gs1.Item(gtin=GTIN, serial="S/1")


@pytest.mark.parametrize(
    "text", ["https://x.example/01/09506000134353/21/S1", "https://x.example/r/abc", "http://[::1", "S1", ""]
)
def test_what_is_no_link_of_an_item_is_none(text: str) -> None:
    assert gs1.read(text) is None
