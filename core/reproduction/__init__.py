"""The paper's comparison on the kitchen: worlds with dials, runs of equal budget, plain results.

`worlds` says what is seen and how it is called, `plan` which runs are compared, `runs` trains and
predicts one of them, `book` keeps the results so that a stopped reproduction goes on. What the
results tell is told in `analysis/reproduction`.
"""
