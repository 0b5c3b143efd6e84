"""The driver for OpenAI Codex by `codex app-server`, its native interface.

`driver.py` is the way in; the rest is split by idea: opening a thread, modes and models, text,
items, sub-agents, requests and their answers, prompts, failures in words. All of it is sans-I/O.
"""
