"""A package to start from: the templates, and what makes a plugin's package of one.

`source/` and `transform/` are packages that work as they stand. What is written is a copy in which
`sample-source` is the plugin's name, everywhere and in its three spellings.
"""
