"""Units of the catalogue as SenML's registry names them (RFC 8428, section 12.1; RFC 8798)."""

SENML: dict[str, frozenset[str]] = {
    "°C": frozenset({"Cel"}),
    "W": frozenset({"W"}),
    "A": frozenset({"A"}),
    "V": frozenset({"V"}),
    "Hz": frozenset({"Hz"}),
    "Pa": frozenset({"Pa"}),
    "1/min": frozenset({"1/min"}),
    "l": frozenset({"l"}),
    "m/s²": frozenset({"m/s2"}),
    "l/min": frozenset(),  # the registry has no name for these: whoever sends them in SenML leaves the unit out
    "K/min": frozenset(),
    "%": frozenset({"/100", "%RH", "%EL"}),
    "1": frozenset({"/"}),  # in the registry also the value of a switch
}


def agree(declared: str, said: str) -> bool:
    """Whether a number in `said` is one in `declared` as it stands. Nothing is converted, not even mV to V."""
    return said == declared or said in SENML.get(declared, ())
