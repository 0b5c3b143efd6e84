"""The demo agent: a real Agent Client Protocol program that needs no model.

A program of its own (`python -m sereno.core.providers.demo`), the agent of a machine that has none
and the load generator of tests and benchmarks. It may use the standard library, msgspec and our
JSON-RPC peer, and nothing else of Sereno: it must start fast and stay small.
"""
