"""Memory planning: execution order, buffer lifetimes, arena offsets, and an independent checker."""

from edgewright.plan.plan import Place, Plan, make_plan, separate_plan

__all__ = ["Place", "Plan", "make_plan", "separate_plan"]
