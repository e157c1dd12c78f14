"""The two forms in which a network's structure is known."""

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow

Network = Architecture | Dataflow
"""Layers where the network is made of those we have kinds for; whole-tensor operators otherwise."""
