"""Attenuation of the tissues in a phantom: linear coefficients in 1/cm, at one effective photon energy.

A chest film is taken at 110–125 kVp; the mean energy of the beam behind the patient is about 60 keV. Mass
attenuation coefficients (cm²/g) and densities (g/cm³) are those of ICRU Report 44 as tabulated in

    J. H. Hubbell and S. M. Seltzer, Tables of X-Ray Mass Attenuation Coefficients, NISTIR 5632 (1995), Table 4,
    https://physics.nist.gov/PhysRefData/XrayMassCoef/tab4.html (row 60 keV).
"""

WATER = 0.2059 * 1.00
"""Water, 1/cm."""


SOFT = 0.2048 * 1.06
"""Soft tissue (muscle, blood, viscera), 1/cm."""


FAT = 0.1974 * 0.95
"""Adipose tissue, 1/cm."""


CORTICAL_BONE = 0.3148 * 1.92
"""Cortical bone, 1/cm."""


LEAD = 57.0
"""Lead of a side marker, 1/cm (5.021 cm²/g × 11.35 g/cm³): a millimetre is opaque."""


def from_hounsfield(hounsfield: float) -> float:
    """Return the linear attenuation coefficient, 1/cm, of a tissue from its Hounsfield units.

    `μ = μ_water (1 + HU / 1000)`, the definition of the unit (Hounsfield 1973, Br J Radiol 46:1016), never below 0.

    >>> from_hounsfield(0.0) == WATER
    True
    >>> from_hounsfield(-1000.0)
    0.0
    """
    return max(0.0, WATER * (1.0 + hounsfield / 1000.0))


TRABECULAR_BONE = from_hounsfield(200.0)
"""Spongy bone of vertebrae and rib cores, 1/cm; chosen near the lumbar values of young adults
(Pickhardt et al. 2013, Ann Intern Med 158:588)."""
