"""The only SQL in Parley: a file per noun, each a set of named operations."""
