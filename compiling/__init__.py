"""axon compiled by mypyc: which modules, from what text, and how they get into place.

`make compiled` does it in place, `AXON_COMPILE=1 pip wheel .` in a wheel. What is made is taken by
`axon.compiled`; docs/compiled.md tells the whole.
"""
