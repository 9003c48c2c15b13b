"""A measurement process, operator or noise given to a loss's constructor: the error states what to write."""

import pytest

from unseen.losses.equivariance import Equivariance
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.risk import Sure
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.identity import Identity
from unseen.physics.measurement import Measurement


def test_sure_of_a_process_states_what_to_write() -> None:
    process = Measurement(Identity((1, 8, 8)), noise=Gaussian(0.1))
    with pytest.raises(TypeError, match=r"learn\(y, process, losses=\[Sure\(\)\]\)"):
        Sure(process)  # type: ignore[arg-type]


@pytest.mark.parametrize("misplaced", [Identity((1, 8, 8)), Gaussian(0.1)])
def test_an_operator_or_a_noise_is_no_argument_of_a_loss(misplaced: object) -> None:
    for kind, shown in ((Sure, "Sure()"), (Equivariance, "Equivariance(group)")):
        with pytest.raises(TypeError) as raised:
            kind(misplaced)  # type: ignore[arg-type, call-arg]
        assert f"losses=[{shown}]" in str(raised.value)
    with pytest.raises(TypeError, match="takes no operator"):
        MeasurementConsistency(misplaced)  # type: ignore[call-arg, misc]
