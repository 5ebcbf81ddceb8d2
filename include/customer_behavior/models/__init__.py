"""Models: how they predict, explain themselves, and turn into files and back. One file a kind."""

from customer_behavior.models.base_rate import BaseRate
from customer_behavior.models.blend import Blend
from customer_behavior.models.classes import RfmClasses, fit_rfm
from customer_behavior.models.files import from_files, model_id
from customer_behavior.models.linear import Linear, fit_linear
from customer_behavior.models.matrix import matrix
from customer_behavior.models.protocol import Model
from customer_behavior.models.trees import BoostedTrees, fit_booster

__all__ = [
    "BaseRate",
    "Blend",
    "BoostedTrees",
    "Linear",
    "Model",
    "RfmClasses",
    "fit_booster",
    "fit_linear",
    "fit_rfm",
    "from_files",
    "matrix",
    "model_id",
]
