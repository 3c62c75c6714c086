"""The paper's rule: what is not worse on the task at hand is taken; it does not control chance."""
