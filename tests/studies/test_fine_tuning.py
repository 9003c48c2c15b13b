"""Fine-tuning the frozen network: it starts as it was published, learns, and the section compares it on fold 0."""

from __future__ import annotations

import torch
from torch.nn import functional

from studies.detectors.fine_tuning import Tuned, _Learner, beside_fine_tuning
from unseen.detectors.frozen_features import published
from unseen.networks.efficientnet_lite import EfficientNetLite


def test_it_starts_from_the_published_weights_and_looks_at_the_lungs_alone() -> None:
    network = Tuned().eval()
    plain = EfficientNetLite(last=14)
    plain.fill(published())
    for one, other in zip(network.network.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    torch.nn.init.ones_(network.head.weight)
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    inside = torch.zeros(1, 1, 64, 64)
    inside[..., 10:40, 10:30] = 1
    other = torch.where(inside > 0, image, torch.zeros(()))
    with torch.no_grad():
        assert torch.allclose(network(torch.cat([image, inside], 1)), network(torch.cat([other, inside], 1)))


def test_a_step_lowers_the_loss_of_its_batch() -> None:
    torch.manual_seed(0)
    network = Tuned()
    learner = _Learner(network, rate=1e-3, steps=12)
    x = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1)).clamp(-1, 1) * 0.3
    inside = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    inside[..., 4:28, 4:28] = True
    losses = []
    for _ in range(6):
        (step,) = learner.steps((x * inside, inside), torch.Generator().manual_seed(2))
        learner.optimisers["tuned"].zero_grad()
        step.loss.backward()
        learner.optimisers["tuned"].step()
        losses.append(float(step.loss.detach()))
    plain = EfficientNetLite(last=14)
    plain.fill(published())
    for one, other in zip(network.network.parameters(), plain.parameters(), strict=True):
        assert not torch.equal(one, other), "a layer that does not learn"
    assert losses[0] == float(functional.softplus(torch.tensor(0.0))) and losses[-1] < losses[0] - 0.05


def test_the_section_says_whether_the_test_folds_are_opened() -> None:
    rows = [
        {
            "recipe": "detectors/fine-tuning/ensemble-features",
            "seed": seed,
            "steps_an_epoch": 34,
            "curve": curve,
            "losses": [0.7, 0.4],
            "n": {"normal": 70, "abnormal": 68},
            "date": "2026-11-25",
        }
        for seed, curve in ((1, [0.6, 0.82]), (0, [0.7, 0.8]))
    ]
    frozen = {"recipe": "detectors/fold-0/ensemble-features", "metrics": {"auroc": {"pooled": {"value": 0.85}}}}
    text = "\n".join(beside_fine_tuning(rows, frozen))
    assert "| 68 | 0.81 | 0.80, 0.82 |" in text and "are not opened for it" in text
    assert "No row yet" in beside_fine_tuning([], None)[1]


def test_the_section_says_where_learning_on_made_it_worse() -> None:
    def row(curve: list[float], losses: list[float]) -> dict[str, object]:
        return {
            "recipe": "detectors/fine-tuning/ensemble-features",
            "seed": 0,
            "steps_an_epoch": 34,
            "curve": curve,
            "losses": losses,
            "n": {"normal": 70, "abnormal": 68},
            "date": "2026-11-27",
        }

    (said,) = beside_fine_tuning([row([0.7, 0.8, 0.6], [0.7, 0.5, 0.3])], None)[3:]
    assert "highest after 68 steps (0.80) and 0.60 at the end" in said and "from 0.50 to 0.30" in said
    assert len(beside_fine_tuning([row([0.7, 0.8, 0.9], [0.7, 0.5, 0.3])], None)) == 3
    assert len(beside_fine_tuning([row([0.7, 0.8, 0.6], [0.7, 0.5, 0.6])], None)) == 3
