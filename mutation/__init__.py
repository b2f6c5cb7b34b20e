"""Mutation testing: small faults are put into the code, and a test has to notice each.

`make mutate SAMPLE=500 SEED=1` draws so many faults from the rooms that `rooms.py` names, makes
them one after the other in a copy of the tree, and runs the tests that cover the changed file,
nearest first, until one fails. What no test notices is printed: it needs a test, or a reason.

The operators are cosmic-ray's, with two of our own. Its own driver knows one test command for all
files and no sample; here each file has its tests, so that a fault costs seconds.
"""
