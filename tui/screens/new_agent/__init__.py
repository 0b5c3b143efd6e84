"""Starting an agent."""
