"""Mutants of the modules that decide: small wrong changes, each of which some unit test has to notice.

`targets` are the modules, `operators` the changes, `coverage` finds which tests reach which line, `worker` plays the
mutants of one module in forked processes, `accepted` holds those that no test can tell from the original.
"""
