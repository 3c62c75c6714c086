"""The ledger's rule: how much of a lineage's level one decision may spend on its hold-out set.

A lineage is a branch and what evolves together on it. Over all its runs, however many, the chance that anything is
committed on a hold-out set that is no better stays within the level. A decision's share is a function of what was
decided before it, and is spent before its evidence is seen.
"""

from collections.abc import Iterable, Sequence
from math import comb

from autogenesis_core.identity import digest
from autogenesis_core.rspl.reader import Grant


def granted(level: float, earlier: Sequence[Grant], reused: bool) -> float:
    """The one-sided level of the next decision, the k-th, after the `earlier` ones on the same hold-out set.

    Arguments:
        level: what the whole lineage may err on this hold-out set, e.g. 0.05
        earlier: the decisions before, in order; one that is still open counts as not committed
        reused: whether earlier decisions saw the same cells (example, seed); the evaluator settles that, no verdict

    Fresh cells: level * gamma_k, gamma_k = 1 / (k (k + 1)), and the level of decision k-1 if that was committed: the
    online fallback of Tian and Ramdas (2021), "Online control of the familywise error rate".
    Given the past, decision k commits what is no better with a chance of at most its alpha. Before the first false
    commit all commits are true ones, so a decision that may err inherits only shares of decisions that could not, and
    no share counts twice: the chance of a first false commit is at most level * (gamma_1 + gamma_2 + ...) = level.

    Reused cells: level * gamma_k / (comb(k-1, c) (c+1) (c+2)) with c commits before, for k > 1, and nothing inherited.
    A candidate may depend on these cells through the k-1 verdicts, so each of the 2^(k-1) histories has a candidate of
    its own that is fixed without them, and errs with a chance of at most its alpha. Over all histories of length k-1,
    comb(k-1, c) of them with c commits, that sums to level * gamma_k * (1 - 1 / (k+1)); over all k to below level.
    This holds only where nothing but the commits comes back: no score, p-value or name of a held-out example.
    """
    number = len(earlier) + 1
    shares = number * (number + 1)
    if reused and earlier:
        commits = sum(grant.committed for grant in earlier)
        shares *= comb(len(earlier), commits) * (commits + 1) * (commits + 2)
    share = level * (1 / shares)  # of integers: a long history's are too large for a float
    return share + earlier[-1].alpha if not reused and earlier and earlier[-1].committed else share


def lineage_id(branch: str, names: Iterable[str]) -> str:
    """The name of a lineage in the ledger: its branch, and the resources (`kind/name`) of the composed system."""
    return digest(["lineage", branch, sorted(set(names))])


def holdout_id(digests: Iterable[str]) -> str:
    """The name of a new hold-out set in the ledger: the digests of its examples, in any order.

    A set of which more than half was in an earlier one of the lineage is no new one: `Reader.holdout` knows it again.
    """
    return digest(["holdout", sorted(set(digests))])
