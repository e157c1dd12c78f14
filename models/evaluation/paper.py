"""Figures of the paper, for scale. They are of other zoos, split by run, and come from a secondary digest.

Lim, Maron, Law, Lorraine, Lucas: Graph Metanetworks for Processing Diverse Neural Architectures, ICLR 2024.
"""

from models.evaluation.table import Table

REMARK = (
    "R2 on the zoos of Lim et al. (ICLR 2024): about 15 000 training networks, split by run. The figures come from a"
    " secondary digest of the paper. Theirs is another zoo, so lines are for scale and not for comparison."
)

PAPER = Table(
    title="The paper's figures (theirs, another zoo; secondary source)",
    header=("R2", "DeepSets", "DMC", "GMN"),
    rows=(
        ("Varying CNNs, full data", ".778", ".948", ".978"),
        ("Diverse, full data", ".562", ".957", ".975"),
        ("Diverse, low data", ".126", ".810", ".918"),
        ("Varying CNNs, OOD width", ".741", ".387", ".891"),
        ("Diverse, OOD width", "–", "–", ".768"),
    ),
    remark=REMARK,
)
