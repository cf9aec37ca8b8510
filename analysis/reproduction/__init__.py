"""What a reproduction tells: the paper's claims beside what was measured, with intervals.

`claims` are written down before the first run, `verdicts` compares paired runs, `report` makes a
page of it. The runs themselves are made by `core/reproduction`.
"""
