"""Sessions that programs keep by themselves, also those that were begun outside Sereno.

Listed and read by each program's own means where it has any (Codex, OpenCode); Claude Code has
none, so its transcripts are read where its status command says that they are. Transcripts are what
the person and the agent said; credentials are never among them. All of it blocks: for a thread.
"""
