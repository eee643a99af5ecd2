"""Working fluids of cooling appliances, as much of them as a refrigeration cycle needs.

Saturation is `ln p = a - b / T`, fitted at two temperatures of each fluid's usual range to published saturation tables
(R600a: -20 °C 0.72 bar, 40 °C 5.31 bar; R32: 5 °C 9.51 bar, 45 °C 27.95 bar; R404A: -30 °C 2.05 bar, 40 °C 18.3 bar);
between them it is within 3 %. Gas is ideal with one compressibility; heats are constants of the middle of that range.
"""

from dataclasses import dataclass

KELVIN = 273.15


@dataclass(frozen=True, kw_only=True)
class Refrigerant:
    a: float  # of p in bar
    b_k: float
    latent_j_kg: float
    liquid_j_kg_k: float
    gas_j_kg_k: float  # compressibility x gas constant / molar mass
    heat_j_kg_k: float  # of the gas, at constant pressure
    exponent: float  # of its isentropic compression


R600A = Refrigerant(
    a=10.10, b_k=2640.0, latent_j_kg=355e3, liquid_j_kg_k=2300.0, gas_j_kg_k=136.0, heat_j_kg_k=1650.0, exponent=1.10
)
R32 = Refrigerant(
    a=10.827, b_k=2385.0, latent_j_kg=295e3, liquid_j_kg_k=1900.0, gas_j_kg_k=136.0, heat_j_kg_k=1300.0, exponent=1.22
)
R404A = Refrigerant(
    a=10.51, b_k=2381.0, latent_j_kg=175e3, liquid_j_kg_k=1450.0, gas_j_kg_k=77.0, heat_j_kg_k=930.0, exponent=1.12
)
