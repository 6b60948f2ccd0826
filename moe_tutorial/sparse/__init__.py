"""What is saved when not every expert is computed."""

from .costs import blend_of_all, favourite_only, load_costs, multiplications, random_mixture

__all__ = ["blend_of_all", "favourite_only", "load_costs", "multiplications", "random_mixture"]
