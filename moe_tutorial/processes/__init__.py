"""A layer of experts spread over processes: dispatch, combine, the exchange between them, and a launcher."""

from .launcher import launch
from .virtual import CountedExchange, compute_on_processes, exchange

__all__ = ["CountedExchange", "compute_on_processes", "exchange", "launch"]
