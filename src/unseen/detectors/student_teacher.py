"""`StudentTeacher`: a student that learns a teacher's features on normal films, and is wrong about others.

    d_p = Σ over stages ½ ‖t_p/‖t_p‖ − s_p/‖s_p‖‖²;      loss = mean of d over all places, score = mean inside the mask

t and s are the features of teacher and student at place p of the first three stages. The teacher is a network that has
learnt to recognise synthetic lesions (`lesion_classifier`), then fixed; the student has its shape and random weights.

Source: Wang, Han, Ding & Huang, "Student-teacher feature pyramid matching for anomaly detection", BMVC 2021, arXiv
2103.04257, equations 1 to 3. Differs: the teacher learns here, from these films, not from photographs; stages are
summed, not multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.detectors.detector import masked_on
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.lesion_classifier import LesionClassifier, LesionSettings
from unseen.detectors.normals import Normals
from unseen.detectors.restorer import mean_inside
from unseen.training.learner import Step

if TYPE_CHECKING:
    from unseen.anatomy.network_view import Viewed
    from unseen.networks.resnet import ResNet18

_STAGES = 3


class StudentTeacher(LesionClassifier):
    """Feature matching of a student to a teacher.

    >>> StudentTeacher(size=64).config.lesions
    'both'
    """

    key = "student-teacher"

    class Config(LesionSettings):
        """Momentum and weight decay of the student are the paper's."""

        student_rate: float = Field(default=0.1, gt=0, le=1, description="learning rate of SGD for the student")

    config: Config

    def remember(self, normals: Normals, *, seed: int) -> None:
        """Keep nothing of the films: the teacher was trained before."""

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        folder = None if fitting.folder is None else fitting.folder / "teacher"
        super().learn(normals, Fitting(fitting.training, folder, fitting.progress, backbone=fitting.backbone))
        before = 0.0 if self.history is None else self.history.seconds
        self.student: ResNet18 = self._drawn(fitting.training.seed + 1)
        history = self.descend(
            _Studying(self),
            (normals.images * normals.inside,),
            fitting,
        )
        self.history = replace(history, seconds=before + history.seconds)

    def judge(self, viewed: Viewed) -> Judgement:
        networks = self.modules()
        x, inside = masked_on(viewed, networks["student"])
        with torch.inference_mode():
            stages = [
                functional.interpolate(apart, size=x.shape[-2:], mode="bilinear")
                for apart in disagreement(networks["classifier"](x)[0], networks["student"](x)[0])
            ]
            marks = torch.stack(stages).sum(dim=0) * inside
            parts = {f"stage {number + 1}": float(mean_inside(one, inside)) for number, one in enumerate(stages)}
            score = float(mean_inside(marks, inside))
        return Judgement(score=score, parts=parts, anomaly_map=marks[0, 0].cpu().numpy(), reconstruction=None)

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "student"):
            self.student = self._drawn(1)
        return {**super().modules(), "student": self.student}


def disagreement(teacher: list[Tensor], student: list[Tensor]) -> list[Tensor]:
    """½ ‖t/‖t‖ − s/‖s‖‖² at each place of the first three stages: (batch, 1, height, width) each, 0 to 2."""
    return [
        (functional.normalize(t.float()) - functional.normalize(s.float())).square().sum(dim=1, keepdim=True) / 2
        for t, s in zip(teacher[:_STAGES], student[:_STAGES], strict=True)
    ]


class _Studying:
    """The student's learner; the teacher rests."""

    def __init__(self, detector: StudentTeacher) -> None:
        self.modules: dict[str, nn.Module] = {"classifier": detector.classifier, "student": detector.student}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.SGD(
                detector.student.parameters(), lr=detector.config.student_rate, momentum=0.9, weight_decay=1e-4
            )
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x = batch[0]
        self.modules["classifier"].eval()
        with torch.no_grad():
            known = self.modules["classifier"](x)[0]
        stages = disagreement(known, self.modules["student"](x)[0])
        yield Step("generator", torch.stack([apart.mean() for apart in stages]).sum())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""
