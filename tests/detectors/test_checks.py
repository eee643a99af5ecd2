"""Every detector passes every check."""

from collections.abc import Callable

import pytest

from detectors.engine import detectors_of
from tests.detectors.builders import CATALOGUE, SUBJECTS, Subject
from tests.detectors.checks import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_detector(subject: Subject, check: Callable[[Subject], None]) -> None:
    check(subject)


def test_every_kind_of_detector_is_a_subject() -> None:
    kinds = {type(detector) for appliance in CATALOGUE.values() for detector in detectors_of(appliance)}
    assert kinds == {type(subject.detector) for subject in SUBJECTS}
