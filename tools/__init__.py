"""The ``wafermesh`` command line."""
