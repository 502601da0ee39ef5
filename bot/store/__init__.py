"""The only SQL in Parley: a file per noun, each a set of named operations.

What every turn executes is built once, above the operation that gives it its parameters: to build a statement anew, and
to find it among the compiled ones, takes several times as long as SQLite takes to run it.
"""
